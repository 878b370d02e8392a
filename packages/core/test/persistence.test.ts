import { memoryStore } from "@linkwright/core";
import { virtualClock } from "@linkwright/testing";
import { expect, test } from "vitest";
import { fallible, faultOf, house, passing, patient, settled, shared } from "./support/house.ts";

/** What survives failures of the store, crashes and lost answers: guarantees B. */

const expired = 301_000;
const rowOf = (value: string | undefined) => JSON.parse(value ?? "{}");

async function breakable(options: Parameters<typeof house>[0] = {}) {
  const clock = virtualClock();
  const inner = memoryStore({ clock });
  const failing = fallible(inner);
  const h = await house({ ...options, clock, store: failing.store });
  return Object.assign(h, { failing, inner });
}

test("G16 a save that fails twice is retried: one request, and the row holds the new token", async () => {
  await using h = await breakable();
  const connection = await h.link();
  await h.clock.advance(expired);
  const latch = h.server.faults.next("latch", { handled: true });
  const call = connection.accessToken();
  await latch.arrived;
  h.failing.fail("write", 2);
  latch.release();
  const token = await call;
  expect(h.tokenRequests()).toBe(1);
  expect(h.told("store.failed")).toBe(2);
  const other = await h.application().connection(connection.id, { owner: "user_1" });
  expect(await other.accessToken()).toBe(token);
});

test("G16 a save that fails for long: callers get the token in hand, nothing is requested, and it is saved when the store heals", async () => {
  await using h = await breakable({ freshness: 1_000 });
  const connection = await h.link();
  await h.clock.advance(expired);
  const latch = h.server.faults.next("latch", { handled: true });
  const call = connection.accessToken();
  await latch.arrived;
  h.failing.fail("write");
  latch.release();
  const token = await call;
  // The row in the store is of the older generation still, and is not believed.
  await h.clock.advance(60_000);
  expect(await connection.accessToken()).toBe(token);
  expect(h.tokenRequests()).toBe(1);
  // Expired, and not saved yet: no request, no question to the user.
  await h.clock.advance(expired);
  expect(await faultOf(connection.accessToken())).toMatchObject({ kind: "store" });
  expect(h.tokenRequests()).toBe(1);
  h.failing.heal();
  await h.clock.advance(30_000);
  await expect
    .poll(async () => rowOf((await h.inner.read(`connection:${connection.id}`))?.value))
    .toMatchObject({ generation: 2, state: "active" });
  await connection.accessToken();
  expect(h.tokenRequests()).toBe(2);
  expect(h.server.counters.reuses).toBe(0);
});

test("G17 no rejection is left unhandled when every method of the store fails", async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => unhandled.push(reason);
  process.on("unhandledRejection", note);
  try {
    for (const method of ["read", "write", "remove", "list", "due"] as const) {
      await using h = await breakable();
      const connection = await h.link();
      for (const age of [0, 280_000, expired]) {
        await h.clock.advance(age);
        h.failing.fail(method);
        await Promise.allSettled([
          connection.accessToken(),
          connection.status(),
          connection.fetch("/api/me"),
          h.connector.maintain(),
          h.connector.providers.bank.app().accessToken(),
          connection.disconnect(),
        ]);
        h.failing.heal();
        await settled(4);
      }
    }
    await settled(50);
  } finally {
    process.off("unhandledRejection", note);
  }
  expect(unhandled).toEqual([]);
});

test("G18 a crash between the answer and the save is recognised by the claim it left, and settled by presenting again", async () => {
  const clock = virtualClock();
  const store = shared(memoryStore({ clock }));
  await using h = await house({
    clock,
    store,
    timing: patient,
    server: { refresh: { kind: "rotating", reuseGrace: 600_000 } },
  });
  const connection = await h.link();
  await clock.advance(expired);
  // A process dies: its answer came, nothing of it was written, not one beat more.
  const dying = fallible(store);
  const dead = await h.application({ store: dying.store }).connection(connection.id, { owner: "user_1" });
  const latch = h.server.faults.next("latch", { handled: true });
  void dead.accessToken().catch(() => {});
  await latch.arrived;
  dying.fail("write");
  dying.fail("read");

  // Another one watches the claim until it lapses, then leaves the token alone for a minute.
  const fault = await passing(clock, faultOf(connection.accessToken()));
  expect(fault).toMatchObject({ kind: "retry" });
  expect(fault.kind === "retry" && fault.retryAt - clock.now()).toBeGreaterThan(50_000);
  expect(h.tokenRequests()).toBe(1);
  await clock.advance(61_000);
  // Who comes back looks for a claim's length first: the holder may have been cut off from the store.
  const taking = connection.accessToken();
  await passing(clock, h.server.journal.arrived({ grantType: "refresh_token" }, 2));
  expect(await taking).toMatch(/./);
  expect(h.tokenRequests()).toBe(2);
  expect(h.told("connection.in_doubt")).toBe(1);
  expect(await connection.status()).toMatchObject({ health: "healthy", inDoubt: false });
});

test("G19 a lost answer is asked for again at once: a server with a replay window loses nothing", async () => {
  await using h = await house({ server: { refresh: { kind: "rotating", reuseGrace: 60_000 } } });
  const connection = await h.link();
  await h.clock.advance(expired);
  h.server.faults.next("lost-response");
  expect(await connection.accessToken()).toMatch(/./);
  expect(h.tokenRequests()).toBe(2);
  expect((await connection.status()).health).toBe("healthy");
  await h.clock.advance(expired);
  await connection.accessToken();
  expect(h.server.counters.reuses).toBe(0);
});

test("G19 against a server that ends the family: one answered second presentation, then the reason by name", async () => {
  await using h = await house();
  const connection = await h.link();
  await h.clock.advance(expired);
  h.server.faults.next("lost-response");
  expect(await faultOf(connection.accessToken())).toMatchObject({ kind: "reauthorize", reason: "rotation_lost" });
  expect(h.tokenRequests()).toBe(2);
  expect(await faultOf(connection.accessToken())).toMatchObject({ kind: "reauthorize", reason: "rotation_lost" });
  expect(h.tokenRequests()).toBe(2);
  expect(await connection.status()).toMatchObject({ health: "reauthorize", reason: "rotation_lost" });
});

test("G19 where both answers are lost the row stays in doubt, visibly, until one arrives", async () => {
  await using h = await house({ server: { refresh: { kind: "rotating", reuseGrace: 600_000 } } });
  const connection = await h.link();
  await h.clock.advance(expired);
  h.server.faults.next("lost-response", { times: 2 });
  expect(await faultOf(connection.accessToken())).toMatchObject({ kind: "retry" });
  expect(await connection.status()).toMatchObject({ health: "degraded", inDoubt: true });
  expect(h.told("connection.in_doubt")).toBe(1);
  await h.clock.advance(2_000);
  h.server.faults.next("status", { status: 500 });
  expect(await faultOf(connection.accessToken())).toMatchObject({ kind: "retry" });
  expect((await connection.status()).inDoubt).toBe(true);
  await h.clock.advance(5_000);
  expect(await connection.accessToken()).toMatch(/./);
  expect(await connection.status()).toMatchObject({ health: "healthy", inDoubt: false });
});

test("G19 a provider may ask for a new authorization in place of a second presentation", async () => {
  await using h = await house({
    bank: { grants: { refreshToken: { rotation: "rotating", lostResponse: "reauthorize" } } },
  });
  const connection = await h.link();
  await h.clock.advance(expired);
  h.server.faults.next("lost-response");
  expect(await faultOf(connection.accessToken())).toMatchObject({ kind: "reauthorize", reason: "rotation_lost" });
  expect(h.tokenRequests()).toBe(1);
});

test("G19 a fixed refresh token is simply presented again", async () => {
  await using h = await house({
    server: { refresh: "fixed" },
    bank: { grants: { refreshToken: { rotation: "fixed" } } },
  });
  const connection = await h.link();
  await h.clock.advance(expired);
  h.server.faults.next("lost-response");
  expect(await connection.accessToken()).toMatch(/./);
  expect(h.told("connection.in_doubt")).toBe(0);
});

test.for(["omit-refresh-token", "null-refresh-token", "empty-refresh-token"] as const)(
  "G20 C24 an answer without a refresh token (%s) keeps the stored one, three renewals long",
  async (fault) => {
    await using h = await house({ server: { refresh: { kind: "fixed", echo: true } } });
    h.server.faults.always(fault, { grantType: "refresh_token" });
    const connection = await h.link();
    for (let renewal = 1; renewal <= 3; renewal++) {
      await h.clock.advance(expired);
      await connection.accessToken();
      expect(h.tokenRequests()).toBe(renewal);
    }
    const presented = new Set(
      h.server.journal.filter({ grantType: "refresh_token" }).map((entry) => entry.form?.refresh_token),
    );
    expect(presented.size).toBe(1);
  },
);

test("G21 while the store fails a valid token in memory is served, and the failure is told", async () => {
  await using h = await breakable({ freshness: 1_000 });
  const connection = await h.link();
  const token = await connection.accessToken();
  await h.clock.advance(5_000);
  h.failing.fail("read");
  expect(await connection.accessToken()).toBe(token);
  expect(h.told("store.failed")).toBe(1);
  await h.clock.advance(expired);
  expect(await faultOf(connection.accessToken())).toMatchObject({ kind: "store" });
  expect(h.tokenRequests()).toBe(0);
});

test.for([
  ["no JSON", () => "{"],
  ["another kind of record", () => JSON.stringify({ format: 1, kind: "dog" })],
  ["a newer format", (value: string) => JSON.stringify({ ...JSON.parse(value), format: 2 })],
  ["no format", (value: string) => JSON.stringify({ ...JSON.parse(value), format: undefined })],
  ["a grant that is no text", (value: string) => JSON.stringify({ ...JSON.parse(value), grant: 5 })],
  ["a grant that was never sealed", (value: string) => JSON.stringify({ ...JSON.parse(value), grant: "plain" })],
] as const)("G21 G24 a corrupt row (%s) is a store fault: no token request, the row untouched", async ([, corrupt]) => {
  await using h = await house();
  const connection = await h.link();
  const key = `connection:${connection.id}`;
  const found = await h.store.read(key);
  if (!found) throw new Error("no row");
  const bad = corrupt(found.value);
  await h.store.write(key, bad, { ifVersion: found.version });
  await h.clock.advance(expired);
  const fault = await faultOf(connection.accessToken());
  expect(fault).toMatchObject({ kind: "store" });
  expect(fault.message).toContain(connection.id);
  expect(h.tokenRequests()).toBe(0);
  expect((await h.store.read(key))?.value).toBe(bad);
});

test("G22 a refresh token outlives its access token in the store by any span", async () => {
  await using h = await house({ server: { accessTokenLifetime: 1 } });
  const connection = await h.link();
  await h.clock.advance(3_600_000);
  expect(await connection.accessToken()).toMatch(/./);
});

test("G24 members that this release does not know survive its writes", async () => {
  await using h = await house();
  const connection = await h.link();
  const key = `connection:${connection.id}`;
  const found = await h.store.read(key);
  if (!found) throw new Error("no row");
  await h.store.write(key, JSON.stringify({ ...rowOf(found.value), novelty: { kept: true } }), {
    ifVersion: found.version,
  });
  await h.clock.advance(expired);
  await connection.accessToken();
  expect(rowOf((await h.store.read(key))?.value)).toMatchObject({ novelty: { kept: true }, generation: 2 });
});

test("G25 C20 tokens of 16 KiB pass through, sealed", async () => {
  await using h = await house();
  const large = "t".repeat(16_384);
  h.server.faults.always("rewrite", {
    grantType: "refresh_token",
    rewrite: (answer) => ({ ...answer, access_token: large }),
  });
  const connection = await h.link();
  await h.clock.advance(expired);
  expect(await connection.accessToken()).toBe(large);
  const other = await h.application().connection(connection.id, { owner: "user_1" });
  expect(await other.accessToken()).toBe(large);
});

test("G80 after close a store that never heals is not asked again, so that the process can end", async () => {
  await using h = await breakable();
  const connection = await h.link();
  await h.clock.advance(expired);
  const latch = h.server.faults.next("latch", { handled: true });
  const call = connection.accessToken();
  await latch.arrived;
  h.failing.fail("write");
  latch.release();
  await call;
  await h.connector.close();
  // A try that was under way.
  await settled();
  const asked = { ...h.failing.calls };
  await h.clock.advance(600_000);
  await settled(50);
  expect(h.failing.calls).toEqual(asked);
});

test("G80 close saves what is in hand and lets go", async () => {
  await using h = await breakable();
  const connection = await h.link();
  await h.clock.advance(expired);
  const latch = h.server.faults.next("latch", { handled: true });
  const call = connection.accessToken();
  await latch.arrived;
  h.failing.fail("write");
  latch.release();
  await call;
  h.failing.heal();
  const saved = new Promise<void>((resolve) => {
    const { write } = h.failing.store;
    h.failing.store.write = async (...args) => {
      const version = await write(...args);
      resolve();
      return version;
    };
  });
  await h.connector.close();
  await saved;
});

test("G80 G09 close waits for a renewal that its caller gave up, and the new token is kept", async () => {
  const clock = virtualClock();
  const store = memoryStore({ clock });
  let closed = false;
  const closing = {
    ...store,
    async write(...write: Parameters<typeof store.write>) {
      if (closed) throw new Error("the store is closed");
      return store.write(...write);
    },
    async close() {
      closed = true;
    },
  };
  await using h = await house({ clock, store });
  const { id } = await h.link();
  const other = h.application({ store: closing });
  const connection = await other.connection(id, { owner: "user_1" });
  await clock.advance(expired);
  const latch = h.server.faults.next("latch", { handled: true });
  const leaving = new AbortController();
  const call = faultOf(connection.accessToken({ signal: leaving.signal }));
  await latch.arrived;
  leaving.abort();
  expect(await call).toMatchObject({ kind: "aborted" });
  const ending = other.close();
  await settled();
  expect(closed).toBe(false);
  latch.release();
  await ending;
  expect(closed).toBe(true);
  const kept = await h.connector.connection(id, { owner: "user_1" });
  expect((await kept.fetch("/api/me")).status).toBe(200);
  expect(await kept.status()).toMatchObject({ health: "healthy", inDoubt: false });
  expect(h.tokenRequests()).toBe(1);
  expect(h.server.counters.reuses).toBe(0);
});

test("G79 a renewal is told of where only the store's word of its save was lost", async () => {
  const clock = virtualClock();
  const store = memoryStore({ clock });
  let deaf = false;
  await using h = await house({
    clock,
    store: {
      ...store,
      async write(...write) {
        const version = await store.write(...write);
        if (!deaf) return version;
        deaf = false;
        throw new Error("the answer was lost");
      },
    },
  });
  const connection = await h.link();
  await clock.advance(expired);
  const latch = h.server.faults.next("latch", { handled: true });
  const call = connection.accessToken();
  await latch.arrived;
  deaf = true;
  latch.release();
  expect(await call).toMatch(/./);
  expect(h.told("connection.renewed")).toBe(1);
  expect(h.tokenRequests()).toBe(1);
});

test("G21 requests to the API go on with what memory holds while the store fails, and it is told", async () => {
  await using h = await breakable();
  const connection = await h.link();
  expect((await connection.fetch("/api/me")).status).toBe(200);
  await h.clock.advance(60_000);
  h.failing.fail("read");
  expect((await connection.fetch("/api/me")).status).toBe(200);
  expect(h.told("store.failed")).toBeGreaterThan(0);
  await h.clock.advance(expired);
  expect(await faultOf(connection.fetch("/api/me"))).toMatchObject({ kind: "store" });
  expect(h.tokenRequests()).toBe(0);
});
