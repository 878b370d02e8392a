import type { Events } from "./events.ts";
import { quote } from "./faults.ts";
import type { FaultReading } from "./provider.ts";
import type { Registration } from "./registration.ts";

/** Clients that their server refused: told once each, however many connections they carry, until they work again. */
export interface Incidents {
  opened(registration: Registration, reading: FaultReading, status: number | undefined): void;
  resolved(registration: Registration): void;
  isOpen(registration: Registration): boolean;
}

export function createIncidents(events: Events): Incidents {
  const open = new Set<string>();
  const place = ({ name, provider }: Registration) => ({ registration: name, provider: provider.id });
  return {
    opened(registration, { code, description }, status) {
      if (open.has(registration.name)) return;
      open.add(registration.name);
      events.emit("client.rejected", {
        ...place(registration),
        ...(code !== undefined && { code: quote(code, 80) }),
        ...(status !== undefined && { status }),
        message: `The server refused the client${description ? `: ${quote(description)}` : ""}. Check the client id, its secret and what it is registered for.`,
      });
    },
    resolved(registration) {
      if (open.delete(registration.name)) events.emit("client.accepted", place(registration));
    },
    isOpen: ({ name }) => open.has(name),
  };
}
