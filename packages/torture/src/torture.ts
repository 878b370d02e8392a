import { systemClock } from "@linkwright/core";
import { simulateAuthorizationServer, virtualClock } from "@linkwright/testing";
import { account } from "./account.ts";
import { application, type BankAddress } from "./bank.ts";
import { assemble, type Crew } from "./crew.ts";
import { type Front, openFront } from "./front.ts";
import { createMayhem, type Outage } from "./mayhem.ts";
import type { StoreKind, TortureOptions } from "./options.ts";
import { seeded } from "./random.ts";
import type { TortureReport } from "./report.ts";
import { openStore, prepareStore } from "./stores.ts";
import { countExpiries, createTally, type Expiries } from "./tally.ts";
import { scaledTiming } from "./timing.ts";
import { connectUsers, subjectOf, type Users } from "./users.ts";
import type { GivenUp } from "./verdict.ts";

/**
 * Runs one torture to its end and says what it came to. Nothing is left running, whatever happens.
 *
 * @param progress - Told how many expiries were met so far, at each.
 */
export async function torture(options: TortureOptions, progress?: (expiries: number) => void): Promise<TortureReport> {
  const random = seeded(options.seed);
  const timing = scaledTiming(options.scale);
  const store = await prepareStore(options.store, storeTimeout[options.store] / options.scale);
  const server = await startServer(options);
  const front = await openFront(server.origin);
  const bank = bankAddress(options, front, server);
  // What looks on is not put to the test.
  const patient = { ...store.direct, timeout: storeTimeout[options.store] };
  const looker = application({ bank, store: openStore(patient, systemClock), clock: systemClock });
  const own = watchOwnPace(timing.claimLength / 2);
  let crew: Crew | undefined;
  let sweeping: NodeJS.Timeout | undefined;
  try {
    const tally = createTally();
    const givenUp: GivenUp[] = [];
    const users = await connectUsers({ count: options.connections, looker, front, server });
    crew = await assemble({
      size: options.processes,
      begin: (name, place) => ({
        say: "begin",
        name,
        bank,
        store: store.address,
        timing,
        freshness: 30_000 / options.scale,
        skew: skewOf(place, options),
        connections: users.connections,
        callers: options.callers,
        // Some do, as in an application that sets a process or two aside for it.
        sweeps: place % 4 === 3,
      }),
      heard(worker, message) {
        tally.hear(message);
        if (message.say === "gave_up") givenUp.push({ ...message, worker });
        if (message.say === "reauthorize") users.asked(message.connection, message.reason);
      },
    });
    const mayhem = createMayhem({ options, random, crew, front, store, server });
    const expiries = countExpiries(front, (total) => {
      mayhem.expiry();
      progress?.(total);
    });
    // Every token that was shown to the API is in it, and nobody reads them.
    sweeping = setInterval(() => server.journal.clear(), 1000);

    await until(() => expiries.total >= options.expiries, options.expiries * options.lifetime * 3000 + 60_000);
    mayhem.calm();
    const stuck = await notRecovered(expiries, users, options);
    await crew.dismiss(10_000);
    await users.settled();
    return account({
      options,
      evidence: {
        presentations: front.presentations,
        incidents: crew.incidents,
        // Where this process had no turn, nothing got through to the store.
        outages: [...mayhem.outages, ...own.stood],
        givenUp,
        claimLength: timing.claimLength,
        requestDeadline: timing.requestDeadline,
      },
      front,
      counters: server.counters,
      tally,
      lost: users.lost,
      stuck,
      unruly: crew.unruly,
      expiries: expiries.total,
      outages: mayhem.outages.length,
    });
  } finally {
    own.stop();
    clearInterval(sweeping);
    await crew?.dismiss(1000);
    await looker.close().catch(() => {});
    await front[Symbol.asyncDispose]();
    await server.close();
    await store.discard();
  }
}

/** After how many milliseconds a call to the store fails, as the stores come: shortened like the rest. */
const storeTimeout: Readonly<Record<StoreKind, number>> = { sqlite: 5_000, postgres: 10_000, redis: 5_000 };

function startServer({ server, lifetime, connections, grace, scale }: TortureOptions) {
  return simulateAuthorizationServer({
    clock: virtualClock({ running: true }),
    accessTokenLifetime: lifetime,
    users: Array.from({ length: connections }, (_, number) => subjectOf(number)),
    refresh:
      server === "fixed"
        ? { kind: "fixed" }
        : { kind: "rotating", ...(server === "grace" && { reuseGrace: (grace * 1000) / scale }) },
  });
}

function bankAddress({ server, grace, scale }: TortureOptions, front: Front, api: { origin: string }): BankAddress {
  return {
    origin: front.origin,
    api: api.origin,
    refresh:
      server === "fixed"
        ? { rotation: "fixed" }
        : { rotation: "rotating", ...(server === "grace" && { reuseGrace: grace / scale }) },
  };
}

/** Right, wrong by all of it either way, or by less: always the same in one place, whoever takes it. */
function skewOf(place: number, { skew, scale }: TortureOptions): number {
  const share = [0, 1, -1, 0.4, -0.4][place % 5] ?? 0;
  return Math.round((share * skew * 1000) / scale);
}

/** Waits until every connection was renewed again. @returns The numbers of those that were not. */
async function notRecovered(expiries: Expiries, users: Users, { scale, lifetime }: TortureOptions): Promise<number[]> {
  const began = Date.now();
  const left = () =>
    users.connections.filter(({ number }) => expiries.newest(users.grantOf(number)) <= began).map((one) => one.number);
  // Several times what the protocol may take to settle a doubt.
  await until(() => left().length === 0, (3 * 66_000) / scale + lifetime * 2000 + 20_000);
  return left();
}

async function until(condition: () => boolean, limit: number): Promise<void> {
  const end = Date.now() + limit;
  while (!condition() && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 50));
}

/** Notes when this process stood still for longer than `limit` milliseconds. */
function watchOwnPace(limit: number): { readonly stood: readonly Outage[]; stop(): void } {
  const stood: Outage[] = [];
  let last = Date.now();
  const timer = setInterval(() => {
    const now = Date.now();
    if (now - last > limit) stood.push({ from: last, to: now });
    last = now;
  }, limit / 4);
  return { stood, stop: () => clearInterval(timer) };
}
