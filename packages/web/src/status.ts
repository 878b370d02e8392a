import type { Fault, FaultKind } from "@linkwright/core";

/** What an answer that is no success says: a kind of fault, or what the handlers themselves refused. */
export type FailureCode =
  | FaultKind
  /** The host named no owner. */
  | "signed_out"
  /** The request was not sent by a page of this origin. */
  | "cross_site"
  | "not_found"
  | "method"
  | "too_large"
  | "unsupported_type"
  | "bad_request"
  /** Something threw that is no fault of a connection's. */
  | "internal";

const statuses: Readonly<Record<FailureCode, number>> = {
  reauthorize: 409,
  retry: 503,
  configuration: 500,
  permission: 403,
  flow: 400,
  gone: 404,
  protocol: 502,
  store: 503,
  cancelled: 403,
  aborted: 503,
  signed_out: 401,
  cross_site: 403,
  not_found: 404,
  method: 405,
  too_large: 413,
  unsupported_type: 415,
  bad_request: 400,
  internal: 500,
};

/**
 * The HTTP status that a failure is answered with; docs/web.md has the table.
 *
 * @example
 * ```ts
 * if (isConnectorError(error)) return new Response(error.message, { status: statusOf(error.fault.kind) });
 * ```
 */
export const statusOf = (code: FailureCode): number => statuses[code];

/** What a person reads: what happened, and what to do. The provider's and the operator's own words are not in it. */
export function adviceOn(code: FailureCode, fault?: Fault): { readonly title: string; readonly remedy: string } {
  switch (code) {
    case "reauthorize":
      return { title: "This account has to be connected again", remedy: "Connect it again to go on." };
    case "retry":
      return { title: "Not just now", remedy: "The provider could not be asked. Try again in a moment." };
    case "permission":
      return { title: "This was not allowed", remedy: "Connect again and allow more, or do without." };
    case "flow":
      return { title: "This attempt to connect cannot be finished", remedy: flowRemedy(fault) };
    case "gone":
      return { title: "There is no such connection", remedy: "It was disconnected, or it never was one of yours." };
    case "protocol":
      return { title: "The provider's answer made no sense", remedy: "Nothing was changed here. Try again later." };
    case "store":
      return { title: "Our records cannot be reached", remedy: "Nothing was lost. Try again in a moment." };
    case "cancelled":
      return { title: "Nothing was connected", remedy: "You, or your bank, said no. You can begin again at any time." };
    case "signed_out":
      return { title: "You are not signed in", remedy: "Sign in, then begin again." };
    case "cross_site":
      return { title: "This was not sent from a page of this application", remedy: "Begin on one of its own pages." };
    case "not_found":
    case "method":
      return { title: "There is nothing here", remedy: "Begin on one of the application's own pages." };
    case "too_large":
    case "unsupported_type":
    case "bad_request":
      return { title: "This request cannot be read", remedy: "Begin on one of the application's own pages." };
    case "aborted":
      return { title: "The request was broken off", remedy: "Try again." };
    case "configuration":
    case "internal":
      return { title: "Something broke here", remedy: "It is not your doing. Try again later." };
  }
}

function flowRemedy(fault: Fault | undefined): string {
  if (fault?.kind !== "flow") return "Begin again.";
  switch (fault.reason) {
    case "expired":
      return "It took too long. Begin again.";
    case "used":
      return "It was finished before. If the account is not in your list, begin again.";
    case "wrong_browser":
      return "It was begun in another browser, or by somebody else. Begin again in this one.";
    case "scope":
      return "Something that is needed was not allowed. Begin again and allow it.";
    case "account":
      return "This account is connected already, by somebody else here.";
    case "unknown_state":
    case "issuer":
      return "Begin again.";
  }
}
