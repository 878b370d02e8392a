import { type AnyProvider, type Clock, revealSecret } from "@linkwright/core";
import { createLocalJWKSet, decodeJwt, type JWK, jwtVerify } from "jose";
import { authenticateClient, type Client, registerClient } from "../oauth/clients.ts";
import { OAuthError } from "../oauth/error.ts";
import type { TokenRequest } from "../oauth/token-request.ts";
import type { ProviderSimulatorOptions } from "./options.ts";
import type { Shape } from "./shape.ts";

/**
 * The client of a definition, as the server has it registered.
 *
 * @throws TypeError where its secret is needed and not to be had.
 */
export async function clientOf(
  provider: AnyProvider,
  shape: Shape,
  options: ProviderSimulatorOptions,
): Promise<Client> {
  const { id, authentication } = provider.client;
  const methods = options.authentication ?? (shape.authentication ? [shape.authentication] : []);
  const secret = options.clientSecret ?? (authentication.secret && (await revealSecret(authentication.secret)));
  if (secret === undefined && methods.some((method) => method.startsWith("client_secret")))
    throw new TypeError(`simulate: ${provider.id} holds no client secret; give it as the option clientSecret`);
  const pkce = provider.grants.authorizationCode?.pkce === "S256" ? "required" : "ignored";
  return registerClient({
    clientId: id,
    ...(secret !== undefined && { clientSecret: secret }),
    authentication: methods,
    redirectUris: shape.redirectUris,
    grantTypes: shape.grantTypes,
    pkce: options.pkce ?? pkce,
    ...(options.scopes && { scopes: options.scopes }),
  });
}

/** Who sends a token request, however the definition's client shows it. */
export function clientAuthenticator(
  provider: AnyProvider,
  shape: Shape,
  client: Client,
  { publicKey }: ProviderSimulatorOptions,
  clock: Clock,
): (request: TokenRequest) => Client | Promise<Client> {
  const clients = new Map([[client.clientId, client]]);
  const { method } = provider.client.authentication;
  const audiences = [shape.endpoints.issuer, ...shape.tokenEndpoints];
  const seen = new Set<string>();

  async function byAssertion({ parameters }: TokenRequest): Promise<Client> {
    const { client_assertion: assertion = "", client_assertion_type: type } = parameters;
    if (parameters.client_secret !== undefined)
      throw new OAuthError("invalid_request", "More than one method of client authentication.");
    if (type !== "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
      throw new OAuthError("invalid_client", "client_assertion_type is missing or another.", 401);
    await checkAssertion(assertion);
    return client;
  }

  /** RFC 7523, section 3. */
  async function checkAssertion(assertion: string): Promise<void> {
    const refuse = (why: string) => new OAuthError("invalid_client", `The client's assertion ${why}.`, 401);
    if (publicKey) await verify(assertion, publicKey, refuse);
    const { iss, sub, aud, exp = 0, jti } = decoded(assertion, refuse);
    if (iss !== client.clientId || sub !== client.clientId) throw refuse("is another client's");
    if (![aud].flat().some((one) => one !== undefined && audiences.includes(one)))
      throw refuse("is for another server");
    // Whoever signs may go by the machine's clock or by the test's.
    if (exp * 1000 <= Math.min(Date.now(), clock.now())) throw refuse("has expired");
    if (jti === undefined || seen.has(jti)) throw refuse("has no jti of its own");
    seen.add(jti);
  }

  return (request) => {
    if (request.parameters.client_assertion !== undefined) return byAssertion(request);
    if (method === "private_key_jwt") throw new OAuthError("invalid_client", "client_assertion is missing.", 401);
    if (client.authentication.length > 0) return authenticateClient(clients, request);
    return client;
  };
}

type Refuse = (why: string) => OAuthError;

async function verify(assertion: string, key: CryptoKey | JWK, refuse: Refuse): Promise<void> {
  const currentDate = new Date((decoded(assertion, refuse).exp ?? 1) * 1000 - 1000);
  try {
    if (key instanceof CryptoKey) await jwtVerify(assertion, key, { currentDate });
    else await jwtVerify(assertion, createLocalJWKSet({ keys: [key] }), { currentDate });
  } catch {
    throw refuse("is not signed with the client's key");
  }
}

function decoded(assertion: string, refuse: Refuse): ReturnType<typeof decodeJwt> {
  try {
    return decodeJwt(assertion);
  } catch {
    throw refuse("is no JWT");
  }
}
