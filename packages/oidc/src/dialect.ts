import type { Answer, Dialect, FaultReading } from "@linkwright/core";
import type { Settings } from "./settings.ts";

export const deviceCodeGrant = "urn:ietf:params:oauth:grant-type:device_code";
export const tokenExchangeGrant = "urn:ietf:params:oauth:grant-type:token-exchange";

/** What standard servers say beyond RFC 6749, section 5.2, and the resource that tokens are for (RFC 8707, section 2.2). */
export function dialectOf({ resource: [resource] }: Settings): Dialect {
  if (resource === undefined) return { fault: tokenFault };
  return {
    fault: tokenFault,
    request(request) {
      const { body } = request;
      // Another one was asked for, or none: an exchange says itself what its token is for.
      if (typeof body === "string" || body.has("resource") || body.get("grant_type") === tokenExchangeGrant)
        return request;
      const parameters = new URLSearchParams(body);
      parameters.set("resource", resource);
      return { ...request, body: parameters };
    },
  };
}

const readings: ReadonlyMap<string, FaultReading> = new Map([
  // RFC 8628, section 3.5.
  ["authorization_pending", { kind: "retry" }],
  ["expired_token", { kind: "reauthorize", reason: "expired" }],
  // OpenID Connect Core 1.0, section 3.1.2.6, where a server says it to a refresh token.
  ["interaction_required", { kind: "reauthorize", reason: "revoked" }],
  ["login_required", { kind: "reauthorize", reason: "revoked" }],
  ["consent_required", { kind: "reauthorize", reason: "consent_ended" }],
  // RFC 9449, sections 5 and 8. A nonce that is asked for once more was not taken.
  ["invalid_dpop_proof", { kind: "configuration" }],
  ["use_dpop_nonce", { kind: "retry" }],
]);

function tokenFault({ status, json }: Answer, grantType: string): FaultReading | undefined {
  const { error, error_description: said } = (json ?? {}) as { error?: unknown; error_description?: unknown };
  if (typeof error !== "string" || status >= 500 || status === 429) return undefined;
  const denied = error === "access_denied" && grantType === deviceCodeGrant;
  const reading: FaultReading | undefined = denied ? { kind: "cancelled" } : readings.get(error);
  return reading && { ...reading, code: error, ...(typeof said === "string" && { description: said }) };
}
