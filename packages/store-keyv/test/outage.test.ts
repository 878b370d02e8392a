import { setTimeout } from "node:timers/promises";
import { KeyvPostgres } from "@keyv/postgres";
import KeyvRedis from "@keyv/redis";
import type { Store } from "@linkwright/core";
import { Keyv } from "keyv";
import { describe, expect, test } from "vitest";
import { LoopbackProxy } from "../../store-postgres/test/loopback-proxy.ts";
import { ownDatabase } from "../../store-postgres/test/services.ts";
import { afterFile } from "../../testing/test/support/endings.ts";
import { keyvStore } from "../src/index.ts";
import { hasPostgres, hasRedis, redisAddress, redisKeyv } from "./services.ts";

/** A store through a proxy, and a Keyv that goes past it to the same data. */
type Opened = { proxy: LoopbackProxy; store: Store; direct: Keyv };

async function onRedis(): Promise<Opened> {
  const proxy = await LoopbackProxy.to(redisAddress, 6379);
  const direct = redisKeyv();
  const adapter = new KeyvRedis(proxy.through(redisAddress));
  const keyv = new Keyv({ store: adapter, ...(direct.namespace !== undefined && { namespace: direct.namespace }) });
  afterFile(async () => {
    adapter.client.destroy();
    await proxy.close();
  });
  return { proxy, store: keyvStore(keyv, { timeout: 3000 }), direct };
}

async function onPostgres(): Promise<Opened> {
  const address = await ownDatabase();
  const proxy = await LoopbackProxy.to(address, 5432);
  // One connection, always in use when it is cut: this adapter lets the death of an idle one end the process.
  const options = { max: 1, connectionTimeoutMillis: 10_000, query_timeout: 10_000 };
  const adapter = new KeyvPostgres({ uri: proxy.through(address), ...options });
  // The adapter has one pool for all instances; a Keyv beside it must be of the same address.
  const keyv = new Keyv({ store: adapter });
  afterFile(async () => {
    await keyv.disconnect();
    await proxy.close();
  });
  return { proxy, store: keyvStore(keyv, { timeout: 15_000 }), direct: keyv };
}

describe.each([
  ["@keyv/redis", hasRedis, onRedis],
  ["@keyv/postgres", hasPostgres, onPostgres],
])("a connection of %s that is lost", (_name, isThere, open) => {
  test.skipIf(!isThere)(
    "G16 cut in the middle of many writes: none is acknowledged that is not there, and the store goes on",
    { timeout: 60_000 },
    async () => {
      const { proxy, store, direct } = await open();
      const acknowledged = new Map<string, { value: string; version: string }>();
      const inDoubt = new Set<string>();
      let failures = 0;
      const writer = async (name: string, until: () => boolean) => {
        for (let n = 0; !until(); n++) {
          const value = `${name} ${n}`;
          inDoubt.add(name);
          try {
            const ifVersion = acknowledged.get(name)?.version ?? "absent";
            const version = await store.write(name, value, { ifVersion, index: { owner: "all" } });
            if (version === "conflict") throw new Error("A conflict, though nobody else writes.");
            acknowledged.set(name, { value, version });
            inDoubt.delete(name);
          } catch (error) {
            failures++;
            expect(`${error}`).toContain("The Keyv store's backend");
            return;
          }
        }
      };
      for (let round = 0; round < 2; round++) {
        let isOver = false;
        const writers = Array.from({ length: 6 }, (_, n) => writer(`round ${round} writer ${n}`, () => isOver));
        // A key that was never written needs no backend to be absent.
        await expect.poll(() => acknowledged.size).toBe(6 * (round + 1));
        await setTimeout(200);
        proxy.cut();
        // Whatever is read now is no absence.
        for (const outcome of await Promise.allSettled([
          store.read("round 0 writer 0"),
          store.list({ prefix: "", limit: 1 }),
        ])) {
          expect(outcome.status).toBe("rejected");
        }
        await Promise.all(writers);
        isOver = true;
        await proxy.heal();
        await expect.poll(() => store.read("none").catch(String)).toBeUndefined();
        const reread = async (key: string) => {
          for (let tries = 0; ; tries++) {
            const found = await store.read(key).catch((error: unknown) => {
              if (tries > 20) throw error;
              return "failed" as const;
            });
            if (found !== "failed") return found;
            await setTimeout(100);
          }
        };
        for (const [key, { value, version }] of acknowledged) {
          const found = await reread(key);
          expect(found, key).toBeDefined();
          if (inDoubt.has(key) && found?.version !== version) continue;
          expect(found, key).toEqual({ value, version });
        }
        // A new store, that knows nothing yet, sees the same.
        const again = keyvStore(direct);
        const { items } = await again.list({ prefix: "", owner: "all", limit: 100 });
        const listed = new Set(items.map((item) => item.key));
        for (const key of acknowledged.keys()) expect(listed.has(key), key).toBe(true);
        await again.close();
      }
      expect(failures).toBe(12);
      expect(acknowledged.size).toBe(12);
      await store.close();
    },
  );
});
