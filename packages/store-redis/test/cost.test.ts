import { virtualClock } from "@linkwright/testing";
import fc from "fast-check";
import { createClient } from "redis";
import { describe, expect, test } from "vitest";
import { afterFile } from "../../testing/test/support/endings.ts";
import { sortable } from "../src/entries.ts";
import { redisStore } from "../src/index.ts";
import { hasRedisServer, PrivateRedis } from "./private-redis.ts";

describe.skipIf(!hasRedisServer)("what calls cost", () => {
  test("G58 every call is one request, and runs as many commands among 10,000 records as among 100", async () => {
    const server = await PrivateRedis.start({ appendonly: "no" });
    afterFile(() => server.remove());
    const client = createClient({ url: server.address });
    client.on("error", () => {});
    await client.connect();
    const clock = virtualClock();
    const store = redisStore({ client, clock, onWarning: () => {} });
    const fill = async (from: number, to: number) => {
      await Promise.all(
        Array.from({ length: to - from }, (_, n) => {
          const number = from + n;
          const index = { owner: `owner ${number % 50}`, refs: [`ref ${number}`], dueAt: number < 30 ? number : 1e9 };
          return store.write(`key:${number}`, "x".repeat(200), { ifVersion: "absent", index });
        }),
      );
    };
    const commands = async () => {
      const calls = [...(await client.info("commandstats")).matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)];
      return new Map(calls.map(([, name = "", count]) => [name, Number(count)]));
    };
    const costs = async () => {
      const costs: Record<string, Record<string, number>> = {};
      let version = (await store.read("key:5"))?.version ?? "";
      const write = async (dueAt: number) => {
        const index = { owner: "owner 5", refs: ["ref 5"], dueAt };
        version = await store.write("key:5", "new", { ifVersion: version, index });
        expect(version).toHaveLength(36);
      };
      const calls: Record<string, () => Promise<unknown>> = {
        read: () => store.read("key:7"),
        "write in place": () => write(5),
        renew: () => write(6),
        "renew, a second later": async () => {
          await clock.advance(1000);
          await write(5);
        },
        due: () => store.due(1000, { limit: 10 }),
        "next due": () => store.due(1000, { limit: 10, cursor: `d${sortable(9)}key:9` }),
        ref: () => store.list({ prefix: "key:", ref: "ref 9", owner: "owner 9", limit: 10 }),
        first: () => store.list({ prefix: "key:", limit: 10 }),
      };
      for (const [name, call] of Object.entries(calls)) {
        const before = await commands();
        await call();
        const after = await commands();
        const spent = [...after].map(([command, count]) => [command, count - (before.get(command) ?? 0)] as const);
        costs[name] = Object.fromEntries(spent.filter(([command, count]) => count > 0 && command !== "info"));
      }
      return costs;
    };
    await fill(0, 100);
    await costs();
    const few = await costs();
    await fill(100, 10_000);
    expect(await costs()).toEqual(few);
    expect(few).toEqual({
      read: { hmget: 1 },
      // A record whose index stays as it is writes nothing to it.
      "write in place": { evalsha: 1, hmget: 1, hset: 1, publish: 1 },
      renew: { evalsha: 1, hmget: 1, hset: 1, zadd: 1, zrem: 1, publish: 1 },
      "renew, a second later": { evalsha: 1, hmget: 1, hset: 1, zadd: 1, zrem: 1, zrangebylex: 1, publish: 1 },
      due: { evalsha: 1, zrangebylex: 1, hmget: 10 },
      "next due": { evalsha: 1, zrangebylex: 1, hmget: 10 },
      ref: { evalsha: 1, zrangebylex: 1, hmget: 1, zscore: 1 },
      first: { evalsha: 1, zrangebylex: 1, hmget: 10 },
    });
    await store.close();
    client.destroy();
  });

  test("G22 expired records are dropped by later writes, with all their members of the index", async () => {
    const server = await PrivateRedis.start();
    afterFile(() => server.remove());
    const clock = virtualClock();
    const store = redisStore({ url: server.address, clock, onWarning: () => {} });
    const index = { owner: "o", refs: ["a", "b"], dueAt: 5, expiresAt: clock.now() + 1000 };
    let last = "";
    for (let n = 0; n < 40; n++) last = await store.write(`flow:${n}`, "value", { ifVersion: "absent", index });
    await store.write("kept", "value", { ifVersion: "absent", index: { refs: ["a"] } });
    const client = createClient({ url: server.address });
    await client.connect();
    const left = async () => [await client.dbSize(), await client.zCard("{linkwright}:index")];
    await clock.advance(999);
    expect(await store.read("flow:39")).toMatchObject({ value: "value" });
    const seen: unknown[] = [await left()];
    await clock.advance(1);
    expect(await store.read("flow:39")).toBeUndefined();
    expect(await store.list({ prefix: "flow:", limit: 50 })).toEqual({ items: [] });
    expect(await store.remove("flow:39", { ifVersion: last })).toBe(false);
    expect(await left()).toEqual([42, 242]);
    for (const key of ["new:1", "new:2", "new:3"]) {
      await store.write(key, "new", { ifVersion: "absent" });
      seen.push(await left());
    }
    // The index itself is a key; a record of the forty has six members, the kept one two, a new one one.
    expect(seen).toEqual([
      [42, 242],
      [27, 147],
      [12, 52],
      [5, 5],
    ]);
    expect(await client.ttl("{linkwright}:record:kept")).toBe(-1);
    client.destroy();
    await store.close();
  });
});

describe("numbers in the index", () => {
  test("G57 sort as numbers do", () => {
    const moment = fc.oneof(
      fc.double({ noNaN: true }),
      fc.integer(),
      fc.constantFrom(0, -0, 1e15, 1_000_000.5, -1, -1.0000000000000002, 1, 1.0000000000000002),
    );
    fc.assert(
      fc.property(moment, moment, (a, b) => {
        const [x, y] = [sortable(a), sortable(b)];
        expect(x).toMatch(/^[0-9a-f]{16}$/);
        expect([x < y, x === y]).toEqual([a < b, a === b]);
      }),
      { numRuns: 2000 },
    );
  });
});
