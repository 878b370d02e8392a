import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { afterFile } from "../../testing/test/support/endings.ts";
import { migrate, postgresStore } from "../src/index.ts";
import { LoopbackProxy } from "./loopback-proxy.ts";
import { hasPostgres, ownDatabase, ownPool } from "./services.ts";

describe.skipIf(!hasPostgres)("a connection that is lost", () => {
  let address: string;
  let proxy: LoopbackProxy;
  beforeAll(async () => {
    address = await ownDatabase();
    await migrate(ownPool(address));
    proxy = await LoopbackProxy.to(address, 5432);
    afterFile(() => proxy.close());
  });
  beforeEach(() => proxy.heal());

  test("G21 cut in the middle of a write: the call fails, says what is not known, and the record tells", async () => {
    const store = postgresStore({ connectionString: proxy.through(address), max: 1 });
    const version = await store.write("doubt", "first", { ifVersion: "absent" });
    // Behind the sweep that the first write set off, so that the reply to the next write is the next reply.
    await store.read("doubt");
    proxy.loseReplies();
    const error = await store.write("doubt", "second", { ifVersion: version }).catch((thrown: Error) => thrown);
    expect(error).toBeInstanceOf(Error);
    expect((error as Error).message).toContain("Whether a write that was under way took place is not known");
    expect((error as Error).cause).toBeInstanceOf(Error);
    await proxy.heal();
    // The server did get it. A second try at the same version is a conflict, and not a second write.
    expect((await store.read("doubt"))?.value).toBe("second");
    expect(await store.write("doubt", "third", { ifVersion: version })).toBe("conflict");
    await store.close();
  });

  test("G21 while the server is away every method rejects; afterwards all of them work", async () => {
    // One that sat its timeout out would outlast the test.
    const store = postgresStore({ connectionString: proxy.through(address), max: 2, timeout: 120_000 });
    const version = await store.write("away", "value", { ifVersion: "absent", index: { dueAt: 5 } });
    proxy.cut();
    const calls = () => [
      store.read("away"),
      store.write("away", "new", { ifVersion: version, index: { dueAt: 5 } }),
      store.remove("away", { ifVersion: "none" }),
      store.list({ prefix: "away", limit: 1 }),
      store.due(10, { limit: 1 }),
    ];
    for (let round = 0; round < 3; round++) {
      for (const outcome of await Promise.allSettled(calls())) {
        expect(outcome.status).toBe("rejected");
        expect(`${(outcome as PromiseRejectedResult).reason}`).toMatch(/Error: The Postgres store (lost|cannot reach)/);
      }
    }
    await proxy.heal();
    const [read, written, removed, list, due] = await Promise.all(calls());
    expect([read, removed, list, due]).toMatchObject([{}, false, { items: [{}] }, { items: [{ key: "away" }] }]);
    expect(written).toHaveLength(36);
    await store.close();
  });

  test("G08 a server that says nothing: the call fails after the timeout, and the connection is not used again", async () => {
    const store = postgresStore({ connectionString: proxy.through(address), max: 1, timeout: 300 });
    // Connecting, too, may take its time.
    await expect.poll(() => store.read("stalled").catch(String)).toBeUndefined();
    proxy.stall();
    await expect(store.read("stalled")).rejects.toThrow(/got no (answer|connection) in time/);
    await expect(store.read("stalled")).rejects.toThrow(/got no (answer|connection) in time/);
    await proxy.heal();
    const said: string[] = [];
    const read = () => store.read("stalled").catch((error: Error) => said.push(error.message));
    await expect.poll(read).toBeUndefined();
    // Connecting may have taken too long; the dead connection was not met again.
    for (const message of said) expect(message).not.toContain("lost its connection");
    await store.close();
    await expect.poll(() => proxy.connections).toBe(0);
  });

  test("G07 a listening connection that went silent is given up at the first notice that gets no answer, and another hears on", async () => {
    const notify = { connectionString: proxy.through(address) };
    const store = postgresStore({ connectionString: address, max: 1, notify, timeout: 2_000 });
    let heard = 0;
    store.watch?.("silent", () => heard++);
    await expect.poll(() => heard).toBe(1);
    proxy.forget();
    const version = await store.write("silent", "first", { ifVersion: "absent" });
    // Called by the connection that took the place of the other.
    await expect.poll(() => heard).toBeGreaterThan(1);
    const before = heard;
    expect(await store.write("silent", "second", { ifVersion: version })).toHaveLength(36);
    await expect.poll(() => heard).toBeGreaterThan(before);
    await store.close();
  });

  test("G17 connections that die while nobody uses them harm nobody", async () => {
    const store = postgresStore({ connectionString: proxy.through(address), max: 3 });
    await Promise.all(["a", "b", "c"].map((key) => store.read(key)));
    proxy.cut();
    await expect.poll(() => proxy.connections).toBe(0);
    await proxy.heal();
    await expect.poll(() => store.read("a").catch(String)).toBeUndefined();
    await store.close();
  });

  test("G08 the schema is asked for again where it could not be", async () => {
    proxy.cut();
    const store = postgresStore({ connectionString: proxy.through(address) });
    await expect(store.read("key")).rejects.toThrow("The Postgres store");
    await proxy.heal();
    expect(await store.read("key")).toBeUndefined();
    await store.close();
  });
});
