import { mkdirSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setImmediate } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { sqliteStore } from "../src/index.ts";
import { openDatabase } from "../src/open.ts";
import { Turnstile } from "../src/turnstile.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

describe("a file that another connection has locked", () => {
  const directory = temporaryDirectory();

  // The lock is held and released by this very thread: were the event loop blocked until the lock is free, it never would be.
  test("G11 leaves the event loop free, and the write succeeds when the lock is gone", async () => {
    const path = join(directory, "held.db");
    const store = sqliteStore({ path, lockTimeout: 15_000 });
    const first = await store.write("key", "old", { ifVersion: "absent" });
    const holder = new DatabaseSync(path);
    holder.exec("BEGIN IMMEDIATE");
    const settled: string[] = [];
    const calls = Array.from({ length: 40 }, async (_, n) => {
      const answer = await store.write(n ? `other ${n}` : "key", "new", { ifVersion: n ? "absent" : first });
      settled.push(answer);
      return answer;
    });
    for (let turn = 0; turn < 20; turn++) await setImmediate();
    expect(settled).toEqual([]);
    expect(await store.read("key")).toEqual({ value: "old", version: first });
    holder.exec("ROLLBACK");
    holder.close();
    const versions = await Promise.all(calls);
    expect(new Set(versions).size).toBe(40);
    expect(await store.read("key")).toEqual({ value: "new", version: versions[0] });
    await store.close();
  });

  test("G21 is an error that says so when the time is over, and nothing was changed", async () => {
    const path = join(directory, "busy.db");
    const store = sqliteStore({ path, lockTimeout: 0 });
    const version = await store.write("key", "old", { ifVersion: "absent" });
    const holder = new DatabaseSync(path);
    holder.exec("BEGIN IMMEDIATE");
    const write = store.write("key", "new", { ifVersion: String(version) });
    await expect(write).rejects.toThrow(/stayed locked by another connection for 0 ms \(SQLITE_BUSY\).*lockTimeout/);
    await expect(write).rejects.toMatchObject({ cause: { errcode: 5 } });
    await expect(store.remove("key", { ifVersion: String(version) })).rejects.toThrow("SQLITE_BUSY");
    holder.exec("ROLLBACK");
    holder.close();
    expect(await store.read("key")).toEqual({ value: "old", version });
    await store.close();
  });

  test("closing waits for the writes that were asked for", async () => {
    const path = join(directory, "closing", "store.db");
    mkdirSync(dirname(path));
    const store = sqliteStore(path);
    await store.write("first", "", { ifVersion: "absent" });
    const holder = new DatabaseSync(path);
    holder.exec("BEGIN IMMEDIATE");
    const write = store.write("key", "rotated", { ifVersion: "absent" });
    let isWritten = false;
    void write.then(() => {
      isWritten = true;
    });
    const closed = store.close();
    await expect(store.read("key")).rejects.toThrow("is closed");
    holder.exec("ROLLBACK");
    holder.close();
    await closed;
    expect(isWritten).toBe(true);
    expect(readdirSync(dirname(path))).toEqual(["store.db"]);
    const again = sqliteStore(path);
    expect(await again.read("key")).toEqual({ value: "rotated", version: await write });
    await again.close();
  });

  test("the driver's own wait is short, and every commit reaches the disk", () => {
    const database = openDatabase(join(directory, "pragmas.db"));
    expect(Number(database.prepare("PRAGMA busy_timeout").get()?.timeout)).toBeLessThanOrEqual(50);
    expect({ ...database.prepare("PRAGMA synchronous").get() }).toEqual({ synchronous: 2 });
    expect({ ...database.prepare("PRAGMA foreign_keys").get() }).toEqual({ foreign_keys: 1 });
    database.close();
  });
});

describe("Turnstile", () => {
  const busy = () => Object.assign(new Error("database is locked"), { errcode: 5 });

  test("tries the first call again and keeps the others waiting behind it, in order", async () => {
    const turnstile = new Turnstile("store.db", 15_000);
    const tried: number[] = [];
    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, n) =>
        turnstile.run(() => {
          tried.push(n);
          if (n === 0 && tried.length < 4) throw busy();
          return n * 10;
        }),
      ),
    );
    expect(answers).toEqual([0, 10, 20, 30, 40, 50]);
    expect(tried).toEqual([0, 0, 0, 0, 1, 2, 3, 4, 5]);
  });

  test("pauses between tries", async () => {
    const turnstile = new Turnstile("store.db", 15_000);
    let isFree = false;
    let tries = 0;
    const call = turnstile.run(() => {
      tries++;
      if (!isFree) throw busy();
    });
    for (let turn = 0; turn < 10; turn++) await setImmediate();
    isFree = true;
    await call;
    // Without a pause, thousands.
    expect(tries).toBeLessThan(100);
  });

  test("ends all calls whose time is over at the first one's last try", async () => {
    const turnstile = new Turnstile("store.db", 0);
    let tries = 0;
    const calls = Array.from({ length: 100 }, () =>
      turnstile.run(() => {
        tries++;
        throw busy();
      }),
    );
    const answers = await Promise.allSettled(calls);
    expect(answers.map((answer) => answer.status)).toEqual(Array(100).fill("rejected"));
    expect(tries).toBe(1);
    expect(await turnstile.run(() => "open again")).toBe("open again");
  });

  test("lets one call fail without the others", async () => {
    const turnstile = new Turnstile("store.db", 15_000);
    const failing = turnstile.run(() => {
      throw new RangeError("of its own");
    });
    const next = turnstile.run(() => "next");
    await expect(failing).rejects.toThrow(RangeError);
    expect(await next).toBe("next");
  });

  test("lets the event loop turn between calls of one who awaits each", async () => {
    const turnstile = new Turnstile("store.db", 15_000);
    let turns = 0;
    const turning = (async () => {
      for (; turns < 50; turns++) await setImmediate();
    })();
    for (let n = 0; n < 50; n++) await turnstile.run(() => n);
    expect(turns).toBeGreaterThan(25);
    await turning;
  });
});
