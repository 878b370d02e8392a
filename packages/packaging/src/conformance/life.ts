import {
  allowInsecureLoopback,
  type Connection,
  clientSecretBasic,
  createConnector,
  days,
  defineProvider,
  isConnectorError,
  type KeyringEntry,
  keyring,
  memoryStore,
  type Store,
} from "@linkwright/core";
import { check } from "./checks.ts";
import { redirectUri, type World } from "./neighbour.ts";

export const owner = "user_42";
export const session = "an-unguessable-session-value";

/** The kind of fault that work ends in, and its reason. */
export async function faultOf(work: Promise<unknown>): Promise<readonly unknown[]> {
  const error = await work.then(
    () => new Error("it ended well"),
    (reason: unknown) => reason,
  );
  if (!isConnectorError(error)) throw error;
  return [error.fault.kind, ...("reason" in error.fault ? [error.fault.reason] : [])];
}

const key = (id: string, byte: number): KeyringEntry => ({ id, key: new Uint8Array(32).fill(byte) });

function open({ standard, clock }: World, store: Store, keys: readonly KeyringEntry[]) {
  const bank = defineProvider({
    id: "bank",
    server: standard,
    client: { id: "client", authentication: clientSecretBasic("secret") },
    grants: {
      authorizationCode: { redirectUri, pkce: "S256", scope: ["read"] },
      refreshToken: { rotation: "rotating", idleTimeout: days(30) },
    },
    api: { base: standard.issuer },
  });
  return createConnector({
    providers: { bank },
    store,
    concurrency: "one-process",
    keys: keyring(keys),
    clock,
    freshness: 0,
    [allowInsecureLoopback]: true,
  });
}

/** A connection's life at a standard server that rotates: from the first click to the end, by core alone. */
export async function life(world: World): Promise<void> {
  const store = memoryStore({ clock: world.clock });
  const old = key("2026-10", 1);
  const renewals = () => world.ask<number>("count", { server: "standard", path: "/token", grantType: "refresh_token" });
  const first = open(world, store, [old]);
  await first.ready();

  const flow = await first.providers.bank.connect({ owner, session });
  const { origin, searchParams } = new URL(flow.url);
  check(
    "the browser is sent to the server, with PKCE",
    [origin, searchParams.get("code_challenge_method")],
    [world.standard.issuer, "S256"],
  );
  const callback = await world.consent("standard", flow.url);
  const foreign = first.complete(callback, { session: "the-session-of-another-browser" });
  check("the callback of another browser is refused", await faultOf(foreign), ["flow", "wrong_browser"]);
  const connection: Connection = await first.complete(new Request(callback), { session });
  check("the connection is healthy", (await connection.status()).health, "healthy");
  const me = await connection.fetch("/api/me");
  check("its token is attached", [me.status, ((await me.json()) as { sub: string }).sub], [200, "user-1"]);

  const token = await connection.accessToken();
  await world.advance(301_000);
  const tokens = await Promise.all(Array.from({ length: 20 }, () => connection.accessToken()));
  check(
    "twenty callers cause one renewal",
    [await renewals(), new Set(tokens).size, tokens.includes(token)],
    [1, 1, false],
  );

  const second = open(world, store, [key("2026-11", 2), old]);
  const again = await second.connection(connection.id, { owner });
  check("another connector uses the same token", [await again.accessToken(), await renewals()], [tokens[0], 1]);
  const rows = JSON.stringify(await store.list({ prefix: "connection:", limit: 10 }));
  check(
    "no token stands in the store",
    [token, ...tokens].some((each) => rows.includes(each)),
    false,
  );
  check("what an older key sealed is sealed by the newer", (await second.reseal()).resealed, 1);
  const third = open(world, store, [key("2026-11", 2)]);
  const opened = await (await third.connection(connection.id, { owner })).accessToken();
  check("and the older is not needed any more", opened, tokens[0]);
  check("nor does it open anything", await faultOf(reread(world, store, old, connection.id)), ["store"]);

  await world.ask("revokeAccessTokens");
  check("a token that the API refuses is renewed", [(await again.fetch("/api/me")).status, await renewals()], [200, 2]);
  const aborted = again.accessToken({ signal: AbortSignal.abort() });
  check("a caller can give up", await faultOf(aborted), ["aborted"]);

  await world.advance(25 * 86_400_000);
  const { outcomes, complete } = await second.maintain();
  check("maintenance keeps alive what nobody uses", [outcomes.renewed, complete, await renewals()], [1, true, 3]);
  await world.advance(25 * 86_400_000);
  check("so that it is there after the idle timeout", (await again.fetch("/api/me")).status, 200);
  check("no refresh token was presented twice", await world.ask("reuses"), 0);

  check("disconnecting revokes", await again.disconnect(), {
    disconnected: true,
    revocations: [
      { what: "refresh_token", result: "revoked" },
      { what: "access_token", result: "revoked" },
    ],
  });
  check("and forgets", await faultOf(second.connection(connection.id, { owner })), ["gone", "unknown"]);

  const refused = await second.providers.bank.connect({ owner, session });
  const denied = await world.consent("standard", refused.url, "deny");
  check("a user may say no", await faultOf(second.complete(denied, { session })), ["cancelled"]);
  const lost = await second.providers.bank.connect({ owner, session });
  const ended = await second.complete(await world.consent("standard", lost.url), { session });
  await world.ask("revokeGrants");
  await world.advance(301_000);
  check("a grant that the server ended has to be given again", await faultOf(ended.accessToken()), [
    "reauthorize",
    "revoked",
  ]);
  await Promise.all([first.close(), second.close(), third.close()]);
}

async function reread(world: World, store: Store, only: KeyringEntry, id: string): Promise<void> {
  const connector = open(world, store, [only]);
  await (await connector.connection(id, { owner })).accessToken();
}
