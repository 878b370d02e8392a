import type { Connection, ConnectorError, DisconnectReport } from "@linkwright/core";
import type { FailureCode } from "./status.ts";

/** What a browser's request came to; `next` says where the browser goes from there. */
export type Outcome = Connected | Disconnected | Failed;

/** A user came back, and a connection stands. */
export interface Connected {
  readonly outcome: "connected";
  readonly owner: string;
  /** Its `status().health` may be `pending` still. */
  readonly connection: Connection;
  /** What the form that began it asked for; a path of this origin. */
  readonly returnTo: string | undefined;
}

/** A connection was let go of. */
export interface Disconnected {
  readonly outcome: "disconnected";
  readonly owner: string;
  /** The connection's id. */
  readonly connection: string;
  readonly registration: string;
  /** What was let go of, and whether anything may live on at the provider. */
  readonly report: DisconnectReport;
  readonly returnTo: string | undefined;
}

/** What a request asked for was not done. */
export interface Failed {
  readonly outcome: "failed";
  readonly during: "start" | "callback" | "disconnect" | "connections";
  readonly code: FailureCode;
  /** The HTTP status that fits. */
  readonly status: number;
  /** Where it was a fault of a connection's. */
  readonly error: ConnectorError | undefined;
  /** Absent where nobody is signed in, or before it was asked. */
  readonly owner: string | undefined;
  readonly returnTo: string | undefined;
}
