import type { Clock } from "./clock.ts";

/**
 * Requests held back, by endpoint and client: because the server asked for it (429, 503), or because it does not know the
 * client, which no repetition mends. In memory: a gate is a courtesy, and a process that does not know of one learns it from
 * one answer.
 */
export interface Gates {
  /** Why no request may go now; `undefined` where one may. */
  closed(endpoint: string, client: string): Gate | undefined;
  close(endpoint: string, client: string, gate: Gate): void;
  /** @param sent - When the request was sent that succeeded: one from before the gate was closed tells nothing of it. */
  open(endpoint: string, client: string, sent: number): void;
}

export interface Gate {
  /** Epoch milliseconds. */
  readonly until: number;
  readonly kind: "retry" | "configuration";
  readonly code?: string | undefined;
}

export function createGates(clock: Clock): Gates {
  const gates = new Map<string, Gate & { readonly since: number }>();
  const name = (endpoint: string, client: string) => `${client} ${endpoint}`;
  return {
    closed(endpoint, client) {
      const gate = gates.get(name(endpoint, client));
      return gate && gate.until > clock.now() ? gate : undefined;
    },
    close: (endpoint, client, gate) => void gates.set(name(endpoint, client), { ...gate, since: clock.now() }),
    open(endpoint, client, sent) {
      const gate = gates.get(name(endpoint, client));
      if (gate && gate.since < sent) gates.delete(name(endpoint, client));
    },
  };
}

/** How long it is not tried again what somebody has to mend first, as a client that the server refused: milliseconds. */
export const mendPause = 5_000;

/** The longest a `Retry-After` is believed: an hour. */
const longestWait = 3_600_000;

/**
 * `Retry-After` in either form (RFC 9110, section 10.2.3) as an instant, at most an hour ahead; `undefined` where it is absent
 * or makes no sense.
 */
export function retryAfter(headers: Headers, now: number): number | undefined {
  const value = headers.get("retry-after")?.trim();
  if (!value) return undefined;
  const at = /^\d+$/.test(value) ? now + Number(value) * 1000 : /[a-z]/i.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isFinite(at) && at >= now ? Math.min(at, now + longestWait) : undefined;
}
