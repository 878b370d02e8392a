import type { Options } from "./main.ts";
import { answer } from "./processes.ts";
import type { Part } from "./report.ts";
import { removePlaces } from "./stores.ts";

/** One part in a process of its own: what another one left in the heap and in the compiler does not weigh on it. */
answer<Options & { readonly part: string }>(async ({ part, ...options }) => {
  const module = (await import(`./parts/${part}.ts`)) as Record<string, (options: Options) => Promise<Part>>;
  try {
    return await module[part]?.(options);
  } finally {
    await removePlaces();
  }
});
