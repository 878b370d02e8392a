import { type Connection, clientSecretBasic, memoryStore } from "@linkwright/core";
import { virtualClock } from "@linkwright/testing";
import { expect, test } from "vitest";
import { bank, fallible, faultOf, house, passing, patient, settled, shared } from "./support/house.ts";

/** Concurrent renewal: guarantees A. */

const expired = 301_000;

test("a user connects, the token serves, expires and is renewed", async () => {
  await using h = await house();
  const connection = await h.link();
  const first = await connection.accessToken();
  expect(await (await connection.fetch("/api/me")).json()).toMatchObject({ sub: "user-1", scope: "read" });
  await h.clock.advance(expired);
  const second = await connection.accessToken();
  expect(second).not.toBe(first);
  expect(await (await connection.fetch("/api/me")).json()).toMatchObject({ sub: "user-1" });
  expect(h.tokenRequests()).toBe(1);
  expect((await connection.status()).health).toBe("healthy");
});

test("G01 C26 1,000 callers that meet an expired token cause one request and share its result", async () => {
  await using h = await house();
  const connection = await h.link();
  const old = await connection.accessToken();
  await h.clock.advance(expired);
  const tokens = await Promise.all(Array.from({ length: 1000 }, () => connection.accessToken()));
  expect(new Set(tokens).size).toBe(1);
  expect(tokens[0]).not.toBe(old);
  expect(h.tokenRequests()).toBe(1);
  expect(h.server.counters.reuses).toBe(0);
});

test("G01 two writes and one read of the row a renewal, sealed or not", async () => {
  const clock = virtualClock();
  const watched = fallible(memoryStore({ clock }));
  await using h = await house({ clock, store: watched.store });
  const connection = await h.link();
  await connection.accessToken();
  await h.clock.advance(expired);
  const before = { ...watched.calls };
  await connection.accessToken();
  expect(watched.calls.read - before.read).toBe(1);
  expect(watched.calls.write - before.write).toBe(2);
});

test("G03 G13 whoever waited for a claim uses what the row then holds, and sends nothing", async () => {
  const clock = virtualClock();
  const store = shared(memoryStore({ clock }));
  await using h = await house({ clock, store });
  const a = await h.link();
  const b = await h.application().connection(a.id, { owner: "user_1" });
  await Promise.all([a.accessToken(), b.accessToken()]);
  await clock.advance(expired);
  const latch = h.server.faults.next("latch");
  const first = a.accessToken();
  await latch.arrived;
  const second = b.accessToken();
  await settled();
  latch.release();
  expect(await second).toBe(await first);
  expect(h.tokenRequests()).toBe(1);
});

test("G04 a claim is kept alive by its beat while the server is slow, and nobody else presents the token", async () => {
  const clock = virtualClock();
  const store = shared(memoryStore({ clock }));
  await using h = await house({ clock, store });
  const a = await h.link();
  const b = await h.application().connection(a.id, { owner: "user_1" });
  await clock.advance(expired);
  const latch = h.server.faults.next("latch");
  const first = a.accessToken();
  await latch.arrived;
  const second = b.accessToken();
  // Twice a claim's length, and still the claim stands.
  for (let step = 0; step < 24; step++) {
    await clock.advance(500);
    await settled(4);
  }
  expect(h.tokenRequests()).toBe(1);
  latch.release();
  expect(await second).toBe(await first);
  expect(h.server.counters.reuses).toBe(0);
});

test("G04 a holder that was paused before sending finds its claim lapsed and sends nothing", async () => {
  const clock = virtualClock();
  const store = shared(memoryStore({ clock }));
  let pause: Promise<void> | undefined;
  let paused = () => {};
  const arrived = new Promise<void>((resolve) => {
    paused = resolve;
  });
  let resume = () => {};
  await using h = await house({ clock, store });
  const a = await h.link();
  // The client's secret comes late: after half a claim's length without a beat that anybody could write.
  const failing = fallible(store);
  const slow = h.application({
    store: failing.store,
    bank: {
      client: {
        id: "client",
        authentication: {
          method: "client_secret_post",
          async apply(_as, client, body) {
            paused();
            await pause;
            body.set("client_id", client.client_id);
            body.set("client_secret", "secret");
          },
        },
      },
    },
  });
  const b = await slow.connection(a.id, { owner: "user_1" });
  await clock.advance(expired);
  pause = new Promise((resolve) => {
    resume = resolve;
  });
  const attempt = faultOf(b.accessToken());
  await arrived;
  failing.fail("write");
  await clock.advance(4_000);
  resume();
  expect(await attempt).toMatchObject({ kind: "retry" });
  expect(h.tokenRequests()).toBe(0);
});

test("G04 a claim counts from when its writing began: one that was acknowledged late sends nothing", async () => {
  const clock = virtualClock();
  const store = shared(memoryStore({ clock }));
  const failing = fallible(store);
  const written = Promise.withResolvers<void>();
  const acknowledged = Promise.withResolvers<void>();
  let late = false;
  await using h = await house({ clock, store });
  const a = await h.link();
  const slow: typeof store = {
    ...failing.store,
    async write(...parameters) {
      const version = await failing.store.write(...parameters);
      if (!late) return version;
      late = false;
      written.resolve();
      await acknowledged.promise;
      return version;
    },
  };
  const b = await h.application({ store: slow }).connection(a.id, { owner: "user_1" });
  await clock.advance(expired);
  late = true;
  const attempt = faultOf(b.accessToken());
  await written.promise;
  failing.fail("write");
  await clock.advance(4_000);
  acknowledged.resolve();
  expect(await attempt).toMatchObject({ kind: "retry" });
  expect(h.tokenRequests()).toBe(0);
});

test("G33 a connection whose token is valid is not marked, whatever else is asked of it that nothing can give", async () => {
  await using h = await house();
  const { providers } = h.connector;
  const connection = await providers.bank.import({
    owner: "user_1",
    accessToken: "at_own",
    expiresAt: h.clock.now() + 300_000,
  });
  expect(await faultOf(connection.accessToken({ scope: ["read"] }))).toMatchObject({
    kind: "permission",
    message: expect.stringContaining("without a refresh token"),
  });
  await h.clock.advance(270_000);
  expect(await faultOf(connection.accessToken({ minValidity: 60_000 }))).toMatchObject({ kind: "reauthorize" });
  expect(await connection.status()).toMatchObject({ health: "healthy" });
  expect(await connection.accessToken()).toBe("at_own");
  expect(h.told("connection.reauthorization_required")).toBe(0);
  await h.clock.advance(40_000);
  expect(await faultOf(connection.accessToken())).toMatchObject({ kind: "reauthorize", reason: "expired" });
  expect(h.told("connection.reauthorization_required")).toBe(1);
});

test("G05 the answer of a holder whose claim lapsed is kept, not dropped", async () => {
  const clock = virtualClock();
  const store = shared(memoryStore({ clock }));
  const frozen = fallible(store);
  await using h = await house({
    clock,
    store,
    timing: patient,
    bank: { grants: { refreshToken: { rotation: "rotating", reuseGrace: 60 } } },
    server: { refresh: { kind: "rotating", reuseGrace: 60_000 } },
  });
  const linked = await h.link();
  const a = await h.application({ store: frozen.store }).connection(linked.id, { owner: "user_1" });
  const b = await h.application().connection(linked.id, { owner: "user_1" });
  await clock.advance(expired);
  const latch = h.server.faults.next("latch", { handled: true });
  const late = a.accessToken();
  await latch.arrived;
  // A is frozen: not a beat, not a save. B sees the claim lapse and presents the token again.
  frozen.fail("write");
  const taken = b.accessToken();
  await passing(clock, h.server.journal.arrived({ grantType: "refresh_token" }, 2));
  const token = await taken;
  frozen.heal();
  latch.release();
  expect(await late).toBe(token);
  expect(h.tokenRequests()).toBe(2);
  expect((await linked.status()).health).toBe("healthy");
  await clock.advance(expired);
  await linked.accessToken();
  expect(h.server.counters.reuses).toBe(0);
});

test("G06 a refusal is believed only after the row was watched: a successor there is adopted", async () => {
  const clock = virtualClock();
  const store = shared(memoryStore({ clock }));
  await using h = await house({
    clock,
    store,
    timing: patient,
    server: { refresh: { kind: "rotating", reuseDetection: false } },
  });
  const a = await h.link();
  const b = await h.application().connection(a.id, { owner: "user_1" });
  await clock.advance(expired);
  // B's presentation is refused, as if another process had been first; that one's answer reaches the row soon after.
  h.server.faults.next("status", { status: 400, body: { error: "invalid_grant" } });
  const refused = b.accessToken();
  await expect.poll(() => h.tokenRequests()).toBe(1);
  await settled();
  const record = await store.read(`connection:${a.id}`);
  expect(JSON.parse(record?.value ?? "{}")).toMatchObject({ state: "active" });
  const raw = JSON.parse(record?.value ?? "{}");
  // The other process held the claim before B did, lost it, and commits now.
  const other = h.application({ store: { ...store, read: async (key) => strip(await store.read(key)) } });
  const won = await (await other.connection(a.id, { owner: "user_1" })).accessToken();
  expect(raw.generation).toBe(1);
  expect(await passing(clock, refused)).toBe(won);
  expect((await a.status()).health).toBe("healthy");
});

/** The row as a process with no regard for claims sees it. */
function strip<T extends { value: string } | undefined>(found: T): T {
  if (!found) return found;
  const { claim: _claim, ...row } = JSON.parse(found.value);
  return { ...found, value: JSON.stringify(row) };
}

test("G07 300 waiters in another process all return when the renewal ends", async () => {
  const clock = virtualClock();
  const store = shared(memoryStore({ clock }));
  await using h = await house({ clock, store });
  const a = await h.link();
  const b = await h.application().connection(a.id, { owner: "user_1" });
  await clock.advance(expired);
  const latch = h.server.faults.next("latch");
  const first = a.accessToken();
  await latch.arrived;
  const waiting = Array.from({ length: 300 }, () => b.accessToken());
  for (let step = 0; step < 6; step++) {
    await clock.advance(500);
    await settled(2);
  }
  latch.release();
  const token = await first;
  expect(new Set(await Promise.all(waiting))).toEqual(new Set([token]));
  expect(h.tokenRequests()).toBe(1);
});

test.for(["stall-headers", "stall-body"] as const)(
  "G08 a renewal that hangs (%s) ends at its deadline and leaves nothing stuck",
  async (fault) => {
    await using h = await house({
      bank: { grants: { refreshToken: { rotation: "fixed" } } },
      server: { refresh: "fixed" },
    });
    const connection = await h.link();
    await h.clock.advance(expired);
    const hanging = h.server.faults.always(fault);
    expect(await passing(h.clock, faultOf(connection.accessToken()), 1_000)).toMatchObject({ kind: "retry" });
    hanging.disarm();
    await h.clock.advance(2_000);
    expect(await connection.accessToken()).toMatch(/./);
    expect((await connection.status()).health).toBe("healthy");
  },
);

test("G08 a vault that does not give the client's secret holds nobody up, and is asked again", async () => {
  let stuck = false;
  const clientSecret = () => (stuck ? new Promise<never>(() => {}) : "secret");
  await using h = await house({ bank: { client: { id: "client", authentication: clientSecretBasic(clientSecret) } } });
  const connection = await h.link();
  await h.clock.advance(expired);
  stuck = true;
  const waiting = [faultOf(connection.accessToken()), faultOf(connection.accessToken())];
  for (const fault of await Promise.all(waiting.map((one) => passing(h.clock, one, 1_000))))
    expect(fault).toMatchObject({ kind: "retry", message: expect.stringContaining("not there within 15 s") });
  expect(h.tokenRequests()).toBe(0);
  stuck = false;
  await h.clock.advance(2_000);
  expect(await connection.accessToken()).toMatch(/./);
  expect(await connection.status()).toMatchObject({ health: "healthy", inDoubt: false });
  expect(h.tokenRequests()).toBe(1);
});

test("G08 G73 a vault that does not give the client's secret holds up no disconnect, and no sweep", async () => {
  let stuck = false;
  const clientSecret = () => (stuck ? new Promise<never>(() => {}) : "secret");
  await using h = await house({ bank: { client: { id: "client", authentication: clientSecretBasic(clientSecret) } } });
  const connection = await h.link();
  stuck = true;
  const failed = ["refresh_token", "access_token"].map((what) => ({ what, result: "failed" }));
  expect(await passing(h.clock, connection.disconnect(), 1_000)).toEqual({ disconnected: false, revocations: failed });
  await h.clock.advance(60_000);
  expect((await passing(h.clock, h.connector.maintain(), 1_000)).outcomes).toMatchObject({ failed: 1 });
  stuck = false;
  expect(await connection.disconnect()).toMatchObject({ disconnected: true });
  expect(h.server.journal.count({ path: "/revoke" })).toBe(2);
});

test("G08 a secret that comes after all of that is not sent any more", async () => {
  const vault = Promise.withResolvers<string>();
  let asked = 0;
  const clientSecret = () => (++asked === 2 ? vault.promise : "secret");
  await using h = await house({ bank: { client: { id: "client", authentication: clientSecretBasic(clientSecret) } } });
  const connection = await h.link();
  await h.clock.advance(expired);
  expect(await passing(h.clock, faultOf(connection.accessToken()), 1_000)).toMatchObject({ kind: "retry" });
  vault.resolve("secret");
  await settled();
  expect(h.tokenRequests()).toBe(0);
});

test.for(["read", "write"] as const)(
  "G08 a store that hangs at %s ends at its deadline as a store fault",
  async (method) => {
    const clock = virtualClock();
    const watched = fallible(memoryStore({ clock }));
    await using h = await house({ clock, store: watched.store });
    const connection = await h.link();
    await clock.advance(expired);
    const hung = watched.hang(method);
    const attempt = faultOf(connection.accessToken());
    await hung;
    await clock.advance(10_000);
    expect(await attempt).toMatchObject({ kind: "store" });
    watched.heal();
    expect(await connection.accessToken()).toMatch(/./);
  },
);

test("G09 a caller's abort detaches that caller alone", async () => {
  await using h = await house();
  const connection = await h.link();
  await h.clock.advance(expired);
  const latch = h.server.faults.next("latch");
  const controllers = Array.from({ length: 10 }, () => new AbortController());
  const calls = controllers.map(({ signal }) => connection.accessToken({ signal }));
  const outcomes = Promise.allSettled(calls);
  await latch.arrived;
  controllers[0]?.abort();
  expect(await faultOf(calls[0] as Promise<string>)).toMatchObject({ kind: "aborted" });
  for (const controller of controllers) controller.abort();
  await outcomes;
  latch.release();
  await h.clock.advance(0);
  const token = await connection.accessToken();
  expect(h.tokenRequests()).toBe(1);
  expect(await connection.accessToken()).toBe(token);
});

test("G09 a call that is aborted while it looks at the row beside a renewal does not wait for that", async () => {
  const clock = virtualClock();
  const watched = fallible(memoryStore({ clock }));
  await using h = await house({ clock, store: watched.store, keepFresh: true });
  const connection = await h.link();
  await clock.advance(expired);
  const latch = h.server.faults.next("latch");
  const sweeping = h.connector.maintain();
  await latch.arrived;
  const leaving = new AbortController();
  const { read } = watched.store;
  watched.store.read = async (key) => {
    leaving.abort();
    return read(key);
  };
  expect(await faultOf(connection.accessToken({ signal: leaving.signal }))).toMatchObject({ kind: "aborted" });
  latch.release();
  expect((await sweeping).outcomes).toMatchObject({ renewed: 1 });
});

test("G09 a call whose signal is aborted already asks for nothing", async () => {
  await using h = await house();
  const connection = await h.link();
  await h.clock.advance(expired);
  expect(await faultOf(connection.accessToken({ signal: AbortSignal.abort() }))).toMatchObject({ kind: "aborted" });
  expect(h.tokenRequests()).toBe(0);
});

test("G10 1,000 interleaved calls over 20 tuples: nobody gets another's token", async () => {
  await using h = await house();
  const connections: Connection[] = [];
  for (let index = 0; index < 10; index++) connections.push(await h.link(`user_${index}`));
  const apps = Array.from({ length: 10 }, (_, index) => h.connector.providers.bank.app({ scope: [`scope-${index}`] }));
  await h.clock.advance(expired);
  const subjects = [...connections, ...apps];
  const results = await Promise.all(
    Array.from({ length: 1000 }, async (_, call) => {
      const subject = (call * 7) % subjects.length;
      return { subject, token: await (subjects[subject] as Connection).accessToken() };
    }),
  );
  const owners = new Map<string, Set<number>>();
  for (const { subject, token } of results) owners.set(token, (owners.get(token) ?? new Set()).add(subject));
  expect(owners.size).toBe(20);
  expect([...owners.values()].every((set) => set.size === 1)).toBe(true);
  expect(h.tokenRequests()).toBe(10);
  expect(h.tokenRequests("client_credentials")).toBe(10);
});

test("G15 500 first calls for the application's token cause one request, shared through the store", async () => {
  await using h = await house();
  const app = h.connector.providers.bank.app();
  const tokens = await Promise.all(Array.from({ length: 500 }, () => app.accessToken()));
  const other = await h.application().providers.bank.app().accessToken();
  expect(new Set([...tokens, other]).size).toBe(1);
  expect(h.tokenRequests("client_credentials")).toBe(1);
});

test("G55 the application's token is asked for anew, never refreshed, also where a refresh token came with it", async () => {
  await using h = await house();
  h.server.faults.always("rewrite", {
    grantType: "client_credentials",
    rewrite: (answer) => ({ ...answer, refresh_token: "stray" }),
  });
  const app = h.connector.providers.bank.app();
  const tokens = new Set<string>();
  for (let lifetime = 0; lifetime < 3; lifetime++) {
    tokens.add(await app.accessToken());
    await h.clock.advance(expired);
  }
  expect(tokens.size).toBe(3);
  expect(h.tokenRequests("client_credentials")).toBe(3);
  expect(h.tokenRequests()).toBe(0);
});

test("G56 a token that is valid still is handed out at once while it is renewed ahead of time", async () => {
  await using h = await house();
  const connection = await h.link();
  const first = await connection.accessToken();
  await h.clock.advance(285_000);
  const latch = h.server.faults.next("latch");
  expect(await connection.accessToken()).toBe(first);
  await latch.arrived;
  for (let call = 0; call < 100; call++) expect(await connection.accessToken()).toBe(first);
  latch.release();
  await expect.poll(() => connection.accessToken()).not.toBe(first);
  expect(h.tokenRequests()).toBe(1);
});

test("G56 a token that is valid still is handed out while a sweep renews it", async () => {
  await using h = await house({ freshness: 0, keepFresh: true });
  const connection = await h.link();
  const first = await connection.accessToken();
  await h.clock.advance(285_000);
  const latch = h.server.faults.next("latch");
  const sweeping = h.connector.maintain();
  await latch.arrived;
  expect(await connection.accessToken()).toBe(first);
  latch.release();
  expect((await sweeping).outcomes).toMatchObject({ renewed: 1 });
  expect(await connection.accessToken()).not.toBe(first);
  expect(h.tokenRequests()).toBe(1);
});

test("G56 a caller that needs more validity, and gets none, takes nothing from those that need less", async () => {
  await using h = await house({ freshness: 0 });
  const connection = await h.link();
  const first = await connection.accessToken();
  await h.clock.advance(150_000);
  const hanging = h.server.faults.always("stall-headers");
  const renewing = faultOf(connection.accessToken({ minValidity: 200_000 }));
  await h.server.journal.arrived({ grantType: "refresh_token" });
  expect(await connection.accessToken()).toBe(first);
  expect(await connection.accessToken({ minValidity: 60_000 })).toBe(first);
  expect(await passing(h.clock, renewing, 1_000)).toMatchObject({ kind: "retry" });
  hanging.disarm();
  expect(await connection.accessToken()).toBe(first);
});

test("G56 without background work a call in that time renews and gets the new token", async () => {
  await using h = await house({ background: "none" });
  const connection = await h.link();
  const first = await connection.accessToken();
  await h.clock.advance(285_000);
  expect(await connection.accessToken()).not.toBe(first);
  expect(h.tokenRequests()).toBe(1);
});

test.for([5, 30, 299, 900, 2_592_000])(
  "G52 a token of %i s is requested once a lifetime and handed out with validity left",
  async (lifetime) => {
    await using h = await house({ server: { accessTokenLifetime: lifetime }, background: "none" });
    const connection = await h.link();
    const seen = new Set<string>();
    for (let step = 0; step < 50; step++) {
      const token = await connection.accessToken();
      seen.add(token);
      const { accessTokenExpiresAt = 0 } = await connection.status();
      expect(accessTokenExpiresAt - h.clock.now()).toBeGreaterThanOrEqual(Math.min(10_000, lifetime * 50));
      await h.clock.advance((lifetime * 1000) / 10);
    }
    // Five lifetimes, each token used for at least nine tenths less the spread.
    expect(seen.size).toBeLessThanOrEqual(7);
    expect(h.tokenRequests()).toBe(seen.size - 1);
  },
);

test("G52 a caller that needs more validity than is left gets a new token", async () => {
  await using h = await house();
  const connection = await h.link();
  const first = await connection.accessToken();
  await h.clock.advance(200_000);
  expect(await connection.accessToken({ minValidity: 60_000 })).toBe(first);
  expect(await connection.accessToken({ minValidity: 150_000 })).not.toBe(first);
  expect(h.tokenRequests()).toBe(1);
});

test("the definition of the test's bank is data alone", async () => {
  await using h = await house();
  expect(Object.values(bank(h.server)).some((member) => typeof member === "function")).toBe(false);
});
