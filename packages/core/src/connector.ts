import { readCallback } from "./callback.ts";
import { type Clock, systemClock } from "./clock.ts";
import { type Connection, createConnection } from "./connection.ts";
import { checkOneOwnerPerAccount, checkOptions, checkRedirectUris } from "./connector-checks.ts";
import { endConnection } from "./consents.ts";
import { dueAt } from "./due.ts";
import { random } from "./encoding.ts";
import { type ConnectorEvents, createEvents, type EventName, tell } from "./events.ts";
import { ConnectorError, misconfigured, type ReauthorizeReason } from "./faults.ts";
import { completeFlow } from "./flow.ts";
import { createGates } from "./gates.ts";
import { handleOf, type ProviderHandle } from "./handle.ts";
import { hostSet } from "./hosts.ts";
import { createIncidents } from "./incidents.ts";
import { type MaintainOptions, maintain, type Report } from "./maintenance.ts";
import { type ScheduleOptions, scheduleMaintenance } from "./maintenance-schedule.ts";
import { defaultTiming, type Timing } from "./policy.ts";
import type { AnyProvider } from "./provider.ts";
import type { Row } from "./record.ts";
import { applicationPolicy, createRegistration, type Registration } from "./registration.ts";
import { createRenewal } from "./renewal.ts";
import { type ResealOptions, type ResealReport, reseal } from "./reseal.ts";
import { createRows, storeCall } from "./rows.ts";
import { connectionKey, type Runtime } from "./runtime.ts";
import type { Keyring } from "./seal.ts";
import type { Index, Store } from "./store.ts";
import { createTokenCache } from "./token-cache.ts";
import { type ExportedGrant, exportGrant } from "./transfer.ts";
import type { Fetch } from "./wire.ts";

/**
 * Allows plain http to servers on this machine's loopback, for simulators and development. A symbol, so that it cannot slip
 * in with options from a file.
 *
 * @example
 * ```ts
 * createConnector({ ..., [allowInsecureLoopback]: true });
 * ```
 */
export const allowInsecureLoopback: unique symbol = Symbol("allowInsecureLoopback");

/** What a connector is made of. */
export type ConnectorOptions<Providers extends Readonly<Record<string, AnyProvider>>> = {
  /** Providers by registration name. A name stays: it stands in every record. Two clients of one provider are two names. */
  readonly providers: Providers;
  /** Keys that seal tokens in the store: {@link keyring}, or, loudly, `dangerouslyUnsealed`. */
  readonly keys: Keyring;
  readonly clock?: Clock;
  /** The transport; the platform's `fetch` where left out. */
  readonly fetch?: Fetch;
  /** Milliseconds for which what memory holds of a record is believed; 30 s. An end declared elsewhere is noticed within it. */
  readonly freshness?: number;
  /** Connections kept in memory, at most; 10,000. */
  readonly cacheSize?: number;
  /** Takes work that goes on after an answer, on platforms that freeze otherwise. */
  readonly waitUntil?: (work: Promise<unknown>) => void;
  /** `"none"`: nothing runs ahead of need; a call that needs a renewal waits for it. */
  readonly background?: "none";
  /** Maintenance renews every connection's access token ahead of its end, so that no user's call ever waits for it. */
  readonly keepFresh?: boolean;
  /**
   * Hosts of providers that may be private: addresses, and names of a local network. Others are refused, whether configuration
   * or a metadata document names them; where a public name leads, `publicFetch` of `@linkwright/egress` looks at as `fetch`.
   */
  readonly privateHosts?: readonly string[];
  /**
   * Registrations at which an account belongs to one owner alone: whoever connects it second gets `flow`, reason `account`, until
   * the first has disconnected. The provider must say whose account it is. Counts for what is connected from then on.
   */
  readonly oneOwnerPerAccount?: readonly (keyof Providers & string)[];
  /** Lengths of the renewal protocol, in milliseconds. For tests; the defaults suit every provider known. */
  readonly timing?: Partial<Timing>;
  readonly [allowInsecureLoopback]?: boolean;
} & (
  | { readonly store: Store & { readonly reach: "host" | "cluster" }; readonly concurrency?: undefined }
  /** `"one-process"`: no other process uses these grants. A store that cannot be shared needs that said. */
  | { readonly store: Store; readonly concurrency: "one-process" }
);

/** The object that an application holds: everything about its users' connections. */
export interface Connector<Providers extends Readonly<Record<string, AnyProvider>>> {
  /** One typed handle per registration. */
  readonly providers: { readonly [Name in keyof Providers]: ProviderHandle<Providers[Name]> };
  /** Checks what construction could not: that the store gives back what is written, and the newest key is there and seals. */
  ready(): Promise<void>;
  /**
   * Finishes a user's authorization from the callback: the request, or the URL that the browser was sent to. The provider is
   * known from the flow.
   *
   * @throws {ConnectorError} `flow`, `cancelled`, `permission`, `gone`, `retry`, `configuration`, `protocol` or `store`.
   */
  complete(callback: Request | URL | string, options: { readonly session: string }): Promise<Connection>;
  /**
   * One connection again, by id and owner.
   *
   * @throws {ConnectorError} `gone` where there is none, or it is another owner's.
   */
  connection(id: string, options: { readonly owner: string }): Promise<Connection>;
  /** All connections of one owner, as far as their registrations are configured here. */
  connections(options: { readonly owner: string }): AsyncIterableIterator<Connection>;
  /**
   * Ends a connection because of what was learned elsewhere. Its token is not handed out again; nothing is revoked, and a
   * disconnect that failed before is not tried any more.
   */
  markEnded(id: string, options: { readonly owner: string; readonly reason?: ReauthorizeReason }): Promise<void>;
  /** One sweep over what is due: grants kept alive, consents about to end announced, leftovers removed. */
  maintain(options?: MaintainOptions): Promise<Report>;
  /** Sweeps by a timer that keeps no process alive. @returns Stops it; `close` does, too. */
  scheduleMaintenance(options?: ScheduleOptions): () => Promise<void>;
  /** Seals with the newest key what older ones sealed, so that they can be taken out of the ring. */
  reseal(options?: ResealOptions): Promise<ResealReport>;
  /** A connection's tokens, for moving to another system; `import` takes them so. Whoever has them has the user's account. */
  dangerouslyExportGrant(id: string, options: { readonly owner: string }): Promise<ExportedGrant>;
  /** Tells `listener` of every event of that name in this process, after it was written. @returns Stops telling it. */
  on<Name extends EventName>(name: Name, listener: (event: ConnectorEvents[Name]) => unknown): () => void;
  /** Stops sweeping, waits for renewals and saves under way, and closes the store. Let requests end first: later ones fail. */
  close(): Promise<void>;
}

/**
 * Puts providers, a store and keys together. Does no I/O.
 *
 * @throws {ConnectorError} `configuration`: the message names the option and the remedy.
 *
 * @example
 * ```ts
 * const connector = createConnector({
 *   providers: { bank: bank({ clientId, clientSecret, redirectUri }) },
 *   store: sqliteStore("linkwright.db"),
 *   keys: keyring([{ id: "2026-11", key }]),
 * });
 * await connector.ready();
 * ```
 */
export function createConnector<const Providers extends Readonly<Record<string, AnyProvider>>>(
  options: ConnectorOptions<Providers>,
): Connector<Providers> {
  checkOptions(options);
  const {
    clock = systemClock,
    store,
    keys,
    keepFresh = false,
    freshness = 30_000,
    cacheSize = 10_000,
    waitUntil,
  } = options;
  const fetch: Fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init));
  const timing: Timing = { ...defaultTiming, ...options.timing };
  const insecureLoopback = options[allowInsecureLoopback] === true;
  const hosts = { insecureLoopback, privateHosts: hostSet(options.privateHosts) };
  const registrations = new Map<string, Registration>();
  for (const [name, provider] of Object.entries(options.providers))
    registrations.set(name, createRegistration(name, provider, { fetch, clock, hosts }));
  checkRedirectUris(registrations);
  checkOneOwnerPerAccount(options.oneOwnerPerAccount, registrations);
  const events = createEvents();
  const working = new Set<Promise<unknown>>();
  const schedules = new Set<() => Promise<void>>();
  const indexOf = (row: Row): Index => {
    const policy =
      row.kind === "application" ? applicationPolicy : registrations.get(row.registration)?.connectionPolicy;
    const due = policy && dueAt(row, policy, timing, keepFresh);
    return {
      owner: row.owner,
      registration: row.registration,
      refs: row.refs,
      ...(due !== undefined && { dueAt: due }),
    };
  };
  const runtime: Runtime = {
    clock,
    timing,
    fetch,
    insecureLoopback,
    freshness,
    store,
    seal: keys.seal,
    rows: createRows(store, keys.seal, clock, indexOf),
    cache: createTokenCache(cacheSize),
    gates: createGates(clock),
    incidents: createIncidents(events),
    events,
    registrations,
    oneOwnerPerAccount: new Set(options.oneOwnerPerAccount),
    ahead: options.background !== "none",
    keepFresh,
    background(work) {
      const settled = work.catch(() => {}).finally(() => working.delete(settled));
      working.add(settled);
      tell(waitUntil, settled);
    },
    warn: (registration, message, details) =>
      events.emit("protocol.warning", {
        registration: registration.name,
        provider: registration.provider.id,
        ...details,
        message,
      }),
  };
  const renewal = createRenewal(runtime);
  const handle = (row: Pick<Row, "id" | "owner" | "registration">): Connection => {
    const registration = registrations.get(row.registration);
    if (!registration)
      throw misconfigured(
        `Connection ${row.id} belongs to the registration "${row.registration}", which is not configured here; give its provider under that name in providers`,
        { connection: row.id },
      );
    return createConnection(runtime, renewal, registration, row);
  };
  const owned = async (id: string, owner: string) => {
    const stored = await runtime.rows.read(connectionKey(id));
    // Another owner's connection is no more to be seen than one that never was.
    if (stored?.row.kind === "connection" && stored.row.owner === owner) return stored;
    throw new ConnectorError({ kind: "gone", reason: "unknown" }, "There is no such connection of this owner.", {
      connection: id,
    });
  };

  return {
    providers: Object.fromEntries(
      [...registrations].map(([name, registration]) => [name, handleOf(runtime, renewal, registration)]),
    ) as unknown as Connector<Providers>["providers"],
    async ready() {
      await keys.seal.check();
      const key = `probe:${random(8)}`;
      const version = await storeCall(clock, "writing of a probe", () =>
        store.write(key, "probe", { ifVersion: "absent" }),
      );
      const found = await storeCall(clock, "reading of a probe", () => store.read(key));
      if (version === "conflict" || found?.value !== "probe" || found.version !== version)
        throw new ConnectorError(
          { kind: "store" },
          "The store does not give back what was written to it. Check what it is connected to.",
        );
      await storeCall(clock, "removing of a probe", () => store.remove(key, { ifVersion: version }));
    },
    async complete(callback, { session }) {
      return handle(await completeFlow(runtime, renewal, await readCallback(callback), session));
    },
    connection: async (id, { owner }) => handle((await owned(id, owner)).row),
    async *connections({ owner }) {
      if (typeof owner !== "string" || owner === "")
        throw misconfigured("connections: owner is missing; without one, every owner's connections would be listed");
      let cursor: string | undefined;
      do {
        const query = { prefix: "connection:", owner, limit: 100, ...(cursor !== undefined && { cursor }) };
        const page = await storeCall(clock, "listing of connections", () => store.list(query));
        for (const item of page.items) {
          const { row } = runtime.rows.parse(item);
          if (registrations.has(row.registration)) yield handle(row);
        }
        cursor = page.cursor;
      } while (cursor !== undefined);
    },
    async markEnded(id, { owner, reason = "consent_ended" }) {
      await endConnection(runtime, await owned(id, owner), reason, true);
    },
    maintain: (maintainOptions) => maintain(runtime, renewal, maintainOptions),
    scheduleMaintenance(scheduleOptions) {
      const stop = scheduleMaintenance(clock, (each) => maintain(runtime, renewal, each), scheduleOptions);
      schedules.add(stop);
      return stop;
    },
    reseal: (resealOptions) => reseal(runtime, resealOptions),
    dangerouslyExportGrant: async (id, { owner }) => exportGrant(runtime, await owned(id, owner)),
    on: events.on,
    async close() {
      await Promise.all([...schedules].map((stop) => stop()));
      await Promise.all(working);
      await renewal.drain();
      await store.close();
    },
  };
}
