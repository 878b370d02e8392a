import { base64url } from "../encoding.ts";
import type { AuthorizationBegun } from "../provider.ts";
import type { Registration } from "../registration.ts";
import type { Runtime } from "../runtime.ts";
import { Secret } from "../secret.ts";
import { requestTokens, type TokenSet } from "./token-endpoint.ts";

/** How a user's authorization begins (RFC 6749, section 4.1.1; PKCE S256, RFC 7636, section 4.3). */
export async function authorizationRequest(
  registration: Registration,
  request: {
    readonly state: string;
    readonly redirectUri: string;
    readonly scope: readonly string[];
    readonly codeVerifier?: string | undefined;
    readonly extra: Readonly<Record<string, string | undefined>>;
    readonly proofKey?: string | undefined;
  },
): Promise<AuthorizationBegun> {
  const { authorization_endpoint } = await registration.server();
  const parameters = new URLSearchParams();
  const set = (name: string, value: string | undefined) => value !== undefined && parameters.set(name, value);
  for (const [name, value] of Object.entries(request.extra)) set(name, value);
  set("response_type", "code");
  set("client_id", registration.provider.client.id);
  set("redirect_uri", request.redirectUri);
  set("scope", request.scope.length > 0 ? request.scope.join(" ") : undefined);
  set("state", request.state);
  if (request.codeVerifier !== undefined) {
    set("code_challenge", await codeChallenge(request.codeVerifier));
    set("code_challenge_method", "S256");
  }
  const make = registration.provider.connect?.request;
  if (make) return make({ parameters, proofKey: request.proofKey }, await registration.context());
  const url = new URL(authorization_endpoint ?? "");
  for (const [name, value] of parameters) url.searchParams.set(name, value);
  return { url: url.href };
}

/** BASE64URL(SHA256(ASCII(code_verifier))) (RFC 7636, section 4.2). */
export async function codeChallenge(codeVerifier: string): Promise<string> {
  return base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(codeVerifier))));
}

/** Tokens for the code of a callback (RFC 6749, section 4.1.3). The code is sent once, whatever comes of it. */
export function authorizationCodeGrant(
  runtime: Runtime,
  registration: Registration,
  request: {
    readonly callback: URLSearchParams;
    readonly state: string;
    readonly redirectUri: string;
    readonly codeVerifier?: string | undefined;
    readonly proofKey?: string | undefined;
  },
): Promise<TokenSet> {
  return requestTokens(
    runtime,
    registration,
    "authorization_code",
    ({ oauth, as, client, options }) =>
      oauth.authorizationCodeGrantRequest(
        as,
        client,
        registration.provider.client.authentication.apply,
        oauth.validateAuthResponse(as, client, request.callback, request.state),
        request.redirectUri,
        request.codeVerifier ?? oauth.nopkce,
        options,
      ),
    ({ oauth, as, client }, response) => oauth.processAuthorizationCodeResponse(as, client, response),
    undefined,
    request.proofKey === undefined ? undefined : new Secret(request.proofKey),
  );
}
