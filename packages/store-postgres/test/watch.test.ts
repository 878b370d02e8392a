import type { Pool } from "pg";
import { beforeAll, describe, expect, test } from "vitest";
import { migrate, type PostgresClient, type PostgresPool, postgresStore } from "../src/index.ts";
import { hasPostgres, ownDatabase, ownPool } from "./services.ts";

describe.skipIf(!hasPostgres)("pushed changes", () => {
  let connectionString: string;
  let pool: Pool;
  beforeAll(async () => {
    connectionString = await ownDatabase();
    pool = ownPool(connectionString);
    await migrate(pool);
  });
  const listening = async () => (await pool.query(`${listeners} AND state = 'idle'`)).rowCount;
  const listeners = "SELECT pid FROM pg_stat_activity WHERE query LIKE 'LISTEN %' AND datname = current_database()";

  test("there is no watch without notify, and no notification is sent", async () => {
    const store = postgresStore({ pool });
    expect(store.watch).toBeUndefined();
    const watching = postgresStore({ pool, notify: true });
    const other = postgresStore({ pool, notify: true });
    const heard = { silent: 0, fence: 0 };
    watching.watch?.("silent", () => heard.silent++);
    watching.watch?.("fence", () => heard.fence++);
    await expect.poll(() => heard).toEqual({ silent: 1, fence: 1 });
    await store.write("silent", "value", { ifVersion: "absent" });
    // Notifications come in the order of the commits.
    await other.write("fence", "value", { ifVersion: "absent" });
    await expect.poll(() => heard.fence).toBe(2);
    expect(heard.silent).toBe(1);
    await other.close();
    await watching.close();
  });

  test("G07 a watcher hears of what another instance wrote, of its own key alone, on one connection that close() ends", async () => {
    const [one, other] = [postgresStore({ pool, notify: true }), postgresStore({ connectionString, notify: true })];
    const heard = { a: 0, b: 0 };
    const stop = one.watch?.("a", () => {
      heard.a++;
      throw new Error("a listener that fails");
    });
    one.watch?.("b", () => heard.b++);
    // Both once, when the connection stands: what happened before that was not heard.
    await expect.poll(() => heard).toEqual({ a: 1, b: 1 });
    const version = await other.write("a", "1", { ifVersion: "absent" });
    await expect.poll(() => heard).toEqual({ a: 2, b: 1 });
    expect(await other.write("a", "2", { ifVersion: "stale" })).toBe("conflict");
    await other.remove("a", { ifVersion: version });
    await expect.poll(() => heard).toEqual({ a: 3, b: 1 });
    await other.write("b", "1", { ifVersion: "absent" });
    await expect.poll(() => heard.b).toBe(2);
    expect(heard).toEqual({ a: 3, b: 2 });
    stop?.();
    expect(await listening()).toBe(1);
    await one.close();
    await other.close();
    await expect.poll(listening).toBe(0);
    expect(() => one.watch?.("a", () => {})).toThrow("is closed");
  });

  test("G07 a watcher whose connection died is called when there is another, and hears on", async () => {
    const store = postgresStore({ pool, notify: true });
    let heard = 0;
    store.watch?.("cut", () => heard++);
    await expect.poll(() => heard).toBe(1);
    const { rowCount } = await pool.query(`SELECT pg_terminate_backend(pid) FROM (${listeners}) AS listening`);
    expect(rowCount).toBe(1);
    await expect.poll(() => heard).toBe(2);
    await store.write("cut", "value", { ifVersion: "absent" });
    await expect.poll(() => heard).toBe(3);
    await store.close();
  });

  test("G07 of what was written before close() the others hear", async () => {
    const [one, other] = [postgresStore({ pool, notify: true }), postgresStore({ connectionString, notify: true })];
    let heard = 0;
    one.watch?.("last", () => heard++);
    await expect.poll(() => heard).toBe(1);
    const version = other.write("last", "value", { ifVersion: "absent" });
    await other.close();
    expect(await version).toHaveLength(36);
    await expect.poll(() => heard).toBe(2);
    await one.close();
  });

  test("G07 no statement that changes a record notifies, as their commits would wait for one another", async () => {
    const statements: string[] = [];
    const watched: PostgresPool = {
      options: pool.options,
      async connect() {
        const client: PostgresClient = await pool.connect();
        return {
          query(query) {
            statements.push(typeof query === "string" ? query : query.text);
            return client.query(query);
          },
          on: (event, listener) => client.on(event, listener),
          off: (event, listener) => client.off(event, listener),
          release: (error) => client.release(error),
        };
      },
    };
    const store = postgresStore({ pool: watched, notify: true });
    let heard = 0;
    store.watch?.("told", () => heard++);
    await expect.poll(() => heard).toBe(1);
    const version = await store.write("told", "1", { ifVersion: "absent" });
    await expect.poll(() => heard).toBe(2);
    // On the connection that listens; where there is none, on the pool.
    expect(statements.filter((text) => text.includes("pg_notify"))).toEqual([]);
    await store.close();
    const other = postgresStore({ pool: watched, notify: true });
    await other.remove("told", { ifVersion: await other.write("told", "2", { ifVersion: version }) });
    await other.close();
    const verbs = (texts: string[]) => texts.map((text) => text.trim().split(" ")[0]);
    expect(verbs(statements)).toEqual(expect.arrayContaining(["INSERT", "UPDATE", "DELETE"]));
    const notices = verbs(statements.filter((text) => text.includes("pg_notify")));
    expect([...new Set(notices)]).toEqual(["SELECT"]);
  });

  test("a key as long as an index allows is announced too", async () => {
    const store = postgresStore({ pool, notify: true });
    const key = `long:${"x".repeat(20_000)}`;
    expect(await store.write(key, "value", { ifVersion: "absent" })).toHaveLength(36);
    const random = Array.from({ length: 400 }, () => crypto.randomUUID()).join("");
    await expect(store.write(random, "value", { ifVersion: "absent" })).rejects.toThrow("cannot index a text as long");
    await store.close();
  });
});
