import type { AuthorizationServer, Client } from "oauth4webapi";
import type { Clock } from "./clock.ts";
import { ConnectorError, describe, isConnectorError, misconfigured, retryAtOf } from "./faults.ts";
import { mendPause, retryAfter } from "./gates.ts";
import { type AllowedHosts, isAllowedHost, isLoopback } from "./hosts.ts";
import type { Policy } from "./policy.ts";
import { protocol } from "./protocol.ts";
import type { AnyProvider, ServerDefinition } from "./provider.ts";
import type { ServerContext } from "./provider-context.ts";
import { answerSize, exchange, type Fetch, WireFailure } from "./wire.ts";

/** A provider under the name that the application gave it: two clients of one provider are two registrations. */
export interface Registration {
  readonly name: string;
  readonly provider: AnyProvider;
  /** How a connection's own tokens live. */
  readonly connectionPolicy: Policy;
  /** The client as messages are made and validated for it. */
  readonly client: Client;
  /** The client's transport. */
  readonly fetch: Fetch;
  /** The authorization server's metadata, discovered once where the definition asks for it. */
  server(): Promise<AuthorizationServer>;
  /** The same, as hooks speak with it. */
  context(): Promise<ServerContext>;
}

/** How the application's own tokens live: asked for anew, never refreshed (RFC 6749, section 4.4.3). */
export const applicationPolicy: Policy = { renewal: "mint", rotates: false, lostResponse: "retry" };

export function createRegistration(
  name: string,
  provider: AnyProvider,
  env: { fetch: Fetch; clock: Clock; hosts: AllowedHosts },
): Registration {
  const { hosts } = env;
  const { insecureLoopback } = hosts;
  checkDefinition(name, provider, hosts);
  const transport: Fetch = provider.client.fetch ?? env.fetch;
  const fetch = boundedFetch(transport, env.clock);
  let server: Promise<AuthorizationServer> | undefined;
  /** Until when what there is stands, where it is a failure: epoch milliseconds. */
  let stands = Number.POSITIVE_INFINITY;
  const registration: Registration = {
    name,
    provider,
    connectionPolicy: policyOf(provider),
    client: { ...provider.client.metadata, client_id: provider.client.id },
    fetch: transport,
    server() {
      if (env.clock.now() >= stands) {
        server = undefined;
        stands = Number.POSITIVE_INFINITY;
      }
      server ??= resolveServer(name, provider, fetch, hosts).catch((error: unknown) => {
        stands = retryAtOf(error) ?? env.clock.now() + mendPause;
        throw error;
      });
      return server;
    },
    context: async () => ({ metadata: await registration.server(), insecureLoopback, clock: env.clock, fetch }),
  };
  return registration;
}

/** One request to the authorization server, within bounds; an answer that says later is a `retry` fault. */
function boundedFetch(transport: Fetch, clock: Clock): ServerContext["fetch"] {
  return async (url, { method = "GET", headers, body } = {}) => {
    const request = { url, method, headers: new Headers(headers), body: body as string | URLSearchParams | undefined };
    const later = (what: string, at?: number) => {
      const retryAt = at ?? clock.now() + 1000;
      return new ConnectorError({ kind: "retry", retryAt }, `${new URL(url).origin} ${what}. Try again.`);
    };
    const answer = await exchange(transport, clock, request, { deadline: 10_000, size: answerSize }).catch((error) => {
      throw error instanceof WireFailure ? later(`could not be reached (${error.message})`) : error;
    });
    const { status } = answer;
    if (status >= 500 || status === 429) throw later(`answered ${status}`, retryAfter(answer.headers, clock.now()));
    return new Response(answer.text || null, { status, headers: answer.headers });
  };
}

function policyOf(provider: AnyProvider): Policy {
  const refresh = provider.grants.refreshToken;
  if (!refresh) return { renewal: "none", rotates: false, lostResponse: "retry" };
  return {
    renewal: "refresh",
    rotates: refresh.rotation !== "fixed",
    lostResponse: refresh.lostResponse ?? "retry",
    reuseGrace: refresh.reuseGrace === undefined ? undefined : refresh.reuseGrace * 1000,
    idleTimeout: refresh.idleTimeout === undefined ? undefined : refresh.idleTimeout * 1000,
  };
}

async function resolveServer(
  name: string,
  { id, server, grants }: AnyProvider,
  fetch: ServerContext["fetch"],
  hosts: AllowedHosts,
): Promise<AuthorizationServer> {
  const { discovery, ...given }: ServerDefinition = server;
  if (!discovery) return given;
  const place = { registration: name, provider: id };
  try {
    const issuer = new URL(given.issuer);
    const oauth = await protocol();
    const response = await oauth.discoveryRequest(issuer, {
      algorithm: discovery === "oidc" ? "oidc" : "oauth2",
      [oauth.allowInsecureRequests]: hosts.insecureLoopback,
      [oauth.customFetch]: async (url, { headers }) => {
        const { status, body } = await fetch(url, { headers });
        return new Response(body, { status, headers: { "content-type": "application/json" } });
      },
    });
    const document = await oauth.processDiscoveryResponse(issuer, response);
    // Byte for byte (RFC 8414, section 3.3), as `iss` will be compared; the library forgives a slash.
    if (document.issuer !== given.issuer) throw misconfigured(`it names itself "${shown(document.issuer)}"`, place);
    const found: AuthorizationServer = { ...document, ...given };
    checkEndpoints(name, "server", found, hosts);
    checkEndpoints(name, "server.mtls_endpoint_aliases", found.mtls_endpoint_aliases, hosts);
    if (found.token_endpoint === undefined || (grants.authorizationCode && found.authorization_endpoint === undefined))
      throw misconfigured("it names no token_endpoint, or no authorization_endpoint", place);
    return found;
  } catch (error) {
    if (isConnectorError(error) && error.fault.kind === "retry")
      throw new ConnectorError(
        error.fault,
        `Registration "${name}": the metadata document at ${given.issuer} could not be fetched: ${error.message}`,
        place,
      );
    throw new ConnectorError(
      { kind: "configuration" },
      `Registration "${name}": no metadata document could be read at ${given.issuer} (${describe(error)}). Check the issuer, or give the endpoints in its place.`,
      place,
    );
  }
}

function checkDefinition(name: string, provider: AnyProvider, hosts: AllowedHosts): void {
  const { server, grants, client, api, connect } = provider;
  const wrong = (option: string, remedy: string): never => {
    throw misconfigured(`Registration "${name}": ${option} ${remedy}`, { registration: name, provider: provider.id });
  };
  if (!/^[a-z][a-z0-9-]*$/.test(provider.id)) wrong("id", `"${provider.id}" is not a lower-case name`);
  if (typeof client.id !== "string" || client.id === "")
    wrong("client.id", "is missing; give the client_id that the provider issued");
  checkUrl(name, "server.issuer", server.issuer, hosts);
  checkEndpoints(name, "server", server, hosts);
  const needsTokens = grants.authorizationCode ?? grants.clientCredentials ?? grants.refreshToken;
  if (needsTokens && !server.token_endpoint && !server.discovery)
    wrong(
      "server.token_endpoint",
      "is missing; give it, or set server.discovery where the provider publishes a metadata document",
    );
  if (grants.authorizationCode && !server.authorization_endpoint && !server.discovery)
    wrong(
      "server.authorization_endpoint",
      "is missing; give it, or set server.discovery where the provider publishes a metadata document",
    );
  if (api) {
    checkUrl(name, "api.base", api.base, hosts);
    for (const origin of api.origins ?? []) checkUrl(name, "api.origins", origin, hosts);
  }
  if (grants.authorizationCode) {
    const { redirectUri, pkce } = grants.authorizationCode;
    checkRedirectUri(name, "redirectUri", redirectUri);
    if (pkce !== "S256" && pkce !== "unsupported")
      wrong("grants.authorizationCode.pkce", 'is neither "S256" nor "unsupported"');
    if (pkce === "unsupported" && client.authentication.method === "none")
      wrong("grants.authorizationCode.pkce", 'must be "S256" for a public client: nothing else protects its code');
  }
  if (grants.hostedConsent) {
    checkRedirectUri(name, "redirectUri", grants.hostedConsent.redirectUri);
    if (grants.hostedConsent.cancelUri !== undefined)
      checkRedirectUri(name, "cancelUri", grants.hostedConsent.cancelUri);
    if (!connect?.begin || !connect.confirm)
      wrong("connect", "needs begin and confirm where grants.hostedConsent is declared");
    if (!grants.clientCredentials)
      wrong("grants.clientCredentials", "is needed where grants.hostedConsent is declared");
  }
}

/** Every endpoint that a metadata document names: what is sent there may open accounts. */
function checkEndpoints(name: string, option: string, metadata: object | undefined, hosts: AllowedHosts): void {
  for (const [member, value] of Object.entries(metadata ?? {}))
    if (/_endpoint$|^jwks_uri$/.test(member) && value !== undefined)
      checkUrl(name, `${option}.${member}`, value, hosts);
}

/** An https URL, or an http one on loopback where the application allowed it (RFC 6749, section 3.1 and 3.2). */
function checkUrl(name: string, option: string, value: string, hosts: AllowedHosts): void {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  const remedy = `Registration "${name}": ${option} "${shown(value)}"`;
  if (!url) throw misconfigured(`${remedy} is not an absolute URL`, { registration: name });
  if (url.username || url.password || url.hash)
    throw misconfigured(`${remedy} must carry no credentials and no fragment`, { registration: name });
  const http = url.protocol === "http:" && isLoopback(url) && hosts.insecureLoopback;
  if (url.protocol === "https:" && !isAllowedHost(url, hosts))
    throw misconfigured(
      `${remedy} is no public name. If it is meant, list "${url.hostname}" in privateHosts; if a user named it, refuse it`,
      { registration: name },
    );
  if (url.protocol === "https:" || http) return;
  throw misconfigured(
    `${remedy} is not https; tokens travel over it. For a server on this machine's loopback, set [allowInsecureLoopback]: true on the connector`,
    { registration: name },
  );
}

/** Absolute, without a fragment (RFC 6749, section 3.1.2); https, or http on loopback for native and development use (RFC 8252, section 7.3). */
function checkRedirectUri(name: string, option: string, value: string): void {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (!url || url.hash || url.username || url.password)
    throw misconfigured(
      `Registration "${name}": ${option} "${shown(value)}" must be an absolute URL without credentials and fragment`,
      { registration: name },
    );
  if (url.protocol === "http:" && !isLoopback(url))
    throw misconfigured(
      `Registration "${name}": ${option} "${shown(value)}" is not https; plain http is for loopback alone`,
      { registration: name },
    );
}

/** A URL as a message may show it: without a password that should not be there. */
const shown = (value: string): string => describe(String(value).replace(/\/\/[^/?#]*@/, "//[secret]@"));
