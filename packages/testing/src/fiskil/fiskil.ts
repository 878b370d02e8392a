import { randomUUID } from "node:crypto";
import { type Context, Hono } from "hono";
import { actOnConsent, type ConsentDecision } from "../consent.ts";
import { jwtSigner } from "../jwt.ts";
import { type Client, clientRegistry } from "../oauth/clients.ts";
import { createGrants, opaque } from "../oauth/grants.ts";
import { openSimulator, type Simulator } from "../simulator.ts";
import type { Webhooks } from "../webhooks.ts";
import { serveBanking } from "./banking.ts";
import { type ConsentWish, endConsent, serveConsents, startConsent } from "./consents.ts";
import { defaultAccounts, defaultInstitutions } from "./data.ts";
import { serveEndUsers } from "./end-users.ts";
import type {
  FiskilConsent,
  FiskilEndUser,
  FiskilKey,
  FiskilOptions,
  FiskilSession,
  FiskilState,
  FiskilSwitches,
} from "./options.ts";
import { type FiskilProduct, servePlatform } from "./platform.ts";
import { serveReference } from "./reference.ts";
import { consentPath, serveSessions } from "./sessions.ts";
import { serveFiskilToken } from "./token.ts";
import { fiskilWebhooks } from "./webhooks.ts";
import { isVersion, refusalAt, refuse } from "./wire.ts";

/** Fiskil's Data API, Platform API and hosted consent page on loopback. */
export interface FiskilSimulator extends Simulator {
  readonly endpoints: {
    /** The base URL that an adapter is given. */
    readonly base: string;
    readonly token_endpoint: string;
    /** Where `auth_url` leads. */
    readonly consent: string;
  };
  readonly switches: FiskilSwitches;
  /** The API keys, by client id. */
  readonly clients: ReadonlyMap<string, Client>;
  readonly teamId: string;
  readonly endUsers: Map<string, FiskilEndUser>;
  readonly sessions: Map<string, FiskilSession>;
  /** By arrangement id. */
  readonly consents: Map<string, FiskilConsent>;
  readonly products: Map<string, FiskilProduct>;
  readonly webhooks: Webhooks;
  readonly webhookSecret: string;
  /**
   * Acts for the user on the hosted page at `url`: `approve`, `deny`, or an `error_type`. Returns the callback URL.
   *
   * @throws Where the session is over, or names no URL to return to.
   */
  consent(url: string | URL, decision?: ConsentDecision): Promise<string>;
  /** A consent out of nothing, as if the user had just agreed; with a new end user unless one is named. */
  grantConsent(wish?: Partial<ConsentWish>): FiskilConsent;
  /** The user ends a consent at the bank. */
  withdrawConsent(arrangementId: string): void;
  /** Every access token ends, as if the keys' sessions had been dropped. */
  revokeAccessTokens(): void;
}

const defaultKeys: readonly FiskilKey[] = [
  {
    clientId: "key_01example",
    clientSecret: "s3cr3t-example",
    scopes: ["api:banking", "api:user.read", "api:user.write"],
  },
  {
    clientId: "key_02platform",
    clientSecret: "s3cr3t-example",
    scopes: ["api:provider.products.read", "api:provider.products.write"],
  },
];

/**
 * Fiskil as its pages describe it: a token for the whole team and no refresh, consent through a session and a hosted
 * page, webhooks, and a version in a header. What the pages leave open is a switch.
 *
 * ```ts
 * await using fiskil = await simulateFiskil({ clock, webhookUrl: receiver.url });
 * const callback = await fiskil.consent(session.auth_url, { decision: "CONSENT_OTP_FAILURE" });
 * fiskil.withdrawConsent(arrangementId);
 * ```
 */
export async function simulateFiskil(options: FiskilOptions = {}): Promise<FiskilSimulator> {
  const switches: FiskilSwitches = {
    accessTokenLifetime: 900,
    codeLifetime: 0,
    refresh: { kind: "none" },
    accessTokensValid: "all",
    tokenShape: "token",
    tokenErrors: "goa",
    pinnedVersion: "v3",
    uniqueEmail: false,
    deletingEndUserRevokesConsents: false,
    redirectUris: "any",
    sessionExpiryFormat: "unix",
    authUrl: "sess_id",
    sessionParameter: "session_id",
    cancelParameters: 5,
    consentDuration: 90 * 86_400,
    consentListedAfter: 0,
    syncEvents: true,
    institutionsClientId: "either",
    institutionsWrapped: false,
    ...options.switches,
  };
  const { teamId = "team_01", webhookSecret = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=" } = options;
  const products = new Map<string, FiskilProduct>();
  let state!: FiskilState;

  const simulator = await openSimulator({
    ...options,
    isTokenRequest: ({ path }) => path === "/v1/token",
    // What is yet to be repeated goes nowhere.
    closing() {
      state.webhooks.url = undefined;
    },
    refusal: refusalAt,
    hosts: [
      {
        app({ origin, clock }) {
          const sign = jwtSigner();
          const webhooks = fiskilWebhooks({ clock, secret: webhookSecret, url: options.webhookUrl });
          state = {
            origin,
            clock,
            switches,
            teamId,
            webhooks,
            keys: clientRegistry(options.keys ?? defaultKeys),
            institutions: options.institutions ?? defaultInstitutions,
            accountsOf: options.accounts ?? defaultAccounts,
            endUsers: new Map(),
            sessions: new Map(),
            consents: new Map(),
            grants: createGrants({
              clock,
              settings: switches,
              mint: ({ clientId, scope, issuedAt, expiresAt }) =>
                sign({
                  org_id: teamId,
                  key_id: clientId,
                  scope: scope.join(" "),
                  exp: Math.floor(expiresAt / 1000),
                  iat: Math.floor(issuedAt / 1000),
                  jti: randomUUID(),
                }),
            }),
            emit(event, { endUserId, institutionId, consentId }, more = {}) {
              if (options.webhookEvents?.includes(event) === false) return;
              const about = { event, end_user_id: endUserId, client_id: teamId, institution_id: institutionId };
              void webhooks.send({ ...about, consent_id: consentId, ...more });
            },
          };
          return fiskilApp(state, products);
        },
      },
    ],
  });

  const { consents, endUsers, sessions, webhooks, grants } = state;
  return {
    ...simulator,
    endpoints: {
      base: simulator.origin,
      token_endpoint: `${simulator.origin}/v1/token`,
      consent: simulator.origin + consentPath,
    },
    switches,
    clients: state.keys,
    teamId,
    endUsers,
    sessions,
    consents,
    products,
    webhooks,
    webhookSecret,
    consent: actOnConsent,
    grantConsent({ endUserId = opaque("eu"), institutionId = "88888", ...wish } = {}) {
      if (!endUsers.has(endUserId)) endUsers.set(endUserId, { id: endUserId, email: "somebody@example.com" });
      return startConsent(state, { endUserId, institutionId, ...wish });
    },
    withdrawConsent(arrangementId) {
      const consent = consents.get(arrangementId);
      if (!consent) throw new TypeError(`no arrangement is known as ${arrangementId}`);
      endConsent(state, consent, "Revoked");
    },
    revokeAccessTokens: () => grants.revokeAccessTokens(),
  };
}

function fiskilApp(state: FiskilState, products: Map<string, FiskilProduct>): Hono {
  const { switches } = state;
  const app = new Hono();
  const versionOf = (context: Context) => {
    const named = context.req.header("x-fiskil-version") ?? "";
    return isVersion(named) ? named : switches.pinnedVersion;
  };
  app.use("/v1/*", async (context, next) => {
    const named = context.req.header("x-fiskil-version");
    if (named !== undefined && !isVersion(named)) return refuse("goa", 400, "bad_request", `unknown version ${named}`);
    await next();
    context.res.headers.set("x-fiskil-version", versionOf(context));
    return undefined;
  });
  serveFiskilToken(app, state);
  serveEndUsers(app, state, versionOf);
  serveSessions(app, state);
  serveConsents(app, state, versionOf);
  serveReference(app, state);
  serveBanking(app, state);
  servePlatform(app, state, products);
  app.notFound(() => refuse("goa", 404, "not_found", "no such path"));
  return app;
}
