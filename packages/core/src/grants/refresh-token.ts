import type { Audience } from "../record.ts";
import type { Registration } from "../registration.ts";
import type { Runtime } from "../runtime.ts";
import type { Secret } from "../secret.ts";
import { requestTokens, type TokenSet } from "./token-endpoint.ts";

/** New tokens for a refresh token (RFC 6749, section 6), for all of the grant or for less. An answer without a new one leaves the old one in use. */
export function refreshTokenGrant(
  runtime: Runtime,
  registration: Registration,
  request: Audience & {
    readonly refreshToken: Secret;
    readonly proofKey?: Secret | undefined;
    readonly beforeSend: () => Promise<void>;
  },
): Promise<TokenSet> {
  const { resource, scope } = request;
  const additionalParameters = {
    ...(scope && { scope: scope.join(" ") }),
    ...(resource !== undefined && { resource }),
  };
  return requestTokens(
    runtime,
    registration,
    "refresh_token",
    ({ oauth, as, client, options }) =>
      oauth.refreshTokenGrantRequest(
        as,
        client,
        registration.provider.client.authentication.apply,
        request.refreshToken.reveal(),
        { ...options, additionalParameters },
      ),
    ({ oauth, as, client }, response) => oauth.processRefreshTokenResponse(as, client, response),
    request.beforeSend,
    request.proofKey,
  );
}
