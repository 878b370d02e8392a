import { allowInsecureLoopback, createConnector, keyring, type ResealReport } from "@linkwright/core";
import { decodeProtectedHeader } from "jose";
import { expect, test } from "vitest";
import { bank, faultOf, house, key } from "./support/house.ts";

/** Sealing anew, and bringing grants in and out: guarantees H. */

const newKey = new Uint8Array(32).fill(9);
const oldRing = [{ id: "test", key }];
const bothRing = [{ id: "new", key: newKey }, ...oldRing];

type House = Awaited<ReturnType<typeof house>>;

function withKeys(h: House, ring: Parameters<typeof keyring>[0]) {
  return createConnector({
    providers: { bank: bank(h.server) },
    store: h.store,
    concurrency: "one-process",
    keys: keyring(ring),
    clock: h.clock,
    [allowInsecureLoopback]: true,
  });
}

async function kids(h: House): Promise<(string | undefined)[]> {
  const { items } = await h.store.list({ prefix: "connection:", limit: 1000 });
  return items.map(({ value }) => decodeProtectedHeader(JSON.parse(value).grant).kid);
}

test("G71 resealing moves every grant to the newest key, and the old one can go", async () => {
  await using h = await house();
  const connections = await Promise.all(Array.from({ length: 130 }, (_, index) => h.link(`user_${index}`)));
  await h.connector.providers.bank.app().accessToken();
  const first = connections[0];
  const token = await first?.accessToken();
  const both = withKeys(h, bothRing);
  const progress: ResealReport[] = [];
  const report = await both.reseal({ onProgress: (each) => progress.push(each) });
  expect(report).toEqual({ resealed: 131, current: 0, elsewhere: 0, failed: [] });
  expect(progress.at(-1)).toEqual(report);
  expect(progress.length).toBeGreaterThan(2);
  expect(new Set(await kids(h))).toEqual(new Set(["new"]));
  const alone = withKeys(h, [{ id: "new", key: newKey }]);
  expect(await (await alone.connection(first?.id ?? "", { owner: "user_0" })).accessToken()).toBe(token);
  expect(await both.reseal()).toEqual({ resealed: 0, current: 131, elsewhere: 0, failed: [] });
});

test("G71 a sweep that was stopped goes on where it was, and what was done is passed over", async () => {
  await using h = await house();
  await Promise.all(Array.from({ length: 250 }, (_, index) => h.link(`user_${index}`)));
  const both = withKeys(h, bothRing);
  const stopping = new AbortController();
  const stopped = await both.reseal({
    signal: stopping.signal,
    onProgress: ({ resealed }) => resealed > 0 && stopping.abort(),
  });
  expect(stopped.resealed).toBe(100);
  const rest = await both.reseal({ ...(stopped.cursor !== undefined && { cursor: stopped.cursor }) });
  expect(rest).toEqual({ resealed: 150, current: 0, elsewhere: 0, failed: [] });
  expect(await both.reseal()).toEqual({ resealed: 0, current: 250, elsewhere: 0, failed: [] });
});

test("G71 renewals go on meanwhile, and nothing is lost", async () => {
  await using h = await house();
  const connections = await Promise.all(Array.from({ length: 40 }, (_, index) => h.link(`user_${index}`)));
  await h.clock.advance(301_000);
  const both = withKeys(h, bothRing);
  const renewed = await Promise.all(connections.map(({ id, owner }) => both.connection(id, { owner })));
  const [report] = await Promise.all([both.reseal(), ...renewed.map((connection) => connection.accessToken())]);
  expect(report.failed).toEqual([]);
  expect(h.tokenRequests()).toBe(40);
  await both.reseal();
  expect(new Set(await kids(h))).toEqual(new Set(["new"]));
  await h.clock.advance(301_000);
  await Promise.all(renewed.map((connection) => connection.accessToken()));
  expect(h.server.counters.reuses).toBe(0);
});

test("G71 a record whose key is missing is told and left, and putting the key back heals", async () => {
  await using h = await house();
  const connection = await h.link();
  const before = await h.store.read(`connection:${connection.id}`);
  const without = withKeys(h, [{ id: "new", key: newKey }]);
  const report = await without.reseal();
  expect(report).toMatchObject({
    resealed: 0,
    current: 0,
    elsewhere: 0,
    failed: [{ record: `connection:${connection.id}` }],
  });
  expect(report.failed[0]?.message).toContain('"test"');
  expect(await h.store.read(`connection:${connection.id}`)).toEqual(before);
  expect((await withKeys(h, bothRing).reseal()).resealed).toBe(1);
});

test("a grant is brought in from another system, and renewed like any other", async () => {
  await using h = await house();
  const { refresh_token } = h.server.issue({ subject: "user-2" });
  const connection = await h.connector.providers.bank.import({
    owner: "user_9",
    refreshToken: String(refresh_token),
    account: "user-2",
    scope: ["read"],
  });
  expect(await connection.status()).toMatchObject({
    health: "healthy",
    account: "user-2",
    scope: { granted: ["read"] },
  });
  expect(await (await connection.fetch("/api/me")).json()).toMatchObject({ sub: "user-2" });
  expect(h.tokenRequests()).toBe(1);
  const listed: string[] = [];
  for await (const { id } of h.connector.connections({ owner: "user_9" })) listed.push(id);
  expect(listed).toEqual([connection.id]);
});

test("an access token alone serves until it ends", async () => {
  await using h = await house();
  const { access_token } = h.server.issue();
  const connection = await h.connector.providers.bank.import({
    owner: "user_9",
    accessToken: String(access_token),
    expiresAt: h.clock.now() + 300_000,
  });
  expect(await connection.accessToken()).toBe(access_token);
  await h.clock.advance(301_000);
  expect(await faultOf(connection.accessToken())).toMatchObject({ kind: "reauthorize", reason: "expired" });
});

test.for([
  ["no owner", { owner: "", refreshToken: "r" }, "owner"],
  ["no token", { owner: "o" }, "neither"],
  ["an empty token", { owner: "o", refreshToken: "" }, "refreshToken"],
  ["seconds for milliseconds", { owner: "o", accessToken: "a", expiresAt: 1_768_442_884 }, "expiresAt"],
  ["no number", { owner: "o", accessToken: "a", expiresAt: Number.NaN }, "expiresAt"],
  ["a text for scope", { owner: "o", accessToken: "a", scope: "read" as unknown as string[] }, "scope"],
] as const)("an import with %s is refused by name", async ([, grant, name]) => {
  await using h = await house();
  const fault = await faultOf(h.connector.providers.bank.import(grant));
  expect(fault.kind).toBe("configuration");
  expect(fault.message).toContain(name);
});

test("G29 G70 a grant is taken out by a loud call alone, as secrets, and by its owner", async () => {
  await using h = await house();
  const connection = await h.link();
  const grant = await h.connector.dangerouslyExportGrant(connection.id, { owner: "user_1" });
  expect(JSON.stringify(grant)).not.toContain(grant.refreshToken?.reveal());
  expect(grant).toMatchObject({ registration: "bank", owner: "user_1", scope: ["read"] });
  expect(grant.accessToken?.reveal()).toBe(await connection.accessToken());
  await using elsewhere = await house();
  expect(await faultOf(h.connector.dangerouslyExportGrant(connection.id, { owner: "user_2" }))).toMatchObject({
    kind: "gone",
  });
  const moved = await elsewhere.connector.providers.bank.import(grant);
  expect(await elsewhere.connector.dangerouslyExportGrant(moved.id, { owner: "user_1" })).toEqual(grant);
});

test("G59 G71 connecting again replaces a grant that cannot be opened any more", async () => {
  await using h = await house({ bank: { connect: { granted: () => ({ account: "a" }) } } });
  const connection = await h.link();
  const without = createConnector({
    providers: { bank: bank(h.server, { connect: { granted: () => ({ account: "a" }) } }) },
    store: h.store,
    concurrency: "one-process",
    keys: keyring([{ id: "new", key: newKey }]),
    clock: h.clock,
    [allowInsecureLoopback]: true,
  });
  const session = "an-unguessable-session-value";
  const flow = await without.providers.bank.connect({ owner: "user_1", session, connection: connection.id });
  const again = await without.complete(await h.server.consent(flow.url), { session });
  expect(again.id).toBe(connection.id);
  expect((await again.fetch("/api/me")).status).toBe(200);
});

test("G71 G57 rows of another application on the same store are counted, and stay due", async () => {
  const day = 86_400_000;
  const refreshToken = { rotation: "fixed" as const, idleTimeout: 30 * 86_400 };
  await using h = await house({
    bank: { grants: { refreshToken } },
    server: { refresh: { kind: "fixed", idleTimeout: 30 * day } },
  });
  const connection = await h.link();
  const { store, clock } = h;
  const due = () => store.due(clock.now() + 30 * day, { limit: 10 });
  const before = await due();
  const other = createConnector({
    providers: { other: bank(h.server) },
    store,
    concurrency: "one-process",
    keys: keyring(bothRing),
    clock,
    [allowInsecureLoopback]: true,
  });
  expect(await other.reseal()).toEqual({ resealed: 0, current: 0, elsewhere: 1, failed: [] });
  expect((await due()).items).toEqual(before.items);
  await clock.advance(26 * day);
  expect((await h.connector.maintain()).outcomes).toMatchObject({ renewed: 1 });
  expect((await connection.status()).health).toBe("healthy");
});

test("G71 a connection whose key is lost, and whose disconnect failed for that, can be given up and connected again", async () => {
  await using h = await house();
  const { id } = await h.link();
  const own = withKeys(h, [{ id: "new", key: newKey }]);
  const connection = await own.connection(id, { owner: "user_1" });
  expect(await faultOf(connection.disconnect())).toMatchObject({ kind: "store" });
  await own.markEnded(id, { owner: "user_1", reason: "revoked" });
  expect(await connection.status()).toMatchObject({ health: "ended", reason: "revoked" });
  const session = "an-unguessable-session-value";
  const flow = await own.providers.bank.connect({ owner: "user_1", session, connection: id });
  const again = await own.complete(await h.server.consent(flow.url), { session });
  expect(again.id).toBe(id);
  expect((await again.status()).health).toBe("healthy");
});
