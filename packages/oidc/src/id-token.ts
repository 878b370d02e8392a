import type { GrantReading, ServerContext } from "@linkwright/core";
import {
  getValidatedIdTokenClaims,
  processAuthorizationCodeResponse,
  processGenericTokenEndpointResponse,
  validateApplicationLevelSignature,
} from "oauth4webapi";
import { failure } from "./server.ts";
import type { Settings } from "./settings.ts";
import { validation } from "./signed.ts";

/**
 * Who the user is, from the ID token (OpenID Connect Core 1.0, section 3.1.3.7): issuer, audience, times, the flow's own `nonce`,
 * and, beyond what TLS would allow to leave out, the signature. The account is `sub`.
 *
 * @param kept - What the flow keeps; absent where no browser was sent, so that there is no nonce.
 */
export async function readIdToken(
  settings: Settings,
  answer: Readonly<Record<string, unknown>>,
  server: ServerContext,
  kept: Readonly<Record<string, string>> | undefined,
): Promise<GrantReading> {
  const { nonce, maxAge } = kept ?? {};
  // Not asked for: of a flow without "openid", or where the server had none to give.
  if (nonce === undefined && (kept || answer.id_token === undefined)) return {};
  const { as, client, options } = validation(settings, server);
  const body = { access_token: "-", token_type: "bearer", id_token: answer.id_token };
  const response = Response.json(body);
  try {
    const tokens =
      nonce === undefined
        ? await processGenericTokenEndpointResponse(as, client, response)
        : await processAuthorizationCodeResponse(as, client, response, {
            expectedNonce: nonce,
            requireIdToken: true,
            ...(maxAge !== undefined && { maxAge: Number(maxAge) }),
          });
    await validateApplicationLevelSignature(as, response, options);
    const account = getValidatedIdTokenClaims(tokens)?.sub;
    return account === undefined ? {} : { account };
  } catch (error) {
    throw failure(error, "Reading the ID token", settings.id);
  }
}
