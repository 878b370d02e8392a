import { confirmConsent, endConnection } from "./consents.ts";
import { applicationBearer, connectionBearer } from "./context.ts";
import { type DisconnectReport, disconnect } from "./disconnect.ts";
import { ConnectorError, isConnectorError, located, type ReauthorizeReason } from "./faults.ts";
import { type ApiClient, type Bearer, createApiClient, viewOf } from "./fetch.ts";
import { knownEnd, type Row } from "./record.ts";
import type { Registration } from "./registration.ts";
import type { Renewal } from "./renewal.ts";
import type { StoredRow } from "./rows.ts";
import { connectionKey, type Runtime } from "./runtime.ts";
import { type CacheEntry, type CachePlace, cacheEntry, quickToken, type RememberedRow } from "./token-cache.ts";

/** One connection of one user: what they granted, kept alive. A handle holds no secrets and can be thrown away. */
export interface Connection {
  readonly id: string;
  readonly owner: string;
  /** The name of the registration, to tell connections of several providers apart. */
  readonly registration: string;
  /**
   * An access token that is valid for at least `minValidity`. Where the provider knows no tokens of a user's own, it is the
   * application's token, handed out while this connection stands; `status().bearer` says which.
   *
   * @throws {ConnectorError} `reauthorize`, `retry`, `gone`, `permission` (a token for less, and no refresh token to ask with),
   * `configuration`, `protocol`, `store` or `aborted`.
   */
  accessToken(options?: AccessTokenOptions): Promise<string>;
  /**
   * Standard `fetch` with the token attached: paths are resolved against the provider's API, other origins are refused. A
   * stale token is renewed once and the request sent once more, if its body can be.
   */
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>;
  /** How the connection stands, without a request: by its record, and by whether this process has met a refusal of the client. */
  status(): Promise<ConnectionStatus>;
  /** Lets go of the grant as the provider allows, then forgets it. Can be called again after a failure. */
  disconnect(): Promise<DisconnectReport>;
}

/** Which access token is wanted, and how good it has to be. */
export interface AccessTokenOptions {
  /** The resource that the token is for, an absolute URI, where the server knows such (RFC 8707). It has a token of its own. */
  readonly resource?: string;
  /** Less than all of what was granted (RFC 6749, section 6). Each set of scopes has a token of its own. */
  readonly scope?: readonly string[];
  /**
   * Milliseconds that the token must still be valid for; 10 s by default. At most nine tenths of its lifetime. Where nothing renews
   * the token and it ends sooner, the call fails with `reauthorize`, and the connection stands until the token's end.
   */
  readonly minValidity?: number;
  /** Detaches this call; work that others share goes on. */
  readonly signal?: AbortSignal;
}

/** How a connection stands. Instants are epoch milliseconds. */
export interface ConnectionStatus {
  /**
   * `pending`: the user came back, the provider has not confirmed. `healthy`. `expiring`: the consent ends soon. `degraded`:
   * the last attempts to renew told nothing; they go on. `reauthorize`: the user must connect again. `configuration`: the
   * server refuses the client. `ended`: by the user, the bank, or by disconnecting.
   */
  readonly health: "pending" | "healthy" | "expiring" | "degraded" | "reauthorize" | "configuration" | "ended";
  readonly reason?: ReauthorizeReason | "disconnected" | undefined;
  /** Since when the record is in its state. */
  readonly since: number;
  readonly account?: string | undefined;
  /** Whose token `accessToken` gives. */
  readonly bearer: "connection" | "application";
  readonly scope: {
    readonly requested: readonly string[];
    /** Absent where the provider did not say. */
    readonly granted?: readonly string[] | undefined;
    readonly missing: readonly string[];
  };
  readonly accessTokenExpiresAt?: number | undefined;
  readonly consentExpiresAt?: number | undefined;
  /** When the present access token was asked for: at connecting, or by the last renewal. */
  readonly renewedAt?: number | undefined;
  /** When the next attempt is due, after ones that failed. */
  readonly retryAt?: number | undefined;
  /** A refresh token was presented and no answer is known. */
  readonly inDoubt: boolean;
  /** What the adapter keeps: plain names of the provider's, such as an end user's id. */
  readonly data: Readonly<Record<string, string>>;
}

export function createConnection(
  runtime: Runtime,
  renewal: Renewal,
  registration: Registration,
  row: Pick<Row, "id" | "owner">,
): Connection {
  const { id, owner } = row;
  const key = connectionKey(id);
  const { rows, cache, clock } = runtime;
  const place = { registration: registration.name, provider: registration.provider.id, connection: id };
  const leaning = registration.provider.grants.hostedConsent !== undefined;
  const own = connectionBearer(runtime, renewal, registration, id, "use");
  const application = leaning ? applicationBearer(runtime, renewal, registration) : undefined;

  const bearer: Bearer = {
    renewable: true,
    of: leaning ? "application" : "connection",
    async obtain(options) {
      if (!application) return own.obtain(options);
      const leaning = await standing();
      return { ...(await application.obtain(options)), leaning };
    },
    async over(reading, { generation, leaning = generation }) {
      const stored = await rows.read(key);
      // It was said of a grant that the user has replaced since.
      if (!stored || stored.row.granted.generation > leaning) return;
      await endConnection(runtime, stored, reading.reason ?? "consent_ended");
    },
  };

  /** For a connection without tokens of its own: that its consent stands, as last seen within `freshness`; its generation. */
  async function standing(): Promise<number> {
    const known = cache.get(key);
    if (known && clock.monotonic() < known.freshUntil && known.row.state === "active") return known.row.generation;
    const found = await readOr(known?.row.state === "active" ? known : undefined);
    if ("freshUntil" in found) return found.row.generation;
    let stored = found;
    if (stored.row.state === "pending" && (stored.row.failure?.retryAt ?? 0) <= clock.now())
      stored = await confirmConsent(runtime, renewal, registration, stored);
    const { state, reason, failure } = stored.row;
    switch (state) {
      case "active":
        cache.set(key, cacheEntry(runtime, stored, undefined));
        return stored.row.generation;
      case "pending":
        throw new ConnectorError(
          { kind: "retry", retryAt: failure?.retryAt ?? clock.now() + 1000 },
          "The provider has not confirmed the consent yet. Try again later.",
          place,
        );
      case "ending":
        throw new ConnectorError(
          { kind: "gone", reason: "disconnected" },
          "The connection is being disconnected.",
          place,
        );
      default:
        throw new ConnectorError(
          { kind: "reauthorize", reason: reason ?? "consent_ended" },
          `The consent is over (${reason ?? "consent_ended"}). Ask the user to connect again.`,
          place,
        );
    }
  }

  /** The row as stored; as memory has it, where the store fails. */
  async function readOr(known: CacheEntry | undefined): Promise<StoredRow | CacheEntry> {
    try {
      return await read();
    } catch (error) {
      if (!known || !isConnectorError(error) || error.fault.kind !== "store") throw error;
      runtime.events.emit("store.failed", { ...place, during: "read", message: error.message });
      return known;
    }
  }

  async function read(): Promise<StoredRow> {
    const stored = await rows.read(key).catch((error: unknown) => {
      throw isConnectorError(error) ? located(error, place) : error;
    });
    if (!stored)
      throw new ConnectorError(
        { kind: "gone", reason: "unknown" },
        "There is no such connection; it was disconnected or never was.",
        place,
      );
    return stored;
  }

  /** Where the row stands in memory, so that a valid token is handed out without a look-up. */
  let held: CachePlace | undefined;

  /** The row as last seen within `freshness`: a request is made for the grant that stands. */
  async function rowForRequests(): Promise<RememberedRow> {
    const known = cache.get(key);
    return known && clock.monotonic() < known.freshUntil ? known.row : (await readOr(known)).row;
  }

  /** The adapter's request hook needs the row's data; it changes with the grant alone. */
  let client: { version: string; api: ApiClient } | undefined;
  async function api(): Promise<ApiClient> {
    const row = await rowForRequests();
    const version = JSON.stringify([row.account, row.data]);
    if (client?.version !== version)
      client = { version, api: createApiClient(runtime, registration, bearer, viewOf(row)) };
    return client.api;
  }

  return {
    id,
    owner,
    registration: registration.name,
    accessToken(options) {
      if (options === undefined && !leaning) {
        if (!held?.entry) held = cache.place(key);
        const quick = quickToken(held, clock);
        if (quick !== undefined) return Promise.resolve(quick);
      }
      return bearer.obtain(options ?? {}).then(({ accessToken }) => accessToken.reveal());
    },
    fetch: async (input, init) => (await api()).fetch(input, init),
    status: async () => statusOf(runtime, registration, (await read()).row),
    disconnect: () => disconnect(runtime, renewal, registration, key),
  };
}

/** A row as its status. */
export function statusOf(runtime: Runtime, registration: Registration, row: Row): ConnectionStatus {
  const { requested, granted } = row.scope;
  return {
    ...healthOf(runtime, registration, row),
    since: row.since,
    account: row.account,
    bearer: registration.provider.grants.hostedConsent ? "application" : "connection",
    scope: { requested, granted, missing: granted ? requested.filter((scope) => !granted.includes(scope)) : [] },
    accessTokenExpiresAt: row.token?.expiresAt,
    consentExpiresAt: knownEnd(row),
    renewedAt: row.token?.issuedAt,
    retryAt: row.failure?.retryAt,
    inDoubt: row.doubt !== undefined,
    data: row.data,
  };
}

function healthOf(runtime: Runtime, registration: Registration, row: Row): Pick<ConnectionStatus, "health" | "reason"> {
  switch (row.state) {
    case "pending":
      return { health: "pending" };
    case "ended":
      return { health: "ended", reason: row.reason ?? "consent_ended" };
    case "ending":
      return { health: "ended", reason: "disconnected" };
    case "reauthorize":
      return { health: "reauthorize", reason: row.reason ?? "revoked" };
    case "active": {
      if (runtime.incidents.isOpen(registration)) return { health: "configuration" };
      if (row.doubt || row.failure) return { health: "degraded" };
      const end = knownEnd(row);
      const soon = end !== undefined && end - runtime.clock.now() <= runtime.timing.consentNotice;
      return soon ? { health: "expiring" } : { health: "healthy" };
    }
  }
}
