import type { AnyProvider } from "@linkwright/core";
import { Hono } from "hono";
import { actOnConsent, type ConsentDecision } from "../consent.ts";
import type { Client } from "../oauth/clients.ts";
import { type AccessToken, createGrants, type GrantCounters, type Grants } from "../oauth/grants.ts";
import { type TokenResponse, tokenResponse } from "../oauth/token-response.ts";
import { type Host, openSimulator, type Simulator } from "../simulator.ts";
import { assemble } from "./assemble.ts";
import { clientOf } from "./client.ts";
import type { ProviderSimulatorOptions } from "./options.ts";
import { locate, type RoutedFetch, routedFetch } from "./routes.ts";
import { type Shape, shapeOf } from "./shape.ts";
import { type ProviderSwitches, switchesOf } from "./switches.ts";
import { tokenRefusal } from "./token.ts";

/** Any provider on loopback. */
export interface ProviderSimulator<P extends AnyProvider = AnyProvider> extends Simulator {
  /** The definition that it was made from. */
  readonly provider: P;
  /** For `createConnector({ fetch })`: finds the definition's hosts on loopback, and no other host at all. */
  readonly fetch: RoutedFetch;
  /** In the words of RFC 8414, as the definition has them. */
  readonly endpoints: Shape["endpoints"];
  /** The definition's client, as the server has it registered. Change its secret, and the connector's is wrong. */
  readonly client: Client;
  readonly switches: ProviderSwitches;
  readonly counters: GrantCounters;
  /** Where an address of the definition's is on loopback: for a browser, or a client in another language. */
  locate(url: string | URL): string;
  /** Acts for the user on the page at `url`; returns the callback URL. */
  consent(url: string | URL, decision?: ConsentDecision): Promise<string>;
  /** A token response out of nothing, in the RFC's words, as if `subject` had just agreed; for tests that begin with a connection. */
  issue(grant?: { subject?: string; scope?: string }): TokenResponse;
  /** The user takes back what they allowed: every grant, or those of one subject. */
  revokeGrants(subject?: string): void;
  /** Ends access tokens while the grants live on: all of them, or those meant. */
  revokeAccessTokens(of?: (token: AccessToken) => boolean): void;
}

/**
 * An authorization server, and an API behind it, for any provider: made from its own definition. Endpoints, grants, PKCE,
 * client authentication, rotation and lifetimes are as declared; the options say what the documentation adds.
 *
 * The definition keeps its own addresses: the connector is given this server's `fetch`, which finds them on loopback. An origin
 * that is on loopback itself and names its port is listened at.
 *
 * ```ts
 * const provider = harbour({ clientId: "client", clientSecret: "secret", redirectUri });
 * await using bank = await simulate(provider, { clock, accessTokenLifetime: 300 });
 * const connector = createConnector({ providers: { harbour: provider }, fetch: bank.fetch, clock, store, keys, concurrency });
 * const flow = await connector.providers.harbour.connect({ owner, session });
 * const connection = await connector.complete(await bank.consent(flow.url), { session });
 * ```
 *
 * @throws TypeError where the client's secret is needed and the definition does not hold it.
 */
export async function simulate<P extends AnyProvider>(
  provider: P,
  options: ProviderSimulatorOptions = {},
): Promise<ProviderSimulator<P>> {
  const shape = shapeOf(provider);
  const client = await clientOf(provider, shape, options);
  const switches = switchesOf(provider, shape, options);
  const apps = new Map(originsOf(shape).map((origin) => [origin, new Hono()]));
  const tokenPlaces = new Set(shape.tokenEndpoints);
  const tokenPaths = shape.tokenEndpoints.map((endpoint) => new URL(endpoint).pathname);
  let grants: Grants | undefined;

  const hosts = [...apps].map(([origin, app]): Host => {
    const port = ownPort(origin);
    return {
      knownAs: origin,
      ...(port !== undefined && { port }),
      app({ clock }) {
        if (!grants) {
          grants = createGrants({ clock, settings: switches });
          assemble({ provider, options, shape, client, switches, clock, grants, apps });
        }
        return app;
      },
    };
  });
  const simulator = await openSimulator({
    ...(options.clock && { clock: options.clock }),
    ...(options.aside && { aside: options.aside }),
    isTokenRequest: ({ origin, path }) => tokenPlaces.has(origin + path),
    refusal(status, path) {
      if (!tokenPaths.includes(path))
        return { body: { message: `The simulator was asked for ${status}.` }, contentType: "application/json" };
      const error = status >= 500 || status === 429 ? "temporarily_unavailable" : "invalid_request";
      return tokenRefusal(options, { status, error, error_description: `The simulator was asked for ${status}.` });
    },
    hosts: hosts as [Host, ...Host[]],
  });

  const places = new Map([...apps.keys()].map((origin, index) => [origin, simulator.origins[index] ?? ""]));
  const fetch = routedFetch(places);
  const { counters, issue, revokeGrants, revokeAccessTokens } = grants as unknown as Grants;
  return {
    ...simulator,
    provider,
    fetch,
    endpoints: shape.endpoints,
    client,
    switches,
    counters,
    locate: (url) => locate(places, new URL(url)),
    consent: (url, decision) => actOnConsent(url, decision, fetch),
    issue({ subject = options.users?.[0] ?? "user-1", scope = "" } = {}) {
      return tokenResponse(issue({ client, subject, scope: scope.split(" ").filter(Boolean) }));
    },
    revokeGrants,
    revokeAccessTokens,
  };
}

/** Every host of the definition, the token endpoint's first. */
function originsOf({ endpoints, tokenEndpoints, apiOrigins }: Shape): string[] {
  const { issuer, authorization_endpoint, revocation_endpoint } = endpoints;
  const addresses = [...tokenEndpoints, authorization_endpoint, revocation_endpoint, issuer];
  const origins = addresses.filter((address) => address !== undefined).map((address) => new URL(address).origin);
  return [...new Set([...origins, ...apiOrigins])];
}

/** The port of an address that is on loopback already. */
function ownPort(origin: string): number | undefined {
  const { protocol, hostname, port } = new URL(origin);
  const here = protocol === "http:" && ["localhost", "127.0.0.1"].includes(hostname);
  return here && port !== "" ? Number(port) : undefined;
}
