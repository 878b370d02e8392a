import { proofKeyFor } from "../bound-token.ts";
import type { ExtensionGrantRequest } from "../provider-context.ts";
import type { Row } from "../record.ts";
import type { Registration } from "../registration.ts";
import type { Runtime } from "../runtime.ts";
import { Secret } from "../secret.ts";
import { requestTokens, type TokenSet } from "./token-endpoint.ts";

/** Tokens by a grant that has a URI for its name (RFC 6749, section 4.5): for a device code, or in exchange for another token. */
export async function extensionGrant(
  runtime: Runtime,
  registration: Registration,
  request: Pick<ExtensionGrantRequest, "grantType" | "parameters"> & { readonly target?: Row | undefined },
): Promise<TokenSet> {
  const { authentication } = registration.provider.client;
  const proofKey = await proofKeyFor(runtime, registration.provider, request.target);
  return requestTokens(
    runtime,
    registration,
    request.grantType,
    ({ oauth, as, client, options }) =>
      oauth.genericTokenEndpointRequest(
        as,
        client,
        authentication.apply,
        request.grantType,
        new URLSearchParams(request.parameters),
        options,
      ),
    ({ oauth, as, client }, response) => oauth.processGenericTokenEndpointResponse(as, client, response),
    undefined,
    proofKey === undefined ? undefined : new Secret(proofKey),
  );
}
