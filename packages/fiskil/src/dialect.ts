import type { Dialect, FaultReading } from "@linkwright/core";
import { readError, said } from "./errors.ts";
import { versionHeader } from "./guard.ts";

/**
 * How Fiskil's token endpoint departs from RFC 6749, section 4.4: the credentials are JSON members, there is no `grant_type`
 * and no `scope` (that is fixed on the API key), and the token is called `token`.
 */
export const dialect = (version: string): Dialect => ({
  request({ url, headers, body }) {
    const parameters = new URLSearchParams(body);
    const json = new Headers(headers);
    json.set("content-type", "application/json");
    json.set("accept", "application/json");
    json.set(versionHeader, version);
    const credentials = { client_id: parameters.get("client_id"), client_secret: parameters.get("client_secret") };
    return { url, headers: json, body: JSON.stringify(credentials) };
  },

  response({ json }) {
    const { token, access_token, token_type, expires_in, scope } = (json ?? {}) as Record<string, unknown>;
    // Nothing else is passed on: a refresh token, above all, would be a mistake.
    return { access_token: token ?? access_token, token_type: token_type ?? "Bearer", expires_in, scope };
  },

  fault({ status, json }) {
    const error = readError(json);
    // Neither an error nor a success: the engine says what is wrong with it.
    if (status < 400 && error.code === undefined) return undefined;
    return { kind: tokenFaultKind(status, error.passing), ...said(error) };
  },
});

/** A refusal that is not passing is the key's: missing, wrong or withdrawn. There is no user's grant that could be at fault. */
function tokenFaultKind(status: number, passing: boolean): FaultReading["kind"] {
  return status === 408 || status === 429 || status >= 500 || passing ? "retry" : "configuration";
}
