import {
  allowInsecureLoopback,
  type Clock,
  type Connection,
  type ConnectorEvents,
  clientSecretBasic,
  createConnector,
  defineProvider,
  type EventName,
  type GrantsDefinition,
  keyring,
  memoryStore,
  type NoParameters,
  type ProviderDefinition,
  type Store,
  type Timing,
} from "@linkwright/core";
import {
  type AuthorizationServerOptions,
  type AuthorizationServerSimulator,
  simulateAuthorizationServer,
  type VirtualClock,
  virtualClock,
} from "@linkwright/testing";
import { quiet } from "../../../testing/test/support/ciphers.ts";

/** A standard provider, and an application with one registration of it: what most tests of core stand on. */

export const key = new Uint8Array(32).fill(7);
export const session = "an-unguessable-session-value";

type BankDefinition = ProviderDefinition<NoParameters, object, never, GrantsDefinition>;

/** The standard server as a plugin author would define it: data alone. */
export function bank(server: AuthorizationServerSimulator, changes: Partial<BankDefinition> = {}) {
  return defineProvider({
    id: "bank",
    server: server.endpoints,
    client: { id: "client", authentication: clientSecretBasic("secret") },
    api: { base: server.origin },
    accessToken: { type: "Bearer" },
    ...changes,
    grants: {
      clientCredentials: {},
      authorizationCode: { redirectUri: "https://app.example/callback", pkce: "S256", scope: ["read"] },
      refreshToken: { rotation: "rotating" },
      ...changes.grants,
    },
  });
}

export interface HouseOptions {
  readonly server?: AuthorizationServerOptions;
  readonly bank?: Partial<BankDefinition>;
  readonly store?: Store;
  readonly clock?: VirtualClock;
  /** The clock of the application, where it is not the server's. */
  readonly appClock?: Clock;
  readonly timing?: Partial<Timing>;
  readonly freshness?: number;
  readonly background?: "none";
  readonly keepFresh?: boolean;
  readonly waitUntil?: (work: Promise<unknown>) => void;
}

export async function house(options: HouseOptions = {}) {
  const clock = options.clock ?? virtualClock();
  const server = await simulateAuthorizationServer({ clock, accessTokenLifetime: 300, ...options.server });
  const store = options.store ?? memoryStore({ clock });
  const application = (more: Pick<HouseOptions, "appClock" | "store" | "freshness" | "background" | "bank"> = {}) =>
    createConnector({
      providers: { bank: bank(server, { ...options.bank, ...more.bank }) },
      store: more.store ?? store,
      concurrency: "one-process",
      keys: keyring([{ id: "test", key }]),
      clock: more.appClock ?? options.appClock ?? clock,
      ...(options.timing && { timing: options.timing }),
      ...((more.freshness ?? options.freshness) !== undefined && {
        freshness: more.freshness ?? options.freshness ?? 0,
      }),
      ...((more.background ?? options.background) && { background: "none" as const }),
      keepFresh: options.keepFresh ?? false,
      ...(options.waitUntil && { waitUntil: options.waitUntil }),
      [allowInsecureLoopback]: true,
    });
  const connector = application();
  const events: { name: EventName; event: ConnectorEvents[EventName] }[] = [];
  for (const name of eventNames) connector.on(name, (event) => events.push({ name, event }));
  return {
    clock,
    server,
    store,
    connector,
    application,
    events,
    told: (name: EventName) => events.filter((event) => event.name === name).length,
    /** A connection of `owner`, by the whole way through the server's consent page. */
    async link(owner = "user_1", from: ReturnType<typeof application> = connector): Promise<Connection> {
      const flow = await from.providers.bank.connect({ owner, session });
      return from.complete(await server.consent(flow.url), { session });
    },
    tokenRequests: (grantType = "refresh_token") => server.journal.count({ path: "/token", grantType }),
    async [Symbol.asyncDispose]() {
      await connector.close();
      await server.close();
    },
  };
}

const eventNames: readonly EventName[] = [
  "connection.connected",
  "connection.pending",
  "connection.renewed",
  "connection.renewal_failed",
  "connection.in_doubt",
  "connection.reauthorization_required",
  "connection.expiring",
  "connection.ended",
  "connection.disconnected",
  "client.rejected",
  "client.accepted",
  "protocol.warning",
  "store.failed",
];

/** The fault that `work` ends with; fails where it succeeds. */
export async function faultOf(work: Promise<unknown>) {
  try {
    await work;
  } catch (error) {
    const { fault, message, details } = error as import("@linkwright/core").ConnectorError;
    if (!fault) throw error;
    return { ...fault, message, details };
  }
  throw new Error("it succeeded");
}

/** The store as several machines would share it: what one process alone may take for granted does not hold. */
export const shared = (store: Store): Store => ({ ...store, reach: "cluster" });

/** A store whose methods can be made to fail, hang, or be watched. */
export function fallible(store: Store) {
  type Method = "read" | "write" | "remove" | "list" | "due";
  const failing = new Map<Method, number>();
  const hanging = new Map<Method, () => void>();
  const calls = { read: 0, write: 0, remove: 0, list: 0, due: 0 };
  const wrapped =
    <Arguments extends unknown[], Result>(method: Method, call: (...args: Arguments) => Promise<Result>) =>
    async (...args: Arguments): Promise<Result> => {
      calls[method]++;
      const hung = hanging.get(method);
      if (hung) {
        hung();
        return new Promise<never>(() => {});
      }
      const left = failing.get(method) ?? 0;
      if (left > 0) {
        failing.set(method, left - 1);
        throw new Error("the disk is on fire");
      }
      return call(...args);
    };
  return {
    calls,
    fail: (method: Method, times = Number.POSITIVE_INFINITY) => void failing.set(method, times),
    /** @returns Resolves when the first call hangs. */
    hang: (method: Method) => new Promise<void>((resolve) => void hanging.set(method, resolve)),
    heal() {
      failing.clear();
      hanging.clear();
    },
    store: {
      ...store,
      read: wrapped("read", store.read),
      write: wrapped("write", store.write),
      remove: wrapped("remove", store.remove),
      list: wrapped("list", store.list),
      due: wrapped("due", store.due),
    } satisfies Store,
  };
}

/** Lets everything that is ready to run do so, network on loopback included, without time passing. */
export const settled = (turns = 20): Promise<void> => quiet(turns);

/** Deadlines out of the way of tests in which virtual time runs ahead of the network. */
export const patient = { requestDeadline: 600_000, claimCap: 3_600_000 };

/** Lets virtual time pass until `work` is settled; what it waits for besides, it gets in real time. */
export async function passing<T>(clock: VirtualClock, work: Promise<T>, step = 250): Promise<T> {
  let over = false;
  const end = () => {
    over = true;
  };
  work.then(end, end);
  for (let steps = 0; !over && steps < 4000; steps++) {
    await clock.advance(step);
    // A little real time a step, since the network takes some.
    await new Promise((resolve) => setTimeout(resolve, 2));
    await quiet(1);
  }
  return work;
}
