import { describe, expect, test } from "vitest";
import { afterFile } from "../../testing/test/support/endings.ts";
import { durabilityWarnings } from "../src/durability.ts";
import { redisStore } from "../src/index.ts";
import { hasRedisServer, PrivateRedis } from "./private-redis.ts";

async function privateRedis(settings: Record<string, string>): Promise<PrivateRedis> {
  const server = await PrivateRedis.start(settings);
  afterFile(() => server.remove());
  return server;
}

describe.skipIf(!hasRedisServer)("a server's settings", () => {
  test("G22 a server set up as a cache is warned about once, at the first call", async () => {
    const server = await privateRedis({ "maxmemory-policy": "allkeys-lru", maxmemory: "100mb" });
    const warnings: string[] = [];
    const store = redisStore({ url: server.address, onWarning: (message) => warnings.push(message) });
    await store.read("key");
    await expect.poll(() => warnings.length).toBe(2);
    expect(warnings[0]).toContain("maxmemory-policy is allkeys-lru: when its memory is full it drops records");
    expect(warnings[1]).toContain("keeps no append-only file");
    await store.write("key", "value", { ifVersion: "absent" });
    await store.close();
    expect(warnings.length).toBe(2);
  });

  test("G22 the warning goes to process.emitWarning where nobody else asks for it", async () => {
    const server = await privateRedis({});
    const warned = new Promise<Error>((resolve) => process.once("warning", resolve));
    const store = redisStore({ url: server.address });
    await store.read("key");
    expect((await warned).message).toContain("keeps no append-only file");
    await store.close();
  });

  test("policies that evict only keys with a time to live evict nothing of the store's", () => {
    const info = (policy: string, aof: number) => `# Memory\r\nmaxmemory_policy:${policy}\r\naof_enabled:${aof}\r\n`;
    const count = (policy: string, aof = 1) => durabilityWarnings(info(policy, aof)).length;
    expect(
      ["noeviction", "volatile-lru", "volatile-ttl", "allkeys-lfu", "allkeys-random"].map((each) => count(each)),
    ).toEqual([0, 0, 0, 1, 1]);
    expect(count("noeviction", 0)).toBe(1);
    expect(durabilityWarnings("")).toEqual([]);
  });

  test("G16 a server that is out of memory refuses a write whole, and drops nothing", async () => {
    const server = await privateRedis({ maxmemory: "6mb", appendonly: "yes" });
    const store = redisStore({ url: server.address });
    const versions: string[] = [];
    let failure: Error | undefined;
    for (let n = 0; n < 1000 && !failure; n++) {
      const index = { owner: "all", refs: [`ref ${n}`], dueAt: n };
      await store.write(`row:${n}`, "x".repeat(20_000), { ifVersion: "absent", index }).then(
        (version) => versions.push(version),
        (error: Error) => {
          failure = error;
        },
      );
    }
    expect(failure?.message).toContain("has used all of its maxmemory. Give it more; nothing was changed.");
    expect(versions.length).toBeGreaterThan(50);
    expect(await store.read(`row:${versions.length}`)).toBeUndefined();
    const due = await store.due(1e6, { limit: 1000 });
    expect(due.items.map((item) => item.version)).toEqual(versions);
    // Removing is what makes room.
    expect(await store.remove("row:0", { ifVersion: versions[0] ?? "" })).toBe(true);
    await store.close();
  });

  test("a password that is missing or wrong is said so, and not what was tried", async () => {
    const server = await privateRedis({ requirepass: "hunter2" });
    for (const [url, message] of [
      [server.address, "the server wants a password"],
      [server.address.replace("://", "://:hunter3@"), "the user name or password is wrong"],
    ] as const) {
      const store = redisStore({ url });
      const error = (await store.read("key").catch((thrown: unknown) => thrown)) as Error;
      expect(error.message).toContain(message);
      expect(`${error.stack} ${(error.cause as Error).stack}`).not.toContain("hunter");
      await store.close();
    }
    const store = redisStore({ url: server.address.replace("://", "://:hunter2@"), onWarning: () => {} });
    expect(await store.read("key")).toBeUndefined();
    await store.close();
  });
});
