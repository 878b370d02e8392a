// #region advice
import { type Fault, isConnectorError, type ReauthorizeReason } from "@linkwright/core";

/** What the application does about a failure. */
export type Advice =
  | { readonly act: "ask to reconnect"; readonly because: string }
  | { readonly act: "try again"; readonly at: number }
  | { readonly act: "tell the operator" }
  | { readonly act: "do without" }
  | { readonly act: "begin anew" }
  | { readonly act: "forget" }
  | { readonly act: "nothing" };

/** No default: the compiler says when a kind is missing. */
export function adviceOn(fault: Fault, now = Date.now()): Advice {
  switch (fault.kind) {
    case "reauthorize":
      return { act: "ask to reconnect", because: reasons[fault.reason] };
    case "retry":
      return { act: "try again", at: fault.retryAt };
    case "store":
      return { act: "try again", at: now + 1000 };
    case "configuration":
    case "protocol":
      return { act: "tell the operator" };
    case "permission":
      return { act: "do without" };
    case "flow":
      return fault.reason === "used" ? { act: "nothing" } : { act: "begin anew" };
    case "gone":
      return { act: "forget" };
    case "cancelled":
    case "aborted":
      return { act: "nothing" };
  }
}

const reasons: Readonly<Record<ReauthorizeReason, string>> = {
  revoked: "Access was withdrawn.",
  expired: "Access has run out.",
  idle_timeout: "The connection lay unused for too long.",
  consent_ended: "Your consent at the bank has ended.",
  rotation_lost: "A renewal was lost on its way.",
  scope: "Something that is needed was not allowed.",
};
// #endregion

/** Runs `work`, and says what to do where it fails. */
export async function attempted<T>(work: () => Promise<T>): Promise<T | Advice> {
  // #region caught
  try {
    return await work();
  } catch (error) {
    if (!isConnectorError(error)) throw error;
    console.error(error.message, error.details); // holds no secret
    return adviceOn(error.fault);
  }
  // #endregion
}
