import type { FaultKind, ReauthorizeReason, Timing } from "@linkwright/core";
import type { BankAddress } from "./bank.ts";
import type { StoreAddress } from "./stores.ts";
import type { GivenUp } from "./verdict.ts";

/** What the parent and its workers tell each other. */

/** One connection that the workers share, and whose it is. */
export interface SharedConnection {
  /** By which the parent calls it, from 0. */
  readonly number: number;
  readonly id: string;
  readonly subject: string;
}

export type ToWorker =
  | {
      readonly say: "begin";
      readonly name: string;
      readonly bank: BankAddress;
      readonly store: StoreAddress;
      readonly timing: Timing;
      readonly freshness: number;
      /** Milliseconds by which this process's wall clock is wrong. */
      readonly skew: number;
      readonly connections: readonly SharedConnection[];
      /** In this process, for each connection. */
      readonly callers: number;
      /** Whether this process also sweeps, and renews ahead of time what no caller asks for. */
      readonly sweeps: boolean;
    }
  /** Ask for nothing until then (epoch milliseconds, true ones), then all at once. */
  | { readonly say: "hush"; readonly until: number }
  | { readonly say: "stop" };

export type FromWorker =
  | { readonly say: "ready" }
  | { readonly say: "counts"; readonly counts: CallerCounts }
  | { readonly say: "wrong"; readonly connection: number; readonly subject: string }
  | { readonly say: "reauthorize"; readonly connection: number; readonly reason: ReauthorizeReason }
  /** The process itself found that it had stood still: epoch milliseconds, true ones. */
  | { readonly say: "stood"; readonly from: number; readonly to: number }
  | ({ readonly say: "gave_up" } & Omit<GivenUp, "worker">)
  | { readonly say: "unhandled"; readonly error: string };

/** What callers met since the last report. */
export interface CallerCounts {
  /** Calls that were answered with a token. */
  readonly served: number;
  /** Tokens that were shown to the resource and were their connection's own. */
  readonly verified: number;
  /** Tokens that the resource did not take: they ended on the way, or by a wrong clock's reckoning. */
  readonly stale: number;
  readonly failed: Readonly<Partial<Record<FaultKind | "other", number>>>;
}
