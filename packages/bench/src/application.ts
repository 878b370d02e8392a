import {
  allowInsecureLoopback,
  type Clock,
  clientSecretBasic,
  createConnector,
  days,
  defineProvider,
  type Keyring,
  keyring,
  memoryStore,
  type RefreshTokenDefinition,
  type Store,
  systemClock,
} from "@linkwright/core";
import { simulateAuthorizationServer } from "@linkwright/testing";

/** Linkwright as an application would set it up, with one standard provider. */

export const keys = keyring([{ id: "bench", key: new Uint8Array(32).fill(7) }]);
export const client = { id: "client", secret: "secret" };
export const owner = "user_1";

/** About as long as a signed JWT. */
export const accessToken = (name: string | number) => `access-${name}-`.padEnd(1200, "x");

export interface ApplicationOptions {
  readonly origin?: string;
  readonly store: Store;
  readonly keys: Keyring;
  readonly clock?: Clock;
  readonly cacheSize?: number;
  readonly freshness?: number;
  readonly rotation?: RefreshTokenDefinition["rotation"];
}

export function application(options: ApplicationOptions) {
  const { origin = "http://127.0.0.1:9", store, clock = systemClock, cacheSize = 10_000, freshness = 30_000 } = options;
  const bank = defineProvider({
    id: "bank",
    server: { issuer: origin, authorization_endpoint: `${origin}/authorize`, token_endpoint: `${origin}/token` },
    client: { id: client.id, authentication: clientSecretBasic(client.secret) },
    api: { base: origin },
    grants: {
      clientCredentials: {},
      authorizationCode: { redirectUri: "https://app.example/callback", pkce: "S256", scope: ["read"] },
      refreshToken: { rotation: options.rotation ?? "rotating", idleTimeout: days(30) },
    },
  });
  return createConnector({
    providers: { bank },
    store,
    concurrency: "one-process",
    keys: options.keys,
    clock,
    cacheSize,
    freshness,
    [allowInsecureLoopback]: true,
  });
}

/** A clock that can be put forward, so that whatever is in memory has expired. */
export function skippingClock(): Clock & { skip(milliseconds: number): void } {
  let skipped = 0;
  return {
    now: () => systemClock.now() + skipped,
    monotonic: () => systemClock.monotonic() + skipped,
    after: systemClock.after,
    skip(milliseconds) {
      skipped += milliseconds;
    },
  };
}

export interface Grant {
  readonly accessToken: string;
  readonly refreshToken?: string;
}

/** A record as the framework wrote it, of which any number of others are made. */
export interface Template {
  /** The text of a record of connection `id`. */
  record(id: string, grant: Grant, times?: Times): Promise<string>;
}

export interface Times {
  /** When the access token was requested, and when it expires. */
  readonly issuedAt?: number;
  readonly expiresAt?: number;
  /** When the refresh token was last used. */
  readonly usedAt?: number;
}

/** Connects a user once, the whole way through a consent page, and takes the record that comes of it. */
export async function template(sealing: Keyring): Promise<Template> {
  await using server = await simulateAuthorizationServer();
  const store = memoryStore();
  const connector = application({ origin: server.origin, store, keys: sealing });
  const session = "an-unguessable-session-value";
  const flow = await connector.providers.bank.connect({ owner, session });
  const { id } = await connector.complete(await server.consent(flow.url), { session });
  const written = await store.read(`connection:${id}`);
  if (!written) throw new Error("no record came of the connection");
  const row = JSON.parse(written.value) as {
    readonly format: number;
    readonly generation: number;
    readonly refresh: { readonly fingerprint: string; readonly usedAt: number };
  };
  await connector.close();
  return {
    async record(connection, grant, times = {}) {
      const { issuedAt = Date.now(), expiresAt = issuedAt + 3_600_000, usedAt = issuedAt } = times;
      const { format, generation, refresh } = row;
      const binding = { key: `connection:${connection}`, field: "grant" as const, format, generation };
      return JSON.stringify({
        ...row,
        id: connection,
        token: { issuedAt, expiresAt },
        refresh: { ...refresh, usedAt },
        grant: await sealing.seal.seal(JSON.stringify(grant), binding),
      });
    },
  };
}

/** A store that holds whatever record it is asked for, so that none of its own memory or time is measured. */
export function boundlessStore(read: (key: string) => string): Store {
  const unused = async () => {
    throw new Error("the boundless store is only read");
  };
  return {
    reach: "cluster",
    read: async (key) => ({ value: read(key), version: "1" }),
    write: unused,
    remove: unused,
    list: unused,
    due: unused,
    close: async () => {},
  };
}
