import { describe, expect, test } from "vitest";
import { afterFile } from "../../testing/test/support/endings.ts";
import { redisStore } from "../src/index.ts";
import { hasRedisServer, PrivateRedis } from "./private-redis.ts";

describe.skipIf(!hasRedisServer)("a Redis that is killed", () => {
  test("G16 has every acknowledged write when it is back, index and all, and the same store goes on", async () => {
    const server = await PrivateRedis.start({ appendonly: "yes", appendfsync: "always" });
    afterFile(() => server.remove());
    const warnings: string[] = [];
    const store = redisStore({ url: server.address, onWarning: (message) => warnings.push(message) });
    const acknowledged = new Map<string, { value: string; version: string }>();
    // What the server may or may not have done: it was asked, and did not answer.
    const inDoubt = new Set<string>();
    const failures: Error[] = [];

    async function writer(name: string): Promise<void> {
      for (let n = 0; ; n++) {
        for (const key of [name, `${name}:${n}`]) {
          const value = `${key} ${n} ${"x".repeat(2000)}`;
          const ifVersion = acknowledged.get(key)?.version ?? "absent";
          inDoubt.add(key);
          try {
            const version = await store.write(key, value, { ifVersion, index: { owner: "all", dueAt: n } });
            if (version === "conflict") throw new Error(`A conflict on ${key}, which nobody else writes.`);
            acknowledged.set(key, { value, version });
            inDoubt.delete(key);
          } catch (error) {
            failures.push(error as Error);
            return;
          }
        }
      }
    }

    for (let round = 0; round < 3; round++) {
      const before = acknowledged.size;
      const writers = Array.from({ length: 8 }, (_, n) => writer(`round ${round} writer ${n}`));
      await expect.poll(() => acknowledged.size).toBeGreaterThan(before + 300);
      await server.kill();
      await Promise.all(writers);
      await expect(store.read("round 0 writer 0")).rejects.toThrow("The Redis store cannot reach its server");
      await server.start();
      await expect.poll(() => store.read("none").catch(String)).toBeUndefined();
      const listed = new Set<string>();
      for (let cursor: string | undefined; ; ) {
        const page = await store.list({
          prefix: "",
          owner: "all",
          limit: 500,
          ...(cursor !== undefined && { cursor }),
        });
        for (const item of page.items) listed.add(item.key);
        cursor = page.cursor;
        if (cursor === undefined) break;
      }
      for (const [key, { value, version }] of acknowledged) {
        const found = await store.read(key);
        expect(listed.has(key), `${key} in the list of all`).toBe(true);
        expect(found, `${key}, which was acknowledged`).toBeDefined();
        if (inDoubt.has(key) && found?.version !== version) continue;
        expect(found?.version, key).toBe(version);
        expect(found?.value === value, key).toBe(true);
      }
    }
    expect(failures.length).toBe(24);
    for (const { message } of failures) expect(message).toMatch(/^The Redis store (lost|cannot reach)/);
    expect(warnings).toEqual([]);
    await store.close();
  });
});
