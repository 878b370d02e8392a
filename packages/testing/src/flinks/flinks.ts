import { Hono } from "hono";
import { actOnConsent, type ConsentDecision } from "../consent.ts";
import { jwtSigner } from "../jwt.ts";
import { serveAuthorizationPage } from "../oauth/authorization-page.ts";
import { type Client, registerClient } from "../oauth/clients.ts";
import { OAuthError, refusalResponse } from "../oauth/error.ts";
import { type AccessToken, createGrants, type GrantCounters } from "../oauth/grants.ts";
import type { TokenResponse } from "../oauth/token-response.ts";
import { openSimulator, type Simulator } from "../simulator.ts";
import { defaultProviders, defaultUser, type FlinksUser, userScopes } from "./data.ts";
import { flinksRefusal, serveFdx } from "./fdx.ts";
import {
  adminScope,
  type FlinksOptions,
  type FlinksRecipient,
  type FlinksRegistration,
  type FlinksState,
  type FlinksSwitches,
} from "./options.ts";
import { serveProviders } from "./providers.ts";
import { serveRecipients } from "./recipients.ts";
import { flinksAnswer, serveFlinksTokens } from "./token.ts";

/** Flinks's Open Banking API on loopback. */
export interface FlinksSimulator extends Simulator {
  readonly endpoints: {
    /** The base URL that an adapter is given. */
    readonly base: string;
    readonly authorization_endpoint: string;
    readonly token_endpoint: string;
    readonly revocation_endpoint: string;
    /** `/api/fdx/5`. */
    readonly fdx: string;
  };
  readonly switches: FlinksSwitches;
  readonly counters: GrantCounters;
  /** Every client: recipients and the partner. */
  readonly clients: Map<string, Client>;
  readonly recipients: Map<string, FlinksRecipient>;
  readonly users: Map<string, FlinksUser>;
  /** Acts for the user on the page at `url`: `approve`, `deny`, or an error code. Returns the callback URL. */
  consent(url: string | URL, decision?: ConsentDecision): Promise<string>;
  /** A token response out of nothing, as if the user had just agreed. Default: `user-1` at 1000, of the first recipient. */
  issue(grant?: { clientId?: string; user?: string; scope?: string; providerId?: number }): TokenResponse;
  /** Sets where a recipient stands with a bank. */
  register(clientId: string, providerId: number, status: FlinksRegistration): void;
  /** Connections end at Flinks: all of them, or one user's. */
  revokeGrants(user?: string): void;
  /** Ends access tokens while the connections live on. */
  revokeAccessTokens(of?: (token: AccessToken) => boolean): void;
}

const day = 86_400_000;

const outcomes = [
  ["invalid_request", "Invalid request"],
  ["invalid_scope", "Invalid scope"],
  ["unauthorized_client", "Unauthorized client"],
  ["server_error", "Server error"],
  ["temporarily_unavailable", "Temporarily unavailable"],
] as const;

/**
 * Flinks as its pages describe it: JSON at the token endpoint, a refresh token that never changes and dies after thirty
 * days without use, revocation by a live access token, errors at 400, data by FDX. What the pages leave open is a switch.
 *
 * ```ts
 * await using flinks = await simulateFlinks({ clock });
 * flinks.switches.expiresIn = 0;
 * const callback = await flinks.consent(authorizeUrl, { decision: "approve" });
 * ```
 */
export async function simulateFlinks(options: FlinksOptions = {}): Promise<FlinksSimulator> {
  const switches: FlinksSwitches = {
    accessTokenLifetime: 300,
    codeLifetime: 60,
    refresh: { kind: "fixed", idleTimeout: 30 * day },
    accessTokensValid: "all",
    accessTokensOutliveGrant: false,
    bodies: ["json"],
    clientAuthentication: ["client_secret_json"],
    expiresIn: 299,
    scopeInAnswer: false,
    bareAppAnswer: false,
    providerIdRequired: true,
    upstreamExpired: undefined,
    notAuthorized: [],
    staleTokenStatus: 401,
    throttled: undefined,
    redirectUrisRequest: "either",
    secretOverlap: false,
    ...options.switches,
  };
  let state!: FlinksState;

  const simulator = await openSimulator({
    ...options,
    isTokenRequest: ({ path }) => path === "/api/v1/token",
    refusal: flinksRefusal,
    hosts: [
      {
        app({ origin, clock }) {
          const sign = jwtSigner();
          const grants = createGrants({
            clock,
            settings: switches,
            mint: ({ clientId, grant, expiresAt }) =>
              sign({ client_id: clientId, ...(grant && { sub: grant.subject }), exp: Math.floor(expiresAt / 1000) }),
          });
          state = { origin, now: clock.now, grants, switches, ...population(options, clock.now()) };
          const app = new Hono();
          serveConsent(app, state);
          serveFlinksTokens(app, state);
          serveFdx(app, state);
          serveProviders(app, state);
          serveRecipients(app, state);
          return app;
        },
      },
    ],
  });

  const { origin } = simulator;
  const { grants, clients, recipients, users } = state;
  return {
    ...simulator,
    endpoints: {
      base: origin,
      authorization_endpoint: `${origin}/api/v1/authorize`,
      token_endpoint: `${origin}/api/v1/token`,
      revocation_endpoint: `${origin}/api/v1/revoke`,
      fdx: `${origin}/api/fdx/5`,
    },
    switches,
    counters: grants.counters,
    clients,
    recipients,
    users,
    consent: actOnConsent,
    issue({ clientId, user = "user-1", scope = "ACCOUNT_BASIC TRANSACTIONS", providerId = 1000 } = {}) {
      const client = clients.get(clientId ?? [...recipients.keys()][0] ?? "");
      const subject = users.get(user)?.customerId;
      if (!client || subject === undefined) throw new TypeError(`no such client or user: ${clientId}, ${user}`);
      const details = { providerId: String(providerId) };
      return flinksAnswer(state, grants.issue({ client, subject, scope: scope.split(" "), details }));
    },
    register(clientId, providerId, status) {
      const registrations = recipients.get(clientId)?.registrations;
      if (!registrations) throw new TypeError(`no recipient is registered as ${clientId}`);
      registrations.set(providerId, { status, requestedOn: new Date(simulator.clock.now()).toISOString() });
    },
    revokeGrants(user) {
      grants.revokeGrants(user === undefined ? undefined : (users.get(user)?.customerId ?? user));
    },
    revokeAccessTokens: grants.revokeAccessTokens,
  };
}

function population(options: FlinksOptions, now: number) {
  const {
    recipients: registered = [
      {
        clientId: "dc-demo0001",
        clientSecret: "s3cr3t",
        redirectUris: ["https://app.example/callback"],
        providers: [1000, 1001],
      },
    ],
    partner = { clientId: "partner-demo", clientSecret: "s3cr3t" },
  } = options;
  const requestedOn = new Date(now).toISOString();
  const recipients = new Map<string, FlinksRecipient>();
  for (const { providers = [1000], scopes = userScopes, ...registration } of registered) {
    recipients.set(registration.clientId, {
      client: registerClient({ ...registration, scopes, pkce: "ignored" }),
      registrations: new Map(providers.map((id) => [id, { status: "ACTIVE", requestedOn }])),
      profile: { country: "CA" },
    });
  }
  const clients = new Map([...recipients].map(([id, { client }]) => [id, client]));
  clients.set(
    partner.clientId,
    registerClient({ ...partner, scopes: [adminScope], grantTypes: ["client_credentials"], pkce: "ignored" }),
  );
  const users = new Map(
    Object.entries(options.users ?? { "user-1": defaultUser("user-1"), "user-2": defaultUser("user-2") }),
  );
  return { recipients, clients, users, providers: options.providers ?? defaultProviders, retiredSecrets: new Map() };
}

function serveConsent(app: Hono, state: FlinksState): void {
  const { clients, recipients, providers, switches, users, grants } = state;
  const bankOf = (query: URLSearchParams) =>
    providers.find(({ provider_id }) => String(provider_id) === query.get("provider_id"));

  serveAuthorizationPage(app, {
    path: "/api/v1/authorize",
    provider: "Flinks",
    grants,
    users: () => [...users.keys()],
    untick: false,
    outcomes,
    asked: (query) => [`Bank: ${bankOf(query)?.name ?? "not chosen"}`],
    unredirectable: refusalResponse,
    rules: () => ({
      clients,
      check(query, { client, scope, state: given }) {
        if (given === undefined) throw new OAuthError("invalid_request", "state is missing.");
        if (!scope.includes("ACCOUNT_BASIC")) throw new OAuthError("invalid_scope", "ACCOUNT_BASIC is the least.");
        if (!query.has("provider_id")) {
          if (switches.providerIdRequired) throw new OAuthError("invalid_request", "provider_id is missing.");
          return;
        }
        const bank = bankOf(query);
        const registration = bank && recipients.get(client.clientId)?.registrations.get(bank.provider_id);
        if (registration?.status !== "ACTIVE") {
          throw new OAuthError("unauthorized_client", "The client is not registered with this provider.");
        }
      },
    }),
    grant(consent, query) {
      const bank = bankOf(query);
      return {
        ...consent,
        subject: users.get(consent.subject)?.customerId ?? consent.subject,
        scope: consent.scope.filter((one) => !bank || bank.scopes.includes(one)),
        details: { providerId: query.get("provider_id") ?? "", correlationId: query.get("correlation_id") ?? "" },
      };
    },
  });
}
