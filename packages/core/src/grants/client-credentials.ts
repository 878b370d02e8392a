import type { Audience } from "../record.ts";
import type { Registration } from "../registration.ts";
import type { Runtime } from "../runtime.ts";
import type { Secret } from "../secret.ts";
import { requestTokens, type TokenSet } from "./token-endpoint.ts";

/** The application's own token (RFC 6749, section 4.4). A refresh token in the answer is ignored: the grant is asked for anew. */
export async function clientCredentialsGrant(
  runtime: Runtime,
  registration: Registration,
  request: Audience & {
    readonly scope: readonly string[];
    readonly proofKey?: Secret | undefined;
    readonly beforeSend: () => Promise<void>;
  },
): Promise<TokenSet> {
  const parameters = new URLSearchParams();
  if (request.scope.length > 0) parameters.set("scope", request.scope.join(" "));
  if (request.resource !== undefined) parameters.set("resource", request.resource);
  const { refreshToken: _ignored, ...tokens } = await requestTokens(
    runtime,
    registration,
    "client_credentials",
    ({ oauth, as, client, options }) =>
      oauth.clientCredentialsGrantRequest(
        as,
        client,
        registration.provider.client.authentication.apply,
        parameters,
        options,
      ),
    ({ oauth, as, client }, response) => oauth.processClientCredentialsResponse(as, client, response),
    request.beforeSend,
    request.proofKey,
  );
  return tokens;
}
