import {
  allowInsecureLoopback,
  clientSecretBasic,
  createConnector,
  keyring,
  memoryStore,
  type Outcome,
} from "@linkwright/core";
import { skewed, virtualClock } from "@linkwright/testing";
import { expect, test, vi } from "vitest";
import { bank, fallible, faultOf, house, key, passing, patient, session, settled, shared } from "./support/house.ts";

/** Idle and long-lived grants, and the sweep that keeps them alive: guarantees F. */

const day = 86_400_000;
const idle = {
  bank: { grants: { refreshToken: { rotation: "fixed" as const, idleTimeout: 30 * 86_400 } } },
  server: { refresh: { kind: "fixed" as const, idleTimeout: 30 * day } },
};

test("G57 120 days without traffic: renewed in time, never more than 30 days apart", async () => {
  await using h = await house(idle);
  const connection = await h.link();
  let last = h.clock.now();
  const gaps: number[] = [];
  for (let today = 0; today < 120; today++) {
    await h.clock.advance(day);
    const { outcomes } = await h.connector.maintain();
    if (outcomes.renewed === 0) continue;
    gaps.push(h.clock.now() - last);
    last = h.clock.now();
  }
  expect(gaps.length).toBeGreaterThanOrEqual(4);
  expect(gaps.length).toBeLessThanOrEqual(5);
  expect(Math.max(...gaps)).toBeLessThanOrEqual(26 * day);
  expect(await connection.accessToken()).toMatch(/./);
  expect((await connection.status()).health).toBe("healthy");
});

test("G57 healthy rows that are used are left alone, and so are dead ones", async () => {
  await using h = await house(idle);
  const used = await h.link("busy");
  const dead = await h.link("dead");
  await h.connector.markEnded(dead.id, { owner: "dead" });
  for (let today = 0; today < 60; today++) {
    await h.clock.advance(day);
    await used.accessToken();
    const { outcomes } = await h.connector.maintain();
    expect(outcomes).toMatchObject({ renewed: 0, failed: 0 });
  }
});

test("G57 C27 down for 31 days: one refused try, then the reason, and no hammering", async () => {
  await using h = await house(idle);
  const connection = await h.link();
  await h.clock.advance(31 * day);
  const first = await h.connector.maintain();
  expect(first.outcomes).toMatchObject({ failed: 1 });
  expect(await connection.status()).toMatchObject({ health: "reauthorize", reason: "idle_timeout" });
  for (let today = 0; today < 10; today++) {
    await h.clock.advance(day);
    expect((await h.connector.maintain()).outcomes).toMatchObject({ renewed: 0, failed: 0 });
  }
  expect(await faultOf(connection.accessToken())).toMatchObject({ kind: "reauthorize", reason: "idle_timeout" });
  expect(h.tokenRequests()).toBe(1);
});

test("G57 an outage when a renewal is due is tried again, and the grant is kept", async () => {
  await using h = await house(idle);
  const connection = await h.link();
  await h.clock.advance(26 * day);
  h.server.faults.next("status", { status: 503, times: 2 });
  expect((await h.connector.maintain()).outcomes).toMatchObject({ failed: 1 });
  expect((await h.connector.maintain()).outcomes).toMatchObject({ failed: 0, renewed: 0 });
  for (let minute = 0; minute < 5; minute++) {
    await h.clock.advance(60_000);
    await h.connector.maintain();
  }
  expect(await connection.status()).toMatchObject({ health: "healthy", renewedAt: expect.any(Number) });
  expect(h.tokenRequests()).toBe(3);
});

test("G58 rows linked in the same instant fall due spread over a day, each at its own time", async () => {
  const clock = virtualClock();
  const dues: number[] = [];
  const inner = memoryStore({ clock });
  const store = {
    ...inner,
    write: (...args: Parameters<typeof inner.write>) => {
      if (args[0].startsWith("connection:") && args[2].index?.dueAt !== undefined) dues.push(args[2].index.dueAt);
      return inner.write(...args);
    },
  };
  await using h = await house({ ...idle, clock, store });
  await Promise.all(Array.from({ length: 200 }, (_, index) => h.link(`user_${index}`)));
  const days = dues.map((due) => (due - clock.now()) / day);
  expect(days).toHaveLength(200);
  expect(Math.min(...days)).toBeGreaterThanOrEqual(24);
  expect(Math.max(...days)).toBeLessThanOrEqual(25);
  const quarters = [24, 24.25, 24.5, 24.75].map((from) => days.filter((at) => at >= from && at < from + 0.25).length);
  for (const quarter of quarters) expect(quarter).toBeGreaterThan(10);
});

test("G58 four sweepers at once: one renewal a row", async () => {
  const clock = virtualClock();
  const store = shared(memoryStore({ clock }));
  await using h = await house({ ...idle, clock, store });
  await Promise.all(Array.from({ length: 100 }, (_, index) => h.link(`user_${index}`)));
  await clock.advance(26 * day);
  const sweepers = [h.connector, h.application(), h.application(), h.application()];
  await Promise.all(sweepers.map((sweeper) => sweeper.maintain({ rate: 10_000 })));
  expect(h.tokenRequests()).toBe(100);
  const counts = new Map<string, number>();
  for (const entry of h.server.journal.filter({ grantType: "refresh_token" }))
    counts.set(entry.form?.refresh_token ?? "", (counts.get(entry.form?.refresh_token ?? "") ?? 0) + 1);
  expect(new Set(counts.values())).toEqual(new Set([1]));
});

test("G58 no second sees more renewals than the rate, all sweepers together", async () => {
  const clock = virtualClock();
  const store = shared(memoryStore({ clock }));
  await using h = await house({ ...idle, clock, store });
  await Promise.all(Array.from({ length: 60 }, (_, index) => h.link(`user_${index}`)));
  await clock.advance(26 * day);
  const sweepers = [h.connector, h.application(), h.application()];
  await passing(clock, Promise.all(sweepers.map((sweeper) => sweeper.maintain({ rate: 20 }))));
  expect(h.tokenRequests()).toBe(60);
  const seconds = new Map<number, number>();
  for (const { at } of h.server.journal.filter({ grantType: "refresh_token" }))
    seconds.set(Math.floor(at / 1000), (seconds.get(Math.floor(at / 1000)) ?? 0) + 1);
  // A request may reach the server in the second after the one it was let go in.
  expect(Math.max(...seconds.values())).toBeLessThanOrEqual(40);
  expect(seconds.size).toBeGreaterThanOrEqual(2);
});

test("G59 a consent about to end is told ahead, once, with its date, and shown in the status", async () => {
  const consentExpiresAt = Date.parse("2026-04-15T02:03:04Z");
  await using h = await house({ bank: { connect: { granted: () => ({ account: "a", consentExpiresAt }) } } });
  const connection = await h.link();
  expect(await connection.status()).toMatchObject({ health: "healthy", consentExpiresAt });
  await h.clock.advance(consentExpiresAt - 8 * day - h.clock.now());
  expect((await h.connector.maintain()).outcomes.announced).toBe(0);
  await h.clock.advance(day);
  expect((await h.connector.maintain()).outcomes.announced).toBe(1);
  expect((await h.connector.maintain()).outcomes.announced).toBe(0);
  await connection.accessToken();
  expect(await connection.status()).toMatchObject({ health: "expiring", consentExpiresAt });
  expect(h.events.filter(({ name }) => name === "connection.expiring").map(({ event }) => event)).toEqual([
    { registration: "bank", provider: "bank", connection: connection.id, owner: "user_1", expiresAt: consentExpiresAt },
  ]);
  await h.clock.advance(30 * day);
  await h.connector.maintain();
  expect((await h.connector.maintain()).outcomes).toEqual({
    renewed: 0,
    announced: 0,
    confirmed: 0,
    disconnected: 0,
    removed: 0,
    failed: 0,
    nothing: 0,
  });
});

test("G59 a refresh token of known lifetime is exposed as the end it is", async () => {
  await using h = await house({ bank: { grants: { refreshToken: { rotation: "rotating", lifetime: 60 * 86_400 } } } });
  const connection = await h.link();
  const end = h.clock.now() + 60 * day;
  await h.clock.advance(50 * day);
  await connection.accessToken();
  expect(await connection.status()).toMatchObject({ health: "healthy", consentExpiresAt: end });
  await h.clock.advance(4 * day);
  expect(await connection.status()).toMatchObject({ health: "expiring", consentExpiresAt: end });
});

test("abandoned flows are removed a while after their time is up, so that a late callback is told why", async () => {
  await using h = await house();
  await h.connector.providers.bank.connect({ owner: "user_1", session: "an-unguessable-session-value" });
  expect((await h.connector.maintain()).outcomes.removed).toBe(0);
  await h.clock.advance(900_000);
  expect((await h.connector.maintain()).outcomes.removed).toBe(0);
  await h.clock.advance(day);
  await h.connector.maintain();
  expect((await h.store.list({ prefix: "flow:", limit: 10 })).items).toEqual([]);
});

test("keepFresh: access tokens are renewed by the sweep, so that no call waits", async () => {
  const clock = virtualClock();
  await using h = await house({ clock, keepFresh: true });
  const connection = await h.link();
  for (let minute = 0; minute < 30; minute++) {
    await clock.advance(15_000);
    await h.connector.maintain();
    const { accessTokenExpiresAt = 0 } = await connection.status();
    expect(accessTokenExpiresAt - clock.now()).toBeGreaterThan(10_000);
  }
});

test("G59 keepFresh: the end of a consent is told of where nothing renews the token", async () => {
  await using h = await house({ keepFresh: true });
  const now = h.clock.now();
  const times = { expiresAt: now + 1_000_000, consentExpiresAt: now + day };
  const connection = await h.connector.providers.bank.import({ owner: "user_1", accessToken: "at_own", ...times });
  await h.clock.advance(950_000);
  expect((await h.connector.maintain()).outcomes).toMatchObject({ announced: 1, failed: 0 });
  expect(await connection.accessToken()).toBe("at_own");
  expect(h.told("connection.reauthorization_required")).toBe(0);
});

test("a sweep within a budget stops there, says so, and the next one goes on", async () => {
  await using h = await house(idle);
  await Promise.all(Array.from({ length: 10 }, (_, index) => h.link(`user_${index}`)));
  await h.clock.advance(26 * day);
  const seen: Outcome[] = [];
  const first = await h.connector.maintain({
    budget: { records: 4 },
    rate: 1_000,
    onOutcome: (outcome) => seen.push(outcome),
  });
  expect(first).toMatchObject({ complete: false, outcomes: { renewed: 4 } });
  expect(seen.map(({ did }) => did)).toEqual(["renewed", "renewed", "renewed", "renewed"]);
  expect(new Set(seen.map(({ connection }) => connection)).size).toBe(4);
  expect(await h.connector.maintain({ rate: 1_000 })).toMatchObject({ complete: true, outcomes: { renewed: 6 } });
  expect(await h.connector.maintain({ signal: AbortSignal.abort() })).toMatchObject({ complete: false });
});

test("G58 a sweep that is ended while records wait for their turn fails none of them, and says that it is not complete", async () => {
  await using h = await house(idle);
  await Promise.all([h.link("user_1"), h.link("user_2")]);
  await h.clock.advance(26 * day);
  const stop = new AbortController();
  const sweep = h.connector.maintain({ rate: 1, signal: stop.signal, onOutcome: () => stop.abort() });
  expect(await sweep).toMatchObject({ complete: false, outcomes: { renewed: 1, failed: 0, nothing: 0 } });
  expect(h.tokenRequests()).toBe(1);
  expect(await h.connector.maintain()).toMatchObject({ complete: true, outcomes: { renewed: 1 } });
});

test("G57 G35 connections of a client that is refused keep no others from their turn", async () => {
  await using h = await house(idle);
  const { id } = await h.link();
  const { refreshToken } = await h.connector.dangerouslyExportGrant(id, { owner: "user_1" });
  const refreshOnly = { refreshToken: { rotation: "fixed" as const, idleTimeout: 30 * 86_400 } };
  const at = (path: string) => ({
    authorizationCode: { redirectUri: `https://app.example/${path}`, pkce: "S256" as const },
  });
  const connector = createConnector({
    providers: {
      broken: bank(h.server, {
        client: { id: "stranger", authentication: clientSecretBasic("secret") },
        grants: { ...refreshOnly, ...at("broken") },
      }),
      sound: bank(h.server, { grants: { ...refreshOnly, ...at("sound") } }),
    },
    store: memoryStore({ clock: h.clock }),
    concurrency: "one-process",
    keys: keyring([{ id: "test", key }]),
    clock: h.clock,
    [allowInsecureLoopback]: true,
  });
  const { broken, sound } = connector.providers;
  const used = (days: number) => h.clock.now() - days * day;
  for (let user = 0; user < 40; user++)
    await broken.import({ owner: `user_${user}`, refreshToken: "rt", usedAt: used(28) });
  const last = await sound.import({ owner: "user_1", refreshToken, usedAt: used(26) });
  const outcomes: Outcome[] = [];
  const onOutcome = (outcome: Outcome) => outcomes.push(outcome);
  const report = await connector.maintain({ budget: { records: 20 }, onOutcome });
  expect(report).toMatchObject({ complete: true, outcomes: { failed: 40, renewed: 1 } });
  expect(outcomes.filter(({ did }) => did === "renewed").map(({ connection }) => connection)).toEqual([last.id]);
  expect(outcomes.filter(({ kind }) => kind === "configuration")).toHaveLength(40);
  // Those that were under way side by side when the first of them was answered.
  expect(h.tokenRequests()).toBeLessThanOrEqual(8 + 1);
  await connector.close();
});

test("G57 rows that cannot be opened keep no others from their turn", async () => {
  await using h = await house(idle);
  await Promise.all(Array.from({ length: 20 }, (_, index) => h.link(`lost_${index}`)));
  await h.clock.advance(day);
  const found = createConnector({
    providers: { bank: bank(h.server, idle.bank) },
    store: h.store,
    concurrency: "one-process",
    keys: keyring([{ id: "new", key: new Uint8Array(32).fill(9) }]),
    clock: h.clock,
    [allowInsecureLoopback]: true,
  });
  const flow = await found.providers.bank.connect({ owner: "user_1", session });
  const kept = await found.complete(await h.server.consent(flow.url), { session });
  await h.clock.advance(26 * day);
  const report = await found.maintain({ rate: 1000, budget: { records: 10 } });
  expect(report).toMatchObject({ complete: true, outcomes: { failed: 20, renewed: 1 } });
  expect((await kept.status()).renewedAt).toBe(h.clock.now());
});

test("G59 a row that needs its user, and whose consent is over, is not asked about at every sweep", async () => {
  let asked = 0;
  let consentExpiresAt = 0;
  const confirm = async () => {
    asked++;
    return { consent: "active" } as const;
  };
  await using h = await house({ bank: { connect: { granted: () => ({ consentExpiresAt }), confirm } } });
  consentExpiresAt = h.clock.now() + 10 * day;
  const connection = await h.link();
  h.server.revokeGrants();
  await h.clock.advance(301_000);
  expect(await faultOf(connection.accessToken())).toMatchObject({ kind: "reauthorize" });
  await h.clock.advance(11 * day);
  for (let sweep = 0; sweep < 3; sweep++) await h.connector.maintain();
  expect((await h.connector.maintain()).outcomes).toMatchObject({ confirmed: 0, nothing: 0 });
  expect(asked).toBe(0);
});

test("G58 the rate holds where two clocks are a second apart", async () => {
  const clock = virtualClock();
  await using h = await house({ ...idle, clock, store: shared(memoryStore({ clock })) });
  await Promise.all(Array.from({ length: 60 }, (_, index) => h.link(`user_${index}`)));
  await clock.advance(26 * day);
  const sweepers = [h.connector, h.application({ appClock: skewed(clock, 1000) })];
  await passing(clock, Promise.all(sweepers.map((sweeper) => sweeper.maintain({ rate: 10 }))), 50);
  const seconds = new Map<number, number>();
  for (const { at } of h.server.journal.filter({ grantType: "refresh_token" })) {
    const second = Math.floor(at / 1000);
    seconds.set(second, (seconds.get(second) ?? 0) + 1);
  }
  expect(h.tokenRequests()).toBe(60);
  // A share that was taken in one second may be used in the next.
  expect(Math.max(...seconds.values())).toBeLessThanOrEqual(20);
});

test.for([0, 0.5, Number.NaN])("a rate of %d a second is refused", async (rate) => {
  await using h = await house();
  expect(await faultOf(h.connector.maintain({ rate }))).toMatchObject({ kind: "configuration" });
});

test("G17 a schedule outlives what it tells of its failures", async () => {
  const clock = virtualClock();
  const watched = fallible(memoryStore({ clock }));
  await using h = await house({ ...idle, clock, store: watched.store });
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  const told: unknown[] = [];
  h.connector.scheduleMaintenance({
    every: day,
    onError: (error) => {
      told.push(error);
      // Now or later.
      if (told.length % 2 === 1) throw new Error("not my day");
      return Promise.reject(new Error("not my day"));
    },
  });
  watched.fail("due");
  for (let failures = 1; failures <= 4; failures++) {
    await clock.advance(day);
    await expect.poll(() => told).toHaveLength(failures);
  }
});

test("G80 a schedule needs nobody to report to", async () => {
  const clock = virtualClock();
  await using h = await house({ ...idle, clock, timing: patient });
  const connection = await h.link();
  const stop = h.connector.scheduleMaintenance();
  await clock.advance(26 * day);
  await expect.poll(() => h.tokenRequests()).toBe(1);
  await stop();
  expect((await connection.status()).renewedAt).toBeGreaterThan(clock.now() - 5 * day);
});

test("a watcher that throws does not stop the sweep", async () => {
  await using h = await house(idle);
  const [one] = await Promise.all([h.link("one"), h.link("two")]);
  await h.clock.advance(26 * day);
  const report = await h.connector.maintain({
    onOutcome: ({ connection }) => {
      if (connection === one.id) throw new Error("not my day");
      return Promise.reject(new Error("not my day"));
    },
  });
  expect(report).toMatchObject({ complete: true, outcomes: { renewed: 2 } });
});

test("G79 listeners that throw or hang change nothing, and hear of it after the save", async () => {
  const clock = virtualClock();
  const watched = fallible(memoryStore({ clock }));
  await using h = await house({ clock, store: watched.store });
  const heard: number[] = [];
  h.connector.on("connection.renewed", () => {
    throw new Error("listener");
  });
  h.connector.on("connection.renewed", () => new Promise(() => {}));
  h.connector.on("connection.renewed", () => Promise.reject(new Error("later")));
  const stop = h.connector.on("connection.renewed", async ({ connection }) => {
    const found = await watched.store.read(`connection:${connection}`);
    heard.push(JSON.parse(found?.value ?? "{}").generation);
  });
  const connection = await h.link();
  await clock.advance(301_000);
  await connection.accessToken();
  await expect.poll(() => heard).toEqual([2]);
  stop();
  await clock.advance(301_000);
  await connection.accessToken();
  await settled();
  expect(heard).toEqual([2]);
});

test("G80 a schedule sweeps, survives a failing store, and ends with the connector", async () => {
  const clock = virtualClock();
  const watched = fallible(memoryStore({ clock }));
  await using h = await house({ ...idle, clock, store: watched.store });
  const connection = await h.link();
  const reports: number[] = [];
  const errors: unknown[] = [];
  // Machines drift apart by chance; this one does not.
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  h.connector.scheduleMaintenance({
    every: day,
    onReport: ({ outcomes }) => reports.push(outcomes.renewed),
    onError: (error) => errors.push(error),
  });
  watched.fail("due", 1);
  for (let sweeps = 1; sweeps <= 30; sweeps++) {
    await clock.advance(day);
    await expect.poll(() => reports.length + errors.length).toBe(sweeps);
  }
  expect(errors).toHaveLength(1);
  expect(reports).toHaveLength(29);
  expect(reports.reduce((sum, renewed) => sum + renewed, 0)).toBe(1);
  expect((await connection.status()).health).toBe("healthy");
  await h.connector.close();
  const swept = reports.length;
  await clock.advance(5 * day);
  expect(reports).toHaveLength(swept);
  vi.restoreAllMocks();
});

test("a connection of a registration that is not configured here is left out of the list, and left alone by the sweep", async () => {
  await using h = await house(idle);
  const kept = await h.link();
  const found = await h.store.read(`connection:${kept.id}`);
  const foreign = { ...JSON.parse(found?.value ?? "{}"), id: "foreign", registration: "other" };
  await h.store.write("connection:foreign", JSON.stringify(foreign), {
    ifVersion: "absent",
    index: { owner: "user_1", registration: "other", dueAt: h.clock.now() },
  });
  const listed: string[] = [];
  for await (const { id } of h.connector.connections({ owner: "user_1" })) listed.push(id);
  expect(listed).toEqual([kept.id]);
  expect((await h.connector.maintain()).outcomes).toMatchObject({ nothing: 1, failed: 0 });
});
