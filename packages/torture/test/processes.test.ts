import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { owner } from "../src/bank.ts";
import { type Hand, startHand } from "../src/hands.ts";
import type { StoreKind } from "../src/options.ts";
import { storm } from "../src/storm.ts";
import { anExpiry, createWorld, type World, type WorldOptions } from "../src/world.ts";
import { available } from "./services.ts";

/** Guarantees that only several processes can show. Each is a real one; their clocks are moved in step. */

const stores: readonly StoreKind[] = ["sqlite", "postgres", "redis"];
const started: Hand[] = [];
let eight: Hand[] = [];
let four: Hand[] = [];

beforeAll(async () => {
  eight = Array.from({ length: 8 }, startHand);
  four = eight.slice(0, 4);
  started.push(...eight);
  // Until they are loaded.
  await Promise.all(eight.map((hand) => hand.do<"events">({ do: "events" })));
});

afterAll(async () => {
  await Promise.all(started.map((hand) => hand.kill()));
});

/** One more process, for tests that end it. */
function another(): Hand {
  const hand = startHand();
  started.push(hand);
  return hand;
}

const served = (token: string, calls: number) => ({ tokens: [token], served: calls, failed: {} });
const replay = {
  server: { refresh: { kind: "rotating", reuseGrace: 60_000 } },
  refresh: { rotation: "rotating", reuseGrace: 60 },
} as const satisfies Partial<WorldOptions>;

const idle = {
  server: { refresh: { kind: "rotating", idleTimeout: 30 * 86_400_000 } },
  refresh: { rotation: "rotating", idleTimeout: 30 * 86_400 },
} as const satisfies Partial<WorldOptions>;

type Sweep = Awaited<ReturnType<typeof sweptBy>>[number];

/** Connections that are due to be kept alive, and everybody sweeping at once. */
async function sweptBy(hands: readonly Hand[], world: World, rows: number) {
  for (let row = 0; row < rows; row += 20) await Promise.all(Array.from({ length: 20 }, () => world.link()));
  await world.advance(26 * 86_400_000);
  return Promise.all(hands.map((hand) => hand.do<"maintain">({ do: "maintain", rate: 10_000 })));
}

const renewals = (sweeps: readonly Sweep[]) => sweeps.reduce((sum, { outcomes }) => sum + outcomes.renewed, 0);

for (const store of stores) {
  describe.skipIf(!(await available(store)))(`on ${store}`, () => {
    test.each([4, 8])(
      "G02 %i processes × 250 callers, a server that takes 300 ms: one request an expiry",
      async (processes) => {
        const cycles = 3;
        const report = await storm({ store, hands: eight.slice(0, processes), callers: 250, cycles, delay: 300 });
        expect(report).toEqual({
          cycles,
          requests: cycles,
          reuses: 0,
          served: cycles * processes * 250,
          failed: 0,
          tokensPerCycle: Array.from({ length: cycles }, () => 1),
        });
      },
    );

    test("G07 4 processes, 300 callers, a renewal of 3 s: one request, nobody fails", async () => {
      await using world = await createWorld({ store, hands: four });
      const id = await world.link();
      await world.advance(anExpiry);
      const latch = world.server.faults.next("latch");
      const asked = four.map((hand) => hand.do<"ask">({ do: "ask", of: id, callers: 75 }));
      await latch.arrived;
      await world.advance(3_000, { step: 250 });
      latch.release();
      const answers = await Promise.all(asked);
      const token = answers[0]?.asked.tokens[0] ?? "";
      expect(answers.map((answer) => answer.asked)).toEqual(four.map(() => served(token, 75)));
      expect(world.requests()).toBe(1);
      expect(world.server.counters.reuses).toBe(0);
    });

    test("G15 4 processes, 500 first calls for the application's own token: one request", async () => {
      await using world = await createWorld({ store, hands: four });
      world.server.faults.always("delay", { ms: 100 });
      const answers = await Promise.all(
        four.map((hand) => hand.do<"ask the application">({ do: "ask the application", callers: 125 })),
      );
      const token = answers[0]?.asked.tokens[0] ?? "";
      expect(answers.map((answer) => answer.asked)).toEqual(four.map(() => served(token, 125)));
      expect(world.requests("client_credentials")).toBe(1);
    });

    test("G18 a process killed after the server answered: its claim tells of doubt, and a replay window heals it", async () => {
      const victim = another();
      await using world = await createWorld({ store, hands: four.slice(0, 1), ...replay });
      await world.join(victim);
      const id = await world.link();
      await world.advance(anExpiry);
      const answered = victim.do<"keep the answer">({ do: "keep the answer" });
      victim.do<"ask">({ do: "ask", of: id, callers: 10 }).catch(() => {});
      await answered;
      await victim.kill();
      expect((await (await world.application.connection(id, { owner })).status()).inDoubt).toBe(false);

      const survivor = four[0] as Hand;
      const asked = survivor.do<"ask">({ do: "ask", of: id, callers: 10 });
      const answer = (await world.passing(asked, [survivor])).asked;
      expect(answer).toEqual(served(answer.tokens[0] ?? "", 10));
      expect((await survivor.do<"events">({ do: "events" })).events).toEqual({
        "connection.in_doubt": 1,
        "connection.renewed": 1,
      });
      expect(world.requests()).toBe(2);
      expect(world.server.counters).toMatchObject({ reuses: 0, replays: 1, familiesRevoked: 0 });
    });

    test("G18 against a server that ends the family: left alone for a minute, then the reason by name", async () => {
      const victim = another();
      await using world = await createWorld({ store, hands: four.slice(0, 1) });
      await world.join(victim);
      const id = await world.link();
      await world.advance(anExpiry);
      const answered = victim.do<"keep the answer">({ do: "keep the answer" });
      victim.do<"ask">({ do: "ask", of: id, callers: 1 }).catch(() => {});
      await answered;
      await victim.kill();

      const hands = four.slice(0, 1);
      const survivor = four[0] as Hand;
      const early = survivor.do<"ask">({ do: "ask", of: id, callers: 10 });
      expect((await world.passing(early, hands)).asked).toEqual({ tokens: [], served: 0, failed: { retry: 10 } });
      expect(world.requests()).toBe(1);
      await world.advance(60_000, { hands });
      const late = survivor.do<"ask">({ do: "ask", of: id, callers: 10 });
      expect((await world.passing(late, hands)).asked).toEqual({ tokens: [], served: 0, failed: { reauthorize: 10 } });
      expect(world.requests()).toBe(2);
      const status = await (await world.application.connection(id, { owner })).status();
      expect(status).toMatchObject({ health: "reauthorize", reason: "rotation_lost" });
    });

    test("G26 a renewal in flight in one process, a disconnect from another: the row stays gone", async () => {
      const [renewing, leaving] = four as [Hand, Hand];
      await using world = await createWorld({ store, hands: [renewing, leaving] });
      const id = await world.link();
      await world.advance(anExpiry);
      const latch = world.server.faults.next("latch", { handled: true });
      const asked = renewing.do<"ask">({ do: "ask", of: id, callers: 5 });
      await latch.arrived;
      expect((await leaving.do<"disconnect">({ do: "disconnect", connection: id })).disconnected).toBe(true);
      latch.release();
      expect((await asked).asked).toEqual({ tokens: [], served: 0, failed: { gone: 5 } });
      await expect(world.application.connection(id, { owner })).rejects.toMatchObject({ fault: { kind: "gone" } });
      expect((await leaving.do<"ask the application">({ do: "ask the application", callers: 1 })).asked.served).toBe(1);
      await expect(world.application.connection(id, { owner })).rejects.toMatchObject({ fault: { kind: "gone" } });
    });

    test("G58 4 processes sweep 200 due rows: one renewal a row", async () => {
      const rows = 200;
      await using world = await createWorld({ store, hands: four, ...idle });
      const sweeps = await sweptBy(four, world, rows);
      expect(world.requests()).toBe(rows);
      expect([...world.server.counters.presentations.values()]).toEqual(Array.from({ length: rows }, () => 1));
      expect(world.server.counters.reuses).toBe(0);
      // Each is counted by the one sweep that renewed it.
      expect(renewals(sweeps)).toBe(rows);
    });

    test.each([3_000, 8_000])("clocks %i ms apart lose nothing: a slow renewal keeps its claim", async (skew) => {
      await using world = await createWorld({ store, hands: four, skews: [0, skew, -skew, skew / 2] });
      const id = await world.link();
      for (let cycle = 0; cycle < 2; cycle++) {
        // Past every clock's reckoning.
        await world.advance(anExpiry + 2 * skew);
        const latch = world.server.faults.next("latch");
        const asked = four.map((hand) => hand.do<"ask">({ do: "ask", of: id, callers: 5 }));
        await latch.arrived;
        // More than a claim's length: by the wall clocks it would have lapsed, here or there.
        await world.advance(9_000, { step: 250 });
        latch.release();
        const answers = await Promise.all(asked);
        const token = answers[0]?.asked.tokens[0] ?? "";
        expect(answers.map((answer) => answer.asked)).toEqual(four.map(() => served(token, 5)));
        expect(world.requests()).toBe(cycle + 1);
      }
      expect(world.server.counters).toMatchObject({ reuses: 0, familiesRevoked: 0 });
    });
  });
}
