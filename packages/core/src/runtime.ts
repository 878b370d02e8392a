import type { Clock } from "./clock.ts";
import type { Events } from "./events.ts";
import type { FaultDetails } from "./faults.ts";
import type { Gates } from "./gates.ts";
import type { Incidents } from "./incidents.ts";
import type { Timing } from "./policy.ts";
import type { Registration } from "./registration.ts";
import type { Rows } from "./rows.ts";
import type { Seal } from "./seal.ts";
import type { Store } from "./store.ts";
import type { TokenCache } from "./token-cache.ts";
import type { Fetch } from "./wire.ts";

/** What the parts of one connector share. */
export interface Runtime {
  readonly clock: Clock;
  readonly timing: Timing;
  readonly fetch: Fetch;
  /** Whether http is allowed to loopback. */
  readonly insecureLoopback: boolean;
  /** Milliseconds for which a row in memory is believed. */
  readonly freshness: number;
  readonly store: Store;
  readonly seal: Seal;
  readonly rows: Rows;
  readonly cache: TokenCache;
  readonly gates: Gates;
  readonly incidents: Incidents;
  readonly events: Events;
  readonly registrations: ReadonlyMap<string, Registration>;
  /** Names of the registrations whose accounts belong to one owner each. */
  readonly oneOwnerPerAccount: ReadonlySet<string>;
  /** Whether renewals may run ahead of need while the caller goes on. */
  readonly ahead: boolean;
  /** Whether maintenance renews access tokens ahead of their end, besides keeping grants alive. */
  readonly keepFresh: boolean;
  /** Keeps work that nobody awaits, so that `close` can. What it throws was reported where it happened. */
  background(work: Promise<unknown>): void;
  /** Tells of a server's bearable departure from its contract. */
  warn(registration: Registration, message: string, details?: FaultDetails): void;
}

/** The key of a connection's record. */
export const connectionKey = (id: string): string => `connection:${id}`;
