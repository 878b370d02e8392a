import type { EventName, FaultKind, Report } from "@linkwright/core";
import type { BankAddress } from "./bank.ts";
import type { StoreAddress } from "./stores.ts";

/** What a test asks of a process, and what it is answered: one answer for each order. */

export type Order =
  /** Opens the store and puts an application on it, in place of the one before. */
  | {
      readonly do: "begin";
      readonly bank: BankAddress;
      readonly store: StoreAddress;
      /** What the clock shows: epoch milliseconds. It runs by itself besides. */
      readonly now: number;
      /** Milliseconds by which this process's wall clock is wrong. */
      readonly skew: number;
    }
  /** Moves the clock, timers included. */
  | { readonly do: "advance"; readonly ms: number }
  /** So many calls at once; of the connection with that id, or of the application itself. */
  | { readonly do: "ask"; readonly of: string; readonly callers: number }
  | { readonly do: "ask the application"; readonly callers: number }
  | { readonly do: "maintain"; readonly rate: number }
  | { readonly do: "disconnect"; readonly connection: string }
  /** The answer to the next token request is kept from the application; the order is answered when it came. */
  | { readonly do: "keep the answer" }
  /** How often each event was told since `begin`. */
  | { readonly do: "events" }
  | { readonly do: "end" };

export type Answer =
  | { readonly to: "ask"; readonly asked: Asked }
  | { readonly to: "maintain"; readonly outcomes: Report["outcomes"] }
  | { readonly to: "events"; readonly events: Readonly<Partial<Record<EventName, number>>> }
  | { readonly to: "disconnect"; readonly disconnected: boolean }
  | { readonly to: "order" };

/** What became of many calls. */
export interface Asked {
  /** Different tokens that were handed out. */
  readonly tokens: readonly string[];
  readonly served: number;
  readonly failed: Readonly<Partial<Record<FaultKind | "other", number>>>;
}

export interface Numbered<T> {
  readonly number: number;
  readonly body: T;
}

export type Reply = Numbered<Answer> | { readonly number: number; readonly error: string };
