import { Hono } from "hono";
import { actOnConsent, type ConsentDecision } from "./consent.ts";
import { type Client, type ClientRegistration, clientRegistry } from "./oauth/clients.ts";
import { type AccessToken, createGrants, type GrantCounters, type GrantSettings, type Grants } from "./oauth/grants.ts";
import { type RefreshPolicyOption, refreshPolicy } from "./oauth/refresh-policy.ts";
import { resource } from "./oauth/resource.ts";
import { serveAuthorizationServer, standardOutcomes } from "./oauth/server.ts";
import type { StandardTokenSwitches } from "./oauth/token-endpoint.ts";
import { type TokenResponse, tokenResponse } from "./oauth/token-response.ts";
import { openSimulator, type Simulator, type SimulatorOptions } from "./simulator.ts";

/** What a standard server can be told. */
export interface AuthorizationServerOptions extends SimulatorOptions {
  /** Default: `client` with secret `secret`, and the public `public`; both redirect to `https://app.example/callback`. */
  readonly clients?: readonly ClientRegistration[];
  /** Every scope there is; absent: any. */
  readonly scopes?: readonly string[];
  /** Who can sign in. Default `user-1` and `user-2`. */
  readonly users?: readonly string[];
  /** Seconds. Default 3600. */
  readonly accessTokenLifetime?: number;
  /** Seconds. Default 60. */
  readonly codeLifetime?: number;
  /** Default: rotating, each token once, reuse ends the family. */
  readonly refresh?: RefreshPolicyOption;
  /** Default `all`. */
  readonly accessTokensValid?: "all" | "newest";
  /** Whether RFC 8414 metadata is published. Default true. */
  readonly metadata?: boolean;
  /** Whether RFC 7009 is served. Default true. */
  readonly revocation?: boolean;
  /** Whether authorization responses carry `iss` (RFC 9207). Default false. */
  readonly iss?: boolean;
  /** When `scope` is in a token response. Default `always`. */
  readonly scopeInAnswer?: StandardTokenSwitches["scopeInAnswer"];
  /** Kinds of body that the token endpoint reads. Default: forms. */
  readonly bodies?: StandardTokenSwitches["bodies"];
}

/** What may be changed while the server runs; the next request reads it. */
export interface AuthorizationServerSwitches extends GrantSettings, StandardTokenSwitches {
  metadata: boolean;
  revocation: boolean;
  iss: boolean;
}

/** A standard authorization server with one resource behind it. */
export interface AuthorizationServerSimulator extends Simulator {
  /** In the words of RFC 8414, so that they can be spread into a client's configuration. */
  readonly endpoints: {
    readonly issuer: string;
    readonly authorization_endpoint: string;
    readonly token_endpoint: string;
    readonly revocation_endpoint: string;
  };
  /** `/api/me`: answers with the token's subject and scope. Below it, `/api/scoped/:scope` asks for one scope more. */
  readonly resource: string;
  readonly clients: Map<string, Client>;
  readonly switches: AuthorizationServerSwitches;
  readonly counters: GrantCounters;
  /** Acts for the user on the page at `url`; returns the callback URL. */
  consent(url: string | URL, decision?: ConsentDecision): Promise<string>;
  /** A token response out of nothing, as if `subject` had just agreed; for tests that begin with a connection. */
  issue(grant?: { clientId?: string; subject?: string; scope?: string }): TokenResponse;
  /** The user takes back what they allowed: every grant, or those of one subject. */
  revokeGrants(subject?: string): void;
  /** Ends access tokens while the grants live on: all of them, or those meant. */
  revokeAccessTokens(of?: (token: AccessToken) => boolean): void;
}

const defaultClients: readonly ClientRegistration[] = [
  { clientId: "client", clientSecret: "secret", redirectUris: ["https://app.example/callback"] },
  { clientId: "public", redirectUris: ["https://app.example/callback"] },
];

/**
 * A strictly standard authorization server: `/authorize`, `/token`, `/revoke`, `/.well-known/oauth-authorization-server`,
 * and the resource `/api/me`. As it comes, it accepts each refresh token once and revokes the family at the second time.
 *
 * ```ts
 * await using server = await simulateAuthorizationServer({ clock, accessTokenLifetime: 300 });
 * const { refresh_token } = server.issue();
 * ```
 */
export async function simulateAuthorizationServer(
  options: AuthorizationServerOptions = {},
): Promise<AuthorizationServerSimulator> {
  const clients = clientRegistry(options.clients ?? defaultClients);
  const users = options.users ?? ["user-1", "user-2"];
  const switches: AuthorizationServerSwitches = {
    accessTokenLifetime: options.accessTokenLifetime ?? 3600,
    codeLifetime: options.codeLifetime ?? 60,
    refresh: refreshPolicy(options.refresh ?? "rotating"),
    accessTokensValid: options.accessTokensValid ?? "all",
    scopeInAnswer: options.scopeInAnswer ?? "always",
    bodies: options.bodies ?? ["form"],
    metadata: options.metadata ?? true,
    revocation: options.revocation ?? true,
    iss: options.iss ?? false,
  };
  const endpointsOf = (origin: string) => ({
    issuer: origin,
    authorization_endpoint: `${origin}/authorize`,
    token_endpoint: `${origin}/token`,
    revocation_endpoint: `${origin}/revoke`,
  });
  let grants!: Grants;

  const simulator = await openSimulator({
    ...options,
    isTokenRequest: ({ path }) => path === "/token",
    hosts: [
      {
        app({ origin, clock }) {
          grants = createGrants({ clock, settings: switches });
          const app = new Hono();
          serveAuthorizationServer({
            endpoints: endpointsOf(origin),
            at: () => app,
            token: { clients, grants, switches, ...(options.scopes && { scopes: options.scopes }) },
            page: { provider: "Example", users: () => users, untick: true, outcomes: standardOutcomes },
            on: {
              metadata: () => switches.metadata,
              revocation: () => switches.revocation,
              iss: () => switches.iss,
            },
          });
          app.get("/api/me", (context) => resource(context.req.raw, grants));
          app.get("/api/scoped/:scope", (context) => resource(context.req.raw, grants, context.req.param("scope")));
          return app;
        },
      },
    ],
  });

  return {
    ...simulator,
    endpoints: endpointsOf(simulator.origin),
    resource: `${simulator.origin}/api/me`,
    clients,
    switches,
    counters: grants.counters,
    consent: actOnConsent,
    issue({ clientId = "client", subject = users[0] ?? "user", scope = "read" } = {}) {
      const client = clients.get(clientId);
      if (!client) throw new TypeError(`no client is registered as ${clientId}`);
      return tokenResponse(grants.issue({ client, subject, scope: scope.split(" ").filter(Boolean) }));
    },
    revokeGrants: grants.revokeGrants,
    revokeAccessTokens: grants.revokeAccessTokens,
  };
}
