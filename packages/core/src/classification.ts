import { ConnectorError, type Fault, type FaultDetails, quote } from "./faults.ts";
import type { Answer, ApiCall, ApiDefinition, Dialect, FaultReading } from "./provider.ts";
import { isObject } from "./record.ts";

/** Reading error answers: the provider's own reading first, then the RFCs, then the status alone. */

/** `error` values of a token endpoint (RFC 6749, section 5.2, and those that servers borrow from 4.1.2.1). */
const tokenErrors: Readonly<Record<string, FaultReading["kind"]>> = {
  invalid_grant: "reauthorize",
  access_denied: "reauthorize",
  invalid_client: "configuration",
  unauthorized_client: "configuration",
  invalid_request: "configuration",
  invalid_scope: "configuration",
  invalid_target: "configuration",
  unsupported_grant_type: "configuration",
  server_error: "retry",
  temporarily_unavailable: "retry",
  slow_down: "retry",
};

/** What a token endpoint's answer says went wrong; `undefined` for one that carries no error. */
export function readTokenFault(
  answer: Answer,
  grantType: string,
  dialect: Dialect | undefined,
): FaultReading | undefined {
  const fault = readFault(answer, grantType, dialect);
  // No user granted anything (RFC 6749, section 4.4): it is the client that is denied.
  return fault?.kind === "reauthorize" && grantType === "client_credentials"
    ? { ...fault, kind: "configuration" }
    : fault;
}

function readFault(answer: Answer, grantType: string, dialect: Dialect | undefined): FaultReading | undefined {
  const body = isObject(answer.json) ? answer.json : {};
  const code = typeof body.error === "string" && body.error !== "" ? body.error : undefined;
  // Some servers write every member, and `null` where there is nothing to say.
  const failed = answer.status < 200 || answer.status > 299 || (body.error ?? undefined) !== undefined;
  if (!failed) return undefined;
  const own = dialect?.fault?.(answer, grantType);
  if (own) return own;
  const said = {
    ...(code !== undefined && { code }),
    ...(typeof body.error_description === "string" && { description: body.error_description }),
  };
  if (answer.status >= 300 && answer.status < 400)
    return { kind: "protocol", ...said, description: "it answered with a redirect" };
  // A failing server's words about the grant are not to be believed.
  if (answer.status >= 500 || answer.status === 429) return { kind: "retry", ...said };
  const known = code !== undefined && Object.hasOwn(tokenErrors, code) ? tokenErrors[code] : undefined;
  if (known) return { kind: known, ...said };
  if (answer.status === 401 && answer.mediaType !== "text/html") return { kind: "configuration", ...said };
  return { kind: "protocol", ...said };
}

/** What an API's answer says went wrong; `undefined` for a success. RFC 6750, section 3.1. */
export function readApiFault(answer: Answer, api: ApiDefinition | undefined, call: ApiCall): FaultReading | undefined {
  const own = api?.fault?.(answer, call);
  if (own) return own;
  if (answer.status < 400) return undefined;
  const challenge = /error="?([a-z_]+)/i.exec(answer.headers.get("www-authenticate") ?? "")?.[1];
  const code = challenge === undefined ? {} : { code: challenge };
  if (challenge === "insufficient_scope" || answer.status === 402 || answer.status === 403)
    return { kind: "permission", ...code };
  if (answer.status === 401) return { kind: "stale_token", ...code };
  if (answer.status === 404 || answer.status === 410) return { kind: "gone" };
  if (answer.status === 408 || answer.status === 429 || answer.status >= 500) return { kind: "retry" };
  return { kind: "configuration", ...code };
}

/** A reading fit to be shown: every text from outside bounded, cleaned, and without what was sent. */
export function sanitised(reading: FaultReading, secrets: readonly string[]): FaultReading {
  const { code, description, support, ...rest } = reading;
  const entries = Object.entries(support ?? {}).map(([name, value]) => [
    quote(name, 60, secrets),
    quote(value, 120, secrets),
  ]);
  return {
    ...rest,
    ...(code !== undefined && { code: quote(code, 80, secrets) }),
    ...(description !== undefined && { description: quote(description, 200, secrets) }),
    ...(entries.length > 0 && { support: Object.fromEntries(entries) as Record<string, string> }),
  };
}

/** An API fault as an error for the caller. The reading is sanitised. */
export function apiError(reading: FaultReading, status: number, place: FaultDetails, retryAt: number): ConnectorError {
  const fault = faultOf(reading, retryAt);
  const said = [reading.code, reading.description].filter((part) => part).join(": ");
  const advice = {
    reauthorize: "Ask the user to connect again.",
    retry: `Try again after ${new Date(retryAt).toISOString()}.`,
    configuration: "Check the request and the client's configuration.",
    permission: "The grant is alive and does not cover this.",
    gone: "What was asked for does not exist any more.",
    protocol: "The API broke its contract.",
    cancelled: "The user said no.",
  } as const;
  const message = `The API answered ${status}${said ? `: ${said}` : ""}. ${advice[fault.kind as keyof typeof advice] ?? ""}`;
  return new ConnectorError(fault, message.trim(), { ...place, ...detailsOf(reading, status) });
}

/** The kind of fault that a reading stands for. */
export function faultOf(reading: FaultReading, retryAt: number): Fault {
  switch (reading.kind) {
    case "stale_token":
      // A token that was refused when it was new: the client is not what the server expects.
      return { kind: "configuration" };
    case "reauthorize":
      return { kind: "reauthorize", reason: reading.reason ?? "revoked" };
    case "retry":
      return { kind: "retry", retryAt };
    case "gone":
      return { kind: "gone", reason: "not_found" };
    default:
      return { kind: reading.kind };
  }
}

/** What a sanitised reading tells for an error's details. */
export function detailsOf({ code, support }: FaultReading, status: number | undefined): FaultDetails {
  return { ...(code !== undefined && { code }), ...(status !== undefined && { status }), ...(support && { support }) };
}
