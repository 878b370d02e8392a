import type { Answer, Dialect, FaultReading, TokenRequest } from "@linkwright/core";
import type { FlinksSettings } from "./options.ts";
import { foreign, members, saying } from "./support.ts";

/**
 * How `POST /api/v1/token` departs from RFC 6749: JSON bodies, a lifetime of 0 for an unnamed one, and refusals that can mean
 * the tokens which Flinks itself holds towards the bank.
 */
export function tokenDialect({ authentication }: Pick<FlinksSettings, "authentication">): Dialect {
  return { ...(authentication !== "form" && { request: asJson }), response: named, fault: tokenFault };
}

/** The same members as JSON. With Basic the credentials are in the header already and stay there. */
export function asJson({ url, headers, body }: TokenRequest): TokenRequest {
  const json = new Headers(headers);
  json.set("content-type", "application/json");
  return { url, headers: json, body: JSON.stringify(Object.fromEntries(new URLSearchParams(body))) };
}

/** 0 is the documented schema's default for "not said". */
export function named(answer: Answer): Readonly<Record<string, unknown>> {
  const { expires_in, ...rest } = members(answer.json);
  return expires_in === undefined || expires_in === 0 || expires_in === "0" ? rest : { ...rest, expires_in };
}

/** The client or the request is wrong, whatever the user grants. */
const operatorErrors = new Set([
  "invalid_client",
  "unauthorized_client",
  "unsupported_grant_type",
  "unsupported_response_type",
  "unsupported_token_type",
  "invalid_request",
  "invalid_scope",
]);

const passingErrors = new Set(["server_error", "temporarily_unavailable"]);

/** Kind of a standard `error` where it does not depend on the grant. */
export function standardKind(error: unknown): "configuration" | "retry" | undefined {
  if (operatorErrors.has(error as string)) return "configuration";
  return passingErrors.has(error as string) ? "retry" : undefined;
}

/** Reads an error answer of the token endpoint. */
export function tokenFault(answer: Answer, grantType: string): FaultReading | undefined {
  const { status } = answer;
  const { error, error_description } = members(answer.json);
  const refused = status === 400 || status === 401 || status === 403;
  if (status >= 500 || status === 429) return { kind: "retry", ...saying(answer, error, error_description) };
  if (foreign(answer)) return refused ? { kind: "retry", ...saying(answer, undefined, undefined) } : undefined;

  const said = saying(answer, error, error_description);
  const kind = standardKind(error);
  if (kind) return { kind, ...said };
  const denied = error === "access_denied";
  const standard = denied || error === "invalid_grant";
  if (!refused && !standard) return undefined;
  // Nobody stands behind the application's own token: only the operator can mend that.
  if (grantType === "client_credentials") return { kind: "configuration", ...said };
  if (denied && grantType === "authorization_code") return { kind: "cancelled", ...said };
  if (denied) return { kind: "reauthorize", reason: "consent_ended", ...said };
  return { kind: "reauthorize", ...(!standard && { suspected: true }), ...said };
}
