import { createClient } from "redis";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { LoopbackProxy } from "../../store-postgres/test/loopback-proxy.ts";
import { afterFile } from "../../testing/test/support/endings.ts";
import { redisStore } from "../src/index.ts";
import { address, hasRedis, ownPrefix, using } from "./services.ts";

const onWarning = () => {};

describe.skipIf(!hasRedis)("a connection that is lost", () => {
  const prefix = ownPrefix();
  let proxy: LoopbackProxy;
  let url: string;
  beforeAll(async () => {
    proxy = await LoopbackProxy.to(address, 6379);
    url = proxy.through(address);
    afterFile(() => proxy.close());
  });
  beforeEach(() => proxy.heal());

  test("G21 cut in the middle of a write: the call fails, says what is not known, and the record tells", async () => {
    const store = redisStore({ url, prefix, onWarning });
    const version = await store.write("doubt", "first", { ifVersion: "absent" });
    await store.read("doubt");
    proxy.loseReplies();
    const error = await store.write("doubt", "second", { ifVersion: version }).catch((thrown: Error) => thrown);
    expect(error).toBeInstanceOf(Error);
    expect((error as Error).message).toContain("Whether a write that was under way took place is not known");
    expect((error as Error).cause).toBeInstanceOf(Error);
    await proxy.heal();
    // The server did get it. A second try at the same version is a conflict, and not a second write.
    await expect.poll(() => store.read("doubt").catch(String)).toMatchObject({ value: "second" });
    expect(await store.write("doubt", "third", { ifVersion: version })).toBe("conflict");
    await store.close();
  });

  test.each(["own", "application's"])(
    "G21 while the server is away every method of a store on the %s client rejects, and none is carried out later",
    async (whose) => {
      const client = createClient({ url });
      client.on("error", () => {});
      if (whose !== "own") await client.connect();
      // One that sat its timeout out would outlast the test.
      const store = redisStore({ ...(whose === "own" ? { url } : { client }), prefix, onWarning, timeout: 120_000 });
      const key = `away ${whose}`;
      const version = await store.write(key, "value", { ifVersion: "absent", index: { dueAt: 5 } });
      proxy.cut();
      const calls = () => [
        store.read(key),
        store.write(key, "new", { ifVersion: version, index: { dueAt: 5 } }),
        store.write(`${key} other`, "new", { ifVersion: "absent" }),
        store.remove(key, { ifVersion: version }),
        store.list({ prefix: "away", limit: 1 }),
        store.due(10, { limit: 1 }),
      ];
      for (let round = 0; round < 3; round++) {
        for (const outcome of await Promise.allSettled(calls())) {
          expect(outcome.status).toBe("rejected");
          expect(`${(outcome as PromiseRejectedResult).reason}`).toMatch(/Error: The Redis store (lost|cannot reach)/);
        }
      }
      await proxy.heal();
      await expect.poll(() => store.read(key).catch(String)).toEqual({ value: "value", version });
      expect(await store.read(`${key} other`)).toBeUndefined();
      const [read, written, other, removed] = await Promise.all(calls());
      expect([read, removed]).toEqual([{ value: "value", version }, false]);
      expect([written, other].map((each) => (each as string).length)).toEqual([36, 36]);
      await store.close();
      if (whose !== "own") {
        expect(client.isReady).toBe(true);
        client.destroy();
      }
    },
  );

  test("G08 a server that says nothing: the call fails after the timeout, and the next one connects anew", async () => {
    const store = redisStore({ url, prefix, timeout: 300, onWarning });
    await expect.poll(() => store.read("stalled").catch(String)).toBeUndefined();
    proxy.stall();
    await expect(store.read("stalled")).rejects.toThrow("got no answer for 300 ms");
    await expect(store.read("stalled")).rejects.toThrow(/got no answer|cannot reach its server/);
    await proxy.heal();
    await expect.poll(() => store.read("stalled").catch(String)).toBeUndefined();
    await store.close();
    await expect.poll(() => proxy.connections).toBe(0);
  });

  test("a server that forgot the scripts is told them again", async () => {
    const store = redisStore({ url: address, prefix, onWarning });
    const version = await store.write("script", "value", { ifVersion: "absent" });
    await using(address, (client) => client.scriptFlush());
    expect(await store.write("script", "again", { ifVersion: version })).toHaveLength(36);
    await store.close();
  });

  test("G07 a watcher whose connection died is called when there is another, and hears on", async () => {
    const watching = redisStore({ url, prefix, onWarning });
    const writing = redisStore({ url: address, prefix, onWarning });
    const heard = { a: 0, b: 0 };
    const stop = watching.watch?.("a", () => {
      heard.a++;
      throw new Error("a listener that fails");
    });
    watching.watch?.("b", () => heard.b++);
    // Both once, when the connection stands: what happened before that was not heard.
    await expect.poll(() => heard).toEqual({ a: 1, b: 1 });
    const version = await writing.write("a", "value", { ifVersion: "absent" });
    await expect.poll(() => heard).toEqual({ a: 2, b: 1 });
    expect(await writing.write("a", "value", { ifVersion: "stale" })).toBe("conflict");
    proxy.cut();
    await expect.poll(() => proxy.connections).toBe(0);
    await proxy.heal();
    await expect.poll(() => heard).toEqual({ a: 3, b: 2 });
    await writing.remove("a", { ifVersion: version });
    await expect.poll(() => heard).toEqual({ a: 4, b: 2 });
    stop?.();
    await watching.close();
    await writing.close();
    await expect.poll(() => proxy.connections).toBe(0);
    expect(() => watching.watch?.("a", () => {})).toThrow("is closed");
  });

  test("G07 a watcher that could not connect at first does so later", async () => {
    proxy.cut();
    const store = redisStore({ url, prefix, onWarning });
    let heard = 0;
    store.watch?.("late", () => heard++);
    await expect(store.read("late")).rejects.toThrow("cannot reach its server");
    expect(heard).toBe(0);
    await proxy.heal();
    await expect.poll(() => heard).toBe(1);
    await store.close();
  });
});
