import { z } from "zod";
import { eventTypes, type FisklEvent } from "./events.ts";

/** A message's body. Loaded with the first one, since the library is heavy at a cold start. */
export const event: z.ZodType<FisklEvent> = z
  .object({
    id: z.string().min(1).max(256),
    type: z.string().min(1).max(256),
    createdAt: z.string(),
    data: z.record(z.string(), z.unknown()),
  })
  .transform(({ id, type: name, createdAt, data }) => {
    const type = eventTypes.find((known) => known === name) ?? "unknown";
    return { id, type, name, createdAt, data } as FisklEvent;
  });
