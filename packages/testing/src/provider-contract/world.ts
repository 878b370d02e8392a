import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import {
  type AnyProvider,
  type Application,
  allowInsecureLoopback,
  type Connection,
  type Connector,
  type ConnectorError,
  createConnector,
  type EventName,
  type Flow,
  type GrantImport,
  isConnectorError,
  keyring,
  memoryStore,
  revealSecret,
  type Store,
} from "@linkwright/core";
import { type VirtualClock, virtualClock } from "../clock.ts";
import type { ConsentDecision } from "../consent.ts";
import { type Shape, shapeOf } from "../provider/shape.ts";
import type { ProviderHarness, ProviderServer } from "./harness.ts";
import { membersOf, type Sent, sentOf } from "./sent.ts";

export const owner = "owner-of-the-contract";
export const session = "browser-session-of-the-contract";
export const second = 1000;
export const minute = 60 * second;
export const day = 1440 * minute;

/** What a registration's handle may have, whatever its types. */
export interface Handle {
  connect(request: Readonly<Record<string, unknown>>): Promise<Flow>;
  import(grant: GrantImport): Promise<Connection>;
  app(): Application;
  webhook(request: Request): Promise<{ readonly duplicate: boolean }>;
}

/** What one case works with: a server, and a connector with the adapter, by one clock that stands still. */
export interface World {
  readonly harness: ProviderHarness;
  readonly provider: AnyProvider;
  readonly shape: Shape;
  readonly server: ProviderServer;
  readonly clock: VirtualClock;
  readonly connector: Connector<{ readonly subject: AnyProvider }>;
  readonly handle: Handle;
  readonly store: Store;
  /** Everything that the connector sent. */
  readonly sent: readonly Sent[];
  /** Everything that it told of. */
  readonly events: readonly unknown[];
  tokenRequests(): readonly Sent[];
  apiRequests(): readonly Sent[];
  /** A connector like this one, on the same store, with another adapter in this one's place. */
  connectorWith(provider: AnyProvider): Connector<{ readonly subject: AnyProvider }>;
  begin(request?: Readonly<Record<string, unknown>>): Promise<Flow>;
  /** The user agrees, or decides otherwise. @returns The callback. */
  decide(flow: Flow, decision?: ConsentDecision): Promise<string>;
  complete(callback: string): Promise<Connection>;
  connect(request?: Readonly<Record<string, unknown>>, decision?: ConsentDecision): Promise<Connection>;
  /** The same, with another connector on the same store. */
  connectBy(connector: World["connector"]): Promise<Connection>;
  /** Lets a connection's access token, or the application's, run out. */
  expire(connection?: Connection): Promise<void>;
  /** The error that work ends in; it must be one that an application can branch on. */
  failure(what: string, work: Promise<unknown>): Promise<ConnectorError>;
  /** Whatever must not be seen outside: of the client, of flows, of the connection. */
  secrets(connection?: Connection, callback?: string): Promise<Readonly<Record<string, string>>>;
  close(): Promise<void>;
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

/** How long the platform's transport waits for an answer, in the time of the case: as Node's own does. */
const transportPatience = 300 * second;

/** Longer than the connector holds an attempt back after a failure. */
export const afterwards = 15 * minute;

export async function openWorld(harness: ProviderHarness): Promise<World> {
  const clock = virtualClock();
  const server = await harness.server(clock);
  const { origin, otherOrigin = origin } = server;
  const provider =
    typeof harness.provider === "function" ? harness.provider({ origin, otherOrigin }) : harness.provider;
  const store = memoryStore({ clock });
  const sent: Sent[] = [];
  const events: unknown[] = [];
  const connectors: { close(): Promise<void> }[] = [];
  const transport = server.fetch ?? ((input: string, init?: RequestInit) => fetch(input, init));
  const keys = keyring([{ id: "contract", key: randomBytes(32) }]);

  function connectorWith(subject: AnyProvider): World["connector"] {
    const connector = createConnector({
      providers: { subject },
      store,
      concurrency: "one-process",
      keys,
      clock,
      async fetch(input, init) {
        sent.push(sentOf(input, init));
        const late = new AbortController();
        const stop = clock.after(transportPatience, () => late.abort(new TypeError("fetch failed: no answer")));
        const signal = init?.signal ? AbortSignal.any([init.signal, late.signal]) : late.signal;
        return transport(input, { ...init, signal }).finally(stop);
      },
      [allowInsecureLoopback]: true,
    });
    for (const name of eventNames) connector.on(name, (event) => events.push({ name, ...event }));
    connectors.push(connector);
    return connector;
  }

  try {
    const shape = shapeOf(provider);
    const connector = connectorWith(provider);
    const handle = connector.providers.subject as unknown as Handle;
    const tokenPlaces = new Set(shape.tokenEndpoints);

    const begin: World["begin"] = (request) =>
      handle.connect({
        owner,
        session,
        ...(harness.scope && { scope: harness.scope }),
        ...harness.connect,
        ...request,
      });
    const decide: World["decide"] = (flow, decision) => {
      if (!server.consent) throw new Error("The server has no consent(url): nobody can act for the user.");
      return server.consent(flow.url, decision);
    };
    const complete: World["complete"] = (callback) => connector.complete(callback, { session });
    async function establish(
      by: World["connector"],
      request?: Readonly<Record<string, unknown>>,
      decision?: ConsentDecision,
    ): Promise<Connection> {
      if (harness.establish) return harness.establish(by.providers.subject as never, { owner, server });
      return by.complete(await decide(await begin(request), decision), { session });
    }

    return {
      harness,
      provider,
      shape,
      server,
      clock,
      connector,
      handle,
      store,
      sent,
      events,
      tokenRequests: () =>
        sent.filter(({ method, url }) => method === "POST" && tokenPlaces.has(url.origin + url.pathname)),
      apiRequests: () =>
        sent.filter(({ url }) => shape.apiOrigins.includes(url.origin) && !tokenPlaces.has(url.origin + url.pathname)),
      connectorWith,
      begin,
      decide,
      complete,
      connect: async (request, decision) => establish(connector, request, decision),
      connectBy: (other) => establish(other),
      async expire(connection) {
        const expiresAt = connection && (await connection.status()).accessTokenExpiresAt;
        const lifetime = provider.accessToken?.lifetime ?? 86_400;
        await clock.advance(expiresAt === undefined ? lifetime * second + second : expiresAt - clock.now() + second);
      },
      async failure(what, work) {
        const error = await work.then(
          () => assert.fail(`${what} ended well, and should not have`),
          (reason: unknown) => reason,
        );
        if (isConnectorError(error)) return error;
        throw new Error(`${what} threw ${describe(error)}, which no application can branch on`);
      },
      async secrets(connection, callback) {
        const found: Record<string, string> = {};
        const { secret } = provider.client.authentication;
        if (secret) found["client secret"] = await revealSecret(secret);
        const { staticToken } = provider.grants;
        if (staticToken) found["API key"] = await revealSecret(staticToken.token);
        const code = callback === undefined ? undefined : new URL(callback).searchParams.get("code");
        if (code) found.code = code;
        for (const request of sent)
          for (const [name, value] of membersOf(request)) if (name === "code_verifier") found.code_verifier = value;
        if (!connection) return found;
        const grant = await connector.dangerouslyExportGrant(connection.id, { owner });
        if (grant.accessToken) found["access token"] = grant.accessToken.reveal();
        if (grant.refreshToken) found["refresh token"] = grant.refreshToken.reveal();
        return found;
      },
      async close() {
        server.faults.clear();
        // What the case leaves under way waits for an answer, or for time, and gets either.
        await server.close();
        await passing(clock, Promise.allSettled(connectors.map((each) => each.close())), 30 * minute);
      },
    };
  } catch (error) {
    await server.close();
    throw error;
  }
}

/** A short name of what was thrown. */
export function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message.slice(0, 300)}` : String(error);
}

/** Lets the case's time pass until work has ended. @throws Where it waits on after `limit` milliseconds of it. */
export async function ends(world: World, what: string, work: Promise<unknown>, limit = 30 * minute): Promise<void> {
  const over = await passing(world.clock, work, limit);
  assert.ok(over, `${what} was still waiting after ${limit / minute} minutes without an answer`);
}

/** Lets time pass until work has ended, `limit` milliseconds at most; whether it has. */
async function passing(clock: VirtualClock, work: Promise<unknown>, limit: number): Promise<boolean> {
  let over = false;
  const end = () => {
    over = true;
  };
  const done = work.then(end, end);
  for (let passed = 0; ; passed += 5 * second) {
    await Promise.race([done, new Promise((resolve) => setTimeout(resolve, 3))]);
    if (over || passed >= limit) return over;
    await clock.advance(5 * second);
  }
}
