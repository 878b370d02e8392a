import {
  allowInsecureLoopback,
  type Clock,
  clientSecretBasic,
  createConnector,
  defineProvider,
  keyring,
  type RefreshTokenDefinition,
  type Store,
  type Timing,
} from "@linkwright/core";

/** A standard provider, and an application with one registration of it: the same in every process. */

/** What a process has to be told of the server: plain data. */
export interface BankAddress {
  /** Where its endpoints are. */
  readonly origin: string;
  /** Where its API is; the endpoints' origin where left out. */
  readonly api?: string;
  readonly refresh: RefreshTokenDefinition;
}

export interface ApplicationOptions {
  readonly bank: BankAddress;
  readonly store: Store & { readonly reach: "host" | "cluster" };
  readonly clock: Clock;
  readonly timing?: Partial<Timing>;
  readonly freshness?: number;
  readonly keepFresh?: boolean;
  readonly fetch?: (input: string, init: RequestInit) => Promise<Response>;
}

export const owner = "user_1";
export const session = "an-unguessable-session-value";

const key = new Uint8Array(32).fill(7);

export function application({ bank, store, clock, timing, freshness, keepFresh = false, fetch }: ApplicationOptions) {
  return createConnector({
    providers: { bank: provider(bank) },
    store,
    keys: keyring([{ id: "torture", key }]),
    clock,
    keepFresh,
    ...(timing && { timing }),
    ...(freshness !== undefined && { freshness }),
    ...(fetch && { fetch }),
    [allowInsecureLoopback]: true,
  });
}

export type TortureApplication = ReturnType<typeof application>;

function provider({ origin, api = origin, refresh }: BankAddress) {
  return defineProvider({
    id: "bank",
    server: {
      issuer: origin,
      authorization_endpoint: `${origin}/authorize`,
      token_endpoint: `${origin}/token`,
      revocation_endpoint: `${origin}/revoke`,
    },
    client: { id: "client", authentication: clientSecretBasic("secret") },
    api: { base: api },
    accessToken: { type: "Bearer" },
    grants: {
      clientCredentials: {},
      authorizationCode: { redirectUri: "https://app.example/callback", pkce: "S256", scope: ["read"] },
      refreshToken: refresh,
    },
  });
}
