import { type Connection, memoryStore, sleep, type Timing } from "@linkwright/core";
import { type RefreshPolicy, type VirtualClock, virtualClock } from "@linkwright/testing";
import { expect, test } from "vitest";
import { fallible, faultOf, house, passing, patient, settled, shared } from "./support/house.ts";

/** What torture found, and what reading its traces suggested: each once more in one process, where nothing is left to chance. */

const expired = 301_000;
const day = 86_400_000;

test("G02 a caller that joins a sweep's look waits where the sweep would not", async () => {
  const clock = virtualClock();
  const store = shared(memoryStore({ clock }));
  await using h = await house({
    clock,
    store,
    bank: { grants: { refreshToken: { rotation: "rotating", idleTimeout: 30 * 86400 } } },
  });
  const a = await h.link();
  let reading = () => {};
  const started = new Promise<void>((resolve) => {
    reading = resolve;
  });
  let go = () => {};
  const gate = new Promise<void>((resolve) => {
    go = resolve;
  });
  let slow = false;
  const other = h.application({
    store: {
      ...store,
      async read(key) {
        if (slow && key.startsWith("connection:")) {
          reading();
          await gate;
        }
        return store.read(key);
      },
    },
  });
  const b = await other.connection(a.id, { owner: "user_1" });
  await clock.advance(26 * day);
  const sweeping = other.maintain({ rate: 1000 });
  slow = true;
  await started;
  const second = b.accessToken();
  const latch = h.server.faults.next("latch");
  const first = a.accessToken();
  await latch.arrived;
  go();
  await settled();
  latch.release();
  await passing(clock, Promise.all([first, sweeping, second]));
  expect(await second).toBe(await first);
});

test("G26 tokens that come for a connection that was disconnected meanwhile are revoked", async () => {
  const clock = virtualClock();
  const store = shared(memoryStore({ clock }));
  await using h = await house({ clock, store });
  const a = await h.link();
  const b = await h.application().connection(a.id, { owner: "user_1" });
  await clock.advance(expired);
  const latch = h.server.faults.next("latch", { handled: true });
  const first = faultOf(a.accessToken());
  await latch.arrived;
  expect(await b.disconnect()).toMatchObject({ disconnected: true });
  const before = h.server.journal.count({ path: "/revoke" });
  latch.release();
  expect(await first).toMatchObject({ kind: "gone" });
  await expect.poll(() => h.server.journal.count({ path: "/revoke" })).toBeGreaterThan(before);
});

test("G79 connection.renewed is told after the tokens were saved", async () => {
  const clock = virtualClock();
  const watched = fallible(memoryStore({ clock }));
  await using h = await house({ clock, store: watched.store });
  const a = await h.link();
  await clock.advance(expired);
  const latch = h.server.faults.next("latch");
  const first = a.accessToken();
  await latch.arrived;
  watched.fail("write");
  latch.release();
  await first;
  expect(h.told("connection.renewed")).toBe(0);
  watched.heal();
  await passing(clock, a.status());
  await clock.advance(1000);
  await expect.poll(() => h.told("connection.renewed")).toBe(1);
});

test("G16 an outage of the store longer than the wait in doubt costs nothing that a holder still holds", async () => {
  const clock = virtualClock();
  const store = shared(memoryStore({ clock }));
  const mine = fallible(store);
  const theirs = fallible(store);
  await using h = await house({ clock, store: mine.store, timing: patient });
  const a = await h.link();
  const b = await h.application({ store: theirs.store }).connection(a.id, { owner: "user_1" });
  await clock.advance(expired);
  const latch = h.server.faults.next("latch", { handled: true });
  const first = a.accessToken();
  await latch.arrived;
  const waiting = b.accessToken().catch(() => "failed");
  await settled();
  // The store goes away for both while the answer is on its way.
  mine.fail("read");
  mine.fail("write");
  theirs.fail("read");
  theirs.fail("write");
  latch.release();
  expect(await first).toMatch(/./);
  await passing(clock, waiting);
  for (let second = 0; second < 90; second++) {
    await b.accessToken().catch(() => {});
    await clock.advance(1_000);
  }
  mine.heal();
  theirs.heal();
  // Whoever asks first meets a claim that it last saw before the outage.
  const last = passing(
    clock,
    b.accessToken().catch(() => "failed"),
  );
  expect(await last).toMatch(/^at_/);
  expect(h.server.counters.reuses).toBe(0);
});

/**
 * A holds an answer and is cut off from the store; B took over and presents the same token. `c` belongs to neither.
 *
 * @param fault - What B's presentation meets.
 */
async function takenOver(fault: "latch" | "stall-headers", server: RefreshPolicy, timing: Partial<Timing> = patient) {
  const clock = virtualClock();
  const store = shared(memoryStore({ clock }));
  const [cutOff, counted] = [fallible(store), fallible(store)];
  const grants = { refreshToken: { rotation: "rotating" as const, reuseGrace: 30 } };
  const h = await house({ clock, store: counted.store, timing, server: { refresh: server }, bank: { grants } });
  const c = await h.link();
  const a = await h.application({ store: cutOff.store }).connection(c.id, { owner: "user_1" });
  const b = await h.application({ store }).connection(c.id, { owner: "user_1" });
  await clock.advance(expired);
  const heldA = h.server.faults.next("latch", { handled: true });
  const first = a.accessToken();
  await heldA.arrived;
  cutOff.fail("write");
  const heldB = h.server.faults.next(fault as "latch");
  const second = b.accessToken();
  await passing(clock, h.server.journal.arrived({ grantType: "refresh_token" }, 2));
  const saved = async () => {
    cutOff.heal();
    heldA.release();
    expect(await c.accessToken()).toBe(await first);
    h.server.revokeAccessTokens();
  };
  return { h, clock, c, second, heldB, saved, reads: () => counted.calls.read };
}

const forgiving: RefreshPolicy = { kind: "rotating", reuseGrace: 30_000 };

test("G05 nothing newer is presented while a taker's request is on its way", async () => {
  const { h, clock, c, second, heldB, saved, reads } = await takenOver("latch", forgiving);
  await using _ = h;
  // A is back and saves. The API refuses its token at once, and C is to renew.
  await saved();
  const before = reads();
  const third = passing(clock, c.fetch("/api/me"));
  // It looks again and again, and sends nothing.
  await expect.poll(() => reads()).toBeGreaterThan(before + 3);
  expect(h.tokenRequests()).toBe(2);
  heldB.release();
  await passing(clock, second);
  expect((await third).status).toBe(200);
  expect(h.tokenRequests()).toBe(3);
  // The access token expires, and the server's window with it.
  await clock.advance(expired);
  expect(await passing(clock, c.accessToken())).toMatch(/^at_/);
  expect(h.server.counters.reuses).toBe(0);
});

test("G05 a taker whose answer is lost does not ask again where its token was succeeded meanwhile", async () => {
  const timing = { ...patient, requestDeadline: 60_000 };
  const { h, clock, c, second, saved } = await takenOver("stall-headers", forgiving, timing);
  await using _ = h;
  await saved();
  // It waits in vain, gives its claim back, and takes what is there.
  expect(await passing(clock, second)).toMatch(/^at_/);
  expect(h.server.journal.count({ grantType: "refresh_token" })).toBe(2);
  expect((await c.fetch("/api/me")).status).toBe(200);
});

test("G06 a taker that was refused, and finds the holder's answer, gives its claim back", async () => {
  const { h, clock, c, second, heldB, saved } = await takenOver("latch", { kind: "rotating", reuseDetection: false });
  await using _ = h;
  heldB.release();
  await settled();
  await saved();
  await passing(clock, second);
  // No time passes: nobody waits for a claim.
  expect((await c.fetch("/api/me")).status).toBe(200);
});

test("G32 a spare token that could not be tried says nothing of the grant", async () => {
  const clock = virtualClock();
  const store = shared(memoryStore({ clock }));
  const pausing = fallible(store);
  await using h = await house({
    clock,
    store,
    timing: patient,
    server: { refresh: { kind: "rotating" } },
    bank: { grants: { refreshToken: { rotation: "rotating", reuseGrace: 30 } } },
  });
  const b = await h.link();
  const a = await h.application({ store: pausing.store }).connection(b.id, { owner: "user_1" });
  await clock.advance(expired);
  const heldA = h.server.faults.next("latch", { handled: true });
  const first = a.accessToken();
  await heldA.arrived;
  pausing.fail("write");
  // The taker gets a successor of its own, as some servers answer within their window.
  h.server.faults.next("answer", {
    body: { access_token: "at_other", refresh_token: "rt_other", token_type: "Bearer", expires_in: 300 },
  });
  expect(await passing(clock, b.accessToken())).toBe("at_other");
  pausing.heal();
  heldA.release();
  await passing(clock, first);
  await clock.advance(expired);
  // The newest is refused; the spare meets a server that cannot be reached, and later one that can.
  h.server.faults.next("status", { status: 400, body: { error: "invalid_grant" } });
  h.server.faults.next("status", { status: 503 });
  expect(await passing(clock, faultOf(b.accessToken()))).toMatchObject({ kind: "retry" });
  await clock.advance(60_000);
  expect(await passing(clock, b.accessToken())).toMatch(/^at_/);
});

/**
 * A holds an answer that nobody else knows, and is cut off; B took over and was answered with a successor of its own, as some
 * servers do within their window. That one's access token has expired, and B presents its refresh token when A is back.
 *
 * @param refused - Whether the server refuses that. Where it does not, A saves before B does.
 */
async function spareBesideClaim(refused: boolean) {
  const clock = virtualClock();
  const store = shared(memoryStore({ clock }));
  const cutOff = fallible(store);
  const gate = Promise.withResolvers<void>();
  let writes = Number.POSITIVE_INFINITY;
  const grants = { refreshToken: { rotation: "rotating" as const, reuseGrace: 30 } };
  const gated: typeof store = {
    ...store,
    async write(...parameters) {
      if (--writes < 0) await gate.promise;
      return store.write(...parameters);
    },
  };
  const h = await house({ clock, store: gated, timing: patient, server: { refresh: "rotating" }, bank: { grants } });
  const b = await h.link();
  const a = await h.application({ store: cutOff.store }).connection(b.id, { owner: "user_1" });
  const answer = (name: string) =>
    h.server.faults.next("answer", {
      body: { access_token: `at_${name}`, refresh_token: `rt_${name}`, token_type: "Bearer", expires_in: 300 },
    });
  await clock.advance(expired);
  const heldA = h.server.faults.next("latch", { handled: true });
  // Once it has saved, it waits for a while for what B gets.
  const first = a.accessToken().catch(() => {});
  await heldA.arrived;
  cutOff.fail("write");
  answer("taker");
  expect(await passing(clock, b.accessToken())).toBe("at_taker");
  await clock.advance(expired);
  // Its claim is written, and nothing after that yet.
  writes = 1;
  if (!refused) answer("next");
  const second = b.accessToken();
  await expect.poll(() => h.tokenRequests()).toBe(3);
  const version = async () => (await store.read(`connection:${b.id}`))?.version;
  const claimed = await version();
  cutOff.heal();
  heldA.release();
  await expect.poll(version).not.toBe(claimed);
  gate.resolve();
  const ended = passing(clock, Promise.all([second, first])).then(([token]) => token);
  return { h, b, ended };
}

test("G06 G32 a token that came second while the row is claimed is tried before anybody is asked", async () => {
  const { h, b, ended } = await spareBesideClaim(true);
  await using _ = h;
  expect(await ended).toMatch(/^at_/);
  expect([h.tokenRequests(), h.server.counters.reuses]).toEqual([4, 0]);
  expect(await b.status()).toMatchObject({ health: "healthy" });
  expect(h.told("connection.reauthorization_required")).toBe(0);
});

test("G05 a token that came second while the row is claimed outlives the claim's answer", async () => {
  const { h, b, ended } = await spareBesideClaim(false);
  await using _ = h;
  expect(await ended).toBe("at_next");
  const { revocations } = await b.disconnect();
  expect(revocations.map(({ what }) => what)).toEqual(["refresh_token", "refresh_token", "access_token"]);
});

/** A caller that asks again a second later, as often as it takes. */
async function untilServed(connection: Connection, clock: VirtualClock): Promise<string> {
  for (;;) {
    const token = await connection.accessToken().catch(() => undefined);
    if (token !== undefined) return token;
    await sleep(clock, 1_000);
  }
}

test("G16 a taker that cannot look whether the holder lives begins to look anew, and presents nothing meanwhile", async () => {
  const clock = virtualClock();
  const store = shared(memoryStore({ clock }));
  const [mine, theirs] = [fallible(store), fallible(store)];
  await using h = await house({ clock, store: mine.store, timing: patient });
  const a = await h.link();
  let looks: number | undefined;
  const b = await h
    .application({
      store: {
        ...theirs.store,
        async read(name) {
          // As soon as the taker can look again, the holder can write again.
          if (looks !== undefined && ++looks > 8) mine.heal();
          return theirs.store.read(name);
        },
        async write(...parameters) {
          const written = await theirs.store.write(...parameters);
          // It has its claim, and reading fails it for longer than it would look.
          if (looks === undefined) theirs.fail("read", 8);
          looks ??= 0;
          return written;
        },
      },
    })
    .connection(a.id, { owner: "user_1" });
  await clock.advance(expired);
  const latch = h.server.faults.next("latch", { handled: true });
  const first = a.accessToken();
  await latch.arrived;
  mine.fail("write");
  latch.release();
  expect(await first).toMatch(/^at_/);
  expect(await passing(clock, untilServed(b, clock))).toBe(await first);
  expect([h.tokenRequests(), h.server.counters.reuses]).toEqual([1, 0]);
});

test("G32 a grant that its spare token revives keeps the tokens for one resource", async () => {
  const clock = virtualClock();
  const store = shared(memoryStore({ clock }));
  const pausing = fallible(store);
  await using h = await house({
    clock,
    store,
    timing: patient,
    server: { refresh: { kind: "rotating" } },
    bank: {
      grants: { refreshToken: { rotation: "rotating", reuseGrace: 30 } },
      accessToken: { type: "Bearer", resourceIndicators: true },
    },
  });
  const resource = "https://accounts.example/";
  const answer = (name: string) =>
    h.server.faults.next("answer", {
      body: { access_token: `at_${name}`, refresh_token: `rt_${name}`, token_type: "Bearer", expires_in: 300 },
    });
  const b = await h.link();
  const a = await h.application({ store: pausing.store }).connection(b.id, { owner: "user_1" });
  await clock.advance(expired);
  const held = h.server.faults.next("latch", { handled: true });
  const first = a.accessToken();
  await held.arrived;
  pausing.fail("write");
  answer("taker");
  expect(await passing(clock, b.accessToken())).toBe("at_taker");
  pausing.heal();
  held.release();
  await passing(clock, first);
  await clock.advance(200_000);
  answer("accounts");
  expect(await b.accessToken({ resource })).toBe("at_accounts");
  await clock.advance(101_000);
  h.server.faults.next("status", { status: 400, body: { error: "invalid_grant" } });
  expect(await passing(clock, b.accessToken())).not.toBe("at_taker");
  expect(await b.accessToken({ resource })).toBe("at_accounts");
});

test("G16 a taker lets a holder that was cut off save first, also where the row was in doubt before", async () => {
  const clock = virtualClock();
  const store = shared(memoryStore({ clock }));
  const mine = fallible(store);
  await using h = await house({ clock, store: mine.store, timing: patient });
  const a = await h.link();
  const b = await h
    .application({
      store: {
        ...store,
        // As soon as the taker can write, the holder can, too.
        async write(key, value, options) {
          const written = await store.write(key, value, options);
          mine.heal();
          return written;
        },
      },
    })
    .connection(a.id, { owner: "user_1" });
  await clock.advance(expired);
  h.server.faults.next("status", { status: 500 });
  expect(await faultOf(a.accessToken())).toMatchObject({ kind: "retry" });
  await clock.advance(2_000);
  const latch = h.server.faults.next("latch", { handled: true });
  const first = a.accessToken();
  await latch.arrived;
  mine.fail("write");
  latch.release();
  expect(await first).toMatch(/^at_/);
  expect(await passing(clock, untilServed(b, clock))).toBe(await first);
  expect(h.server.counters.reuses).toBe(0);
  // The taker gave its claim back: the next renewal waits for nothing.
  h.server.revokeAccessTokens();
  expect((await a.fetch("/api/me")).status).toBe(200);
});
