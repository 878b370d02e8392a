import type { Answer, FaultReading } from "@linkwright/core";
import { foreign, members, saying } from "./support.ts";
import { standardKind } from "./token.ts";

/**
 * What an FDX code means for the caller. The codes look like HTTP statuses and are not: 401 comes with status 400. Whatever is
 * missing, closed or not offered by the bank is `permission`: the grant is alive and does not cover this.
 */
const codes: Readonly<Record<number, FaultReading["kind"]>> = {
  401: "configuration", // invalid input
  403: "permission", // subscription not found
  500: "retry",
  501: "permission", // the bank does not offer it
  503: "retry",
  601: "permission", // customer not found
  701: "permission", // account not found
  702: "configuration", // date
  703: "configuration", // date range
  704: "permission", // account type not supported
  705: "permission", // account closed
  800: "permission", // payee not found
  801: "permission", // payee cannot change
  802: "permission", // payment not found
  1107: "permission", // no data
  1203: "configuration", // content type
  1207: "retry", // too many requests, as 429 or 422
};

/** `error` values that, with status 400, can be all that an expired access token gets. */
const maybeStale = new Set([undefined, "invalid_request", "invalid_token"]);

/**
 * Reads error answers of data, revocation and app management endpoints.
 *
 * @param consentProbes - All asked before 602 is taken for the end of the whole consent: it also says that one scope is missing.
 */
export function dataFault(consentProbes: readonly string[]): (answer: Answer) => FaultReading | undefined {
  return (answer) => {
    const { status } = answer;
    if (status < 400) return undefined;
    const { code, message, debugMessage, error, error_description } = members(answer.json);
    const said = saying(answer, code ?? error, message ?? error_description);
    if (status >= 500 || status === 429) return { kind: "retry", ...said };

    // Renewing would not help, and would hide that the consent is gone.
    if (Number(code) === 602)
      return { kind: "reauthorize", reason: "consent_ended", confirmAt: consentProbes, ...said };
    // A bad token has no code: what has one is told by it, whatever the status. A 401 that repeats itself tells nothing.
    const kind = status === 401 && Number(code) === 401 ? undefined : codes[Number(code)];
    if (kind) return { kind, ...said };
    if (status === 401) return { kind: "stale_token", ...said };
    if (foreign(answer) && answer.mediaType !== "text/plain") return undefined;

    const nameless = code === undefined && debugMessage === undefined;
    // A bad token on data endpoints: 401 or 403 and a body of nothing but a message.
    if (status === 403 && nameless && error === undefined && answer.text.trim() !== "")
      return { kind: "stale_token", ...said };
    // An expired token on app management and revocation endpoints. A renewal too many is harmless; a second refusal stands.
    if (status === 400 && nameless && maybeStale.has(error as string | undefined))
      return { kind: "stale_token", ...said };
    const standard = standardKind(error);
    return standard && { kind: standard, ...said };
  };
}
