import { memoryStore } from "@linkwright/core";
import { virtualClock } from "@linkwright/testing";
import { expect, test } from "vitest";
import { fallible, faultOf, house, passing, patient, settled, shared } from "./support/house.ts";

/** Claims that nobody gave back, met by those who never look for long: sweeps, and processes that live for seconds. */

const day = 86_400_000;
const minute = 60_000;

/** A connection whose renewer died when the server had answered: its claim stands in the row. */
async function orphaned(rotation: "fixed" | "rotating") {
  const clock = virtualClock();
  const store = shared(memoryStore({ clock }));
  const life =
    rotation === "fixed"
      ? { refresh: { kind: "fixed" as const, idleTimeout: 30 * day } }
      : { refresh: { kind: "rotating" as const, reuseGrace: 30 * day } };
  const h = await house({
    clock,
    store,
    timing: patient,
    server: life,
    bank: { grants: { refreshToken: { rotation, idleTimeout: 30 * 86_400 } } },
  });
  const { id } = await h.link();
  await clock.advance(26 * day);
  const dying = fallible(store);
  const dead = await h.application({ store: dying.store }).connection(id, { owner: "user_1" });
  const latch = h.server.faults.next("latch", { handled: true });
  void dead.accessToken().catch(() => {});
  await latch.arrived;
  dying.fail("write");
  dying.fail("read");
  await clock.advance(minute);
  await settled();
  return { ...h, id };
}

type Orphaned = Awaited<ReturnType<typeof orphaned>>;

/** A sweep by a process of its own, as cron starts one. */
async function sweep({ application, clock }: Orphaned) {
  const connector = application();
  const { outcomes } = await passing(clock, connector.maintain());
  return outcomes;
}

/** A call by a process of its own. */
async function call({ application, clock, id }: Orphaned): Promise<string> {
  const connection = await application().connection(id, { owner: "user_1" });
  return passing(clock, connection.accessToken());
}

test("G57 G18 a sweep renews a row whose renewer died, though nobody else comes by", async () => {
  const h = await orphaned("fixed");
  expect(await sweep(h)).toMatchObject({ renewed: 1, nothing: 0, failed: 0 });
  expect(h.tokenRequests()).toBe(2);
  await h[Symbol.asyncDispose]();
});

test("G57 G18 a sweep leaves a token that rotates alone while its presenter may be slow, and takes it after that", async () => {
  const h = await orphaned("rotating");
  expect(await sweep(h)).toMatchObject({ renewed: 0, nothing: 1 });
  await h.clock.advance(6 * minute);
  expect(await sweep(h)).toMatchObject({ renewed: 1, nothing: 0 });
  expect(h.tokenRequests()).toBe(2);
  expect(await (await h.connector.connection(h.id, { owner: "user_1" })).status()).toMatchObject({ health: "healthy" });
  await h[Symbol.asyncDispose]();
});

test("G57 a sweep that meets a claim that is alive leaves the row to its holder at once", async () => {
  const clock = virtualClock();
  const store = shared(memoryStore({ clock }));
  await using h = await house({
    clock,
    store,
    timing: patient,
    bank: { grants: { refreshToken: { rotation: "fixed", idleTimeout: 30 * 86_400 } } },
    server: { refresh: { kind: "fixed" } },
  });
  const connection = await h.link();
  await clock.advance(26 * day);
  const latch = h.server.faults.next("latch");
  let renewing: Promise<string> | undefined;
  // The other one claims the row when the sweep has seen it unclaimed, and counts its request.
  const sweeping = h.application({
    store: {
      ...store,
      async write(name, ...rest) {
        renewing ??= name.startsWith("pace:") ? connection.accessToken() : undefined;
        if (renewing) await latch.arrived;
        return store.write(name, ...rest);
      },
    },
  });
  const { outcomes } = await sweeping.maintain();
  expect(outcomes).toMatchObject({ nothing: 1, renewed: 0, failed: 0 });
  latch.release();
  expect(await renewing).toMatch(/./);
  expect(h.tokenRequests()).toBe(1);
});

test("G18 processes that live for seconds settle what one that died has left", async () => {
  const h = await orphaned("rotating");
  // Each sees the claim for the first time.
  expect(await faultOf(call(h))).toMatchObject({ kind: "retry" });
  await h.clock.advance(4 * minute);
  expect(await faultOf(call(h))).toMatchObject({ kind: "retry" });
  await h.clock.advance(2 * minute);
  expect(await call(h)).toMatch(/./);
  expect(h.tokenRequests()).toBe(2);
  await h[Symbol.asyncDispose]();
});

test("G18 whoever beats is believed, however wrong its clock is", async () => {
  const h = await orphaned("rotating");
  const watcher = await h.application().connection(h.id, { owner: "user_1" });
  // A claim that is an hour old by its own clock, and beats.
  const key = `connection:${h.id}`;
  const beat = async (number: number) => {
    const found = await h.store.read(key);
    if (!found) throw new Error("there is no row");
    const row = JSON.parse(found.value);
    const claim = { ...row.claim, beat: number, until: h.clock.now() - 60 * minute };
    await h.store.write(key, JSON.stringify({ ...row, claim }), { ifVersion: found.version, index: {} });
  };
  let outcome: unknown;
  await beat(1);
  void watcher.accessToken().then(
    (token) => {
      outcome = token;
    },
    (error: unknown) => {
      outcome = error;
    },
  );
  for (let second = 2; second <= 20; second++) {
    await h.clock.advance(1000);
    await settled();
    await beat(second);
  }
  expect(outcome).toBeUndefined();
  expect(h.tokenRequests()).toBe(1);
  await h.clock.advance(minute);
  await h[Symbol.asyncDispose]();
});
