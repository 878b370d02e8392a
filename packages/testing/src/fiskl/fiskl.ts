import { Hono } from "hono";
import { actOnConsent, type ConsentDecision } from "../consent.ts";
import { messagePage } from "../consent-page.ts";
import { type Client, type ClientRegistration, clientRegistry } from "../oauth/clients.ts";
import { OAuthError } from "../oauth/error.ts";
import { type AccessToken, createGrants, type GrantCounters } from "../oauth/grants.ts";
import { refreshPolicy } from "../oauth/refresh-policy.ts";
import { type Endpoints, serveAuthorizationServer } from "../oauth/server.ts";
import { type TokenResponse, tokenResponse } from "../oauth/token-response.ts";
import { openSimulator, type Simulator } from "../simulator.ts";
import type { Webhooks } from "../webhooks.ts";
import { fisklApi } from "./api.ts";
import type { FisklApiKey, FisklCompany, FisklOptions, FisklState, FisklSwitches, FisklUser } from "./options.ts";
import { everyPermission, fisklScopes } from "./scopes.ts";
import { fisklWebhooks } from "./webhooks.ts";

/** Fiskl on loopback: the API at `origin`, sign-in and OAuth at `webAppOrigin`. */
export interface FisklSimulator extends Simulator {
  /** The issuer. Whatever else is asked for here is answered with the web app's page, at status 200. */
  readonly webAppOrigin: string;
  /** In the words of RFC 8414, and `api`: the base of the API. */
  readonly endpoints: {
    readonly issuer: string;
    readonly authorization_endpoint: string;
    readonly token_endpoint: string;
    readonly revocation_endpoint: string;
    readonly api: string;
  };
  readonly switches: FisklSwitches;
  readonly counters: GrantCounters;
  readonly clients: Map<string, Client>;
  /** Taking from a user's `permissions` narrows what their tokens can do from the next call on. */
  readonly users: Map<string, FisklUser>;
  readonly apiKeys: Map<string, FisklApiKey>;
  readonly webhooks: Webhooks;
  readonly webhookSecrets: readonly string[];
  /** Acts for the user on the page at `url`; returns the callback URL. */
  consent(url: string | URL, decision?: ConsentDecision): Promise<string>;
  /** A token response out of nothing, as if the user had just agreed. Default: `user-1`, of the first client. */
  issue(grant?: { clientId?: string; user?: string; scope?: string }): TokenResponse;
  /** The user, or their admin, ends connections: all of them, or one user's. */
  revokeGrants(user?: string): void;
  /** Ends access tokens while the connections live on. */
  revokeAccessTokens(of?: (token: AccessToken) => boolean): void;
}

const redirectUris = ["https://app.example/callback", "http://localhost:3000/callback"];

/** A company with three clients and two invoices. */
export function fisklCompany(): FisklCompany {
  return {
    clients: [
      { id: 1, name: "Acme" },
      { id: 2, name: "Birch" },
      { id: 3, name: "Cedar" },
    ],
    invoices: [invoice(4819, 1, 15_000, "Sent"), invoice(4820, 2, 7_250, "Draft")],
  };
}

const invoice = (id: number, clientId: number, total: number, status: string) => ({
  id,
  clientId,
  invoiceDate: "2026-01-10",
  dueDate: "2026-02-10",
  items: [{ name: "Work", quantity: 1, price: total }],
  total,
  status,
});

/**
 * Fiskl's connected apps as its pages describe them, and as we assume where they are silent: every assumption is a
 * switch or an option.
 *
 * ```ts
 * await using fiskl = await simulateFiskl({ clock, refresh: "fixed" });
 * const callback = await fiskl.consent(authorizeUrl, { scopes: ["invoicing:read"] });
 * ```
 *
 * @throws TypeError for a redirect URI that Fiskl would not register: neither `https:` nor `http://localhost`.
 */
export async function simulateFiskl(options: FisklOptions = {}): Promise<FisklSimulator> {
  const registrations = options.clients ?? [
    { clientId: "app_01", clientSecret: "s3cr3t", redirectUris },
    { clientId: "app_02", redirectUris },
  ];
  const grantTypes = ["authorization_code", "refresh_token"];
  const clients = clientRegistry(registrations.map((registration) => ({ grantTypes, ...registration })));
  for (const client of clients.values()) checkRedirectUris(client);
  const users = new Map(Object.entries(options.users ?? { "user-1": everyone(), "user-2": everyone() }));
  const apiKeys = new Map((options.apiKeys ?? defaultKeys).map((key) => [key.key, { ...key }]));
  const webhookSecrets = options.webhookSecrets ?? ["whsec_ISIjJCUmJygpKissLS4vMDEyMzQ1Njc4"];
  const switches: FisklSwitches = {
    accessTokenLifetime: 3600,
    codeLifetime: 60,
    refresh: refreshPolicy(options.refresh ?? "rotating"),
    accessTokensValid: "all",
    scopeInAnswer: "always",
    bodies: ["form"],
    discovery: true,
    revocation: true,
    subscription: "active",
    listEnvelope: "array",
    webhookHeaders: "webhook-",
    ...options.switches,
  };
  const paths = { authorize: "/oauth/authorize", token: "/oauth/token", revoke: "/oauth/revoke", ...options.paths };
  const endpointsOf = (issuer: string) => ({
    issuer,
    authorization_endpoint: issuer + paths.authorize,
    token_endpoint: issuer + paths.token,
    revocation_endpoint: issuer + paths.revoke,
  });
  let state!: FisklState;
  let webhooks!: Webhooks;

  const simulator = await openSimulator({
    ...options,
    isTokenRequest: ({ path }) => path === paths.token,
    // What is yet to be repeated goes nowhere.
    closing() {
      webhooks.url = undefined;
    },
    refusal: (status) => ({
      body: { status, error: "error", message: `The simulator was asked for ${status}.` },
      contentType: "application/json",
    }),
    hosts: [
      {
        app({ clock }) {
          const grants = createGrants({ clock, settings: switches });
          state = { now: clock.now, grants, switches, users, apiKeys };
          webhooks = fisklWebhooks({ clock, switches, secrets: webhookSecrets, url: options.webhookUrl });
          return fisklApi(state);
        },
      },
      {
        ...(options.webAppPort !== undefined && { port: options.webAppPort }),
        app: ({ otherOrigin }) => webApp(state, { endpoints: endpointsOf(otherOrigin), clients }),
      },
    ],
  });

  const { otherOrigin: webAppOrigin, ...base } = simulator;
  const { grants } = state;
  return {
    ...base,
    webAppOrigin,
    endpoints: { ...endpointsOf(webAppOrigin), api: base.origin },
    switches,
    counters: grants.counters,
    clients,
    users,
    apiKeys,
    webhooks,
    webhookSecrets,
    consent: actOnConsent,
    issue({ clientId, user = "user-1", scope = "invoicing:read contacts:read" } = {}) {
      const client = clients.get(clientId ?? [...clients.keys()][0] ?? "");
      if (!client || !users.has(user)) throw new TypeError(`no such client or user: ${clientId}, ${user}`);
      return tokenResponse(grants.issue({ client, subject: user, scope: scope.split(" ") }));
    },
    revokeGrants: grants.revokeGrants,
    revokeAccessTokens: grants.revokeAccessTokens,
  };
}

/** Sign-in and OAuth. A web app answers every other address with its shell. */
function webApp(
  { grants, switches, users }: FisklState,
  { endpoints, clients }: { readonly endpoints: Endpoints; readonly clients: ReadonlyMap<string, Client> },
): Hono {
  const app = new Hono();
  serveAuthorizationServer({
    endpoints,
    at: () => app,
    token: { clients, grants, switches, scopes: fisklScopes },
    page: {
      provider: "Fiskl",
      users: () => [...users.keys()],
      untick: true,
      outcomes: [["server_error", "Server error"]],
      grant(consent) {
        if (users.get(consent.subject)?.permissions.has("oauth_app.install")) return consent;
        throw new OAuthError("access_denied", "This user may not connect apps.");
      },
    },
    on: { metadata: () => switches.discovery, revocation: () => switches.revocation, iss: () => false },
  });
  const shell = messagePage("Fiskl", "This is the web app, not the API.");
  app.all("*", (context) => context.html(shell));
  app.notFound((context) => context.html(shell));
  return app;
}

const everyone = (): FisklUser => ({ permissions: new Set(everyPermission), company: fisklCompany() });

const defaultKeys: readonly FisklApiKey[] = [
  { key: "fsk_test_000000000001", user: "user-1", permissions: ["client.read", "invoice.read"] },
];

function checkRedirectUris({ redirectUris: uris }: Pick<ClientRegistration, "redirectUris">): void {
  for (const uri of uris ?? []) {
    const { protocol, hostname } = new URL(uri);
    if (protocol === "https:" || (protocol === "http:" && hostname === "localhost")) continue;
    throw new TypeError(`Fiskl registers https: and http://localhost alone, not ${uri}`);
  }
}
