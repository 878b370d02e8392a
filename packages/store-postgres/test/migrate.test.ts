import { readFile } from "node:fs/promises";
import { Client } from "pg";
import { describe, expect, test } from "vitest";
import { migrate, postgresStore } from "../src/index.ts";
import { hasPostgres, ownDatabase, ownPool } from "./services.ts";

describe.skipIf(!hasPostgres)("migrate", () => {
  test("a store without its schema rejects every call and names migrate; afterwards the same store works", async () => {
    const pool = ownPool(await ownDatabase());
    const store = postgresStore({ pool });
    for (let times = 0; times < 2; times++) {
      await expect(store.read("key")).rejects.toThrow(
        /^The Postgres store finds no tables of its own: call migrate\(pool\)/,
      );
    }
    expect(await migrate(pool)).toEqual([1]);
    expect(await store.read("key")).toBeUndefined();
    expect(await migrate(pool)).toEqual([]);
    await store.close();
  });

  test("a newer schema is refused by the store and by migrate, and left as it is", async () => {
    const pool = ownPool(await ownDatabase());
    await migrate(pool);
    await pool.query("INSERT INTO linkwright_migrations (version) VALUES (2)");
    const store = postgresStore({ pool });
    const message = "The Postgres store has the schema of version 2, to which a newer @linkwright/store-postgres did";
    await expect(store.write("key", "value", { ifVersion: "absent" })).rejects.toThrow(message);
    await expect(migrate(pool)).rejects.toThrow(message);
    await store.close();
    expect((await pool.query("SELECT version FROM linkwright_migrations ORDER BY 1")).rows).toEqual([
      { version: 1 },
      { version: 2 },
    ]);
    expect((await pool.query("SELECT 1 FROM linkwright_records")).rowCount).toBe(0);
  });

  test("an older schema is refused and named", async () => {
    const pool = ownPool(await ownDatabase());
    await migrate(pool);
    await pool.query("DELETE FROM linkwright_migrations");
    await expect(postgresStore({ pool }).read("key")).rejects.toThrow("has the schema of version 0 and needs 1: call");
  });

  test("of five at once, one migrates", async () => {
    const pool = ownPool(await ownDatabase(), 5);
    const answers = await Promise.all(Array.from({ length: 5 }, () => migrate(pool, { schema: "five" })));
    expect(answers.flat()).toEqual([1]);
  });

  test.each(["repeatable read", "serializable"])(
    "of five at once, one migrates a database that is %s by default",
    async (level) => {
      const address = await ownDatabase();
      const name = new URL(address).pathname.slice(1);
      await ownPool(address, 1).query(`ALTER DATABASE ${name} SET default_transaction_isolation = '${level}'`);
      const pool = ownPool(address, 5);
      const answers = await Promise.all(Array.from({ length: 5 }, () => migrate(pool)));
      expect(answers.flat()).toEqual([1]);
    },
  );

  test("G17 a connection that is lost on the way is a rejection, and nothing else", async () => {
    const address = await ownDatabase();
    const [pool, other] = [ownPool(address, 1), ownPool(address, 2)];
    const holder = await other.connect();
    await holder.query("BEGIN");
    await holder.query("SELECT pg_advisory_xact_lock($1)", [0x4c775374]);
    const migrated = migrate(pool).then(
      () => "migrated",
      (error: Error) => error.message,
    );
    const cut =
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'advisory' AND datname = current_database()";
    await expect.poll(async () => (await other.query(cut)).rowCount).toBe(1);
    expect(await migrated).toMatch(/terminat|connection/i);
    await holder.query("ROLLBACK");
    holder.release();
    expect(await migrate(pool)).toEqual([1]);
  });

  test("what fails half way leaves nothing behind, and no transaction open", async () => {
    const pool = ownPool(await ownDatabase(), 1);
    // In the way of an index in the second half of the file.
    await pool.query("CREATE TABLE linkwright_records_due_at ()");
    await expect(migrate(pool)).rejects.toThrow("already exists");
    const { rows } = await pool.query("SELECT to_regclass('linkwright_records') AS records");
    expect(rows).toEqual([{ records: null }]);
    await pool.query("DROP TABLE linkwright_records_due_at");
    expect(await migrate(pool)).toEqual([1]);
  });

  test("the SQL file alone, as psql runs it, makes what the store needs, and no session setting is left behind", async () => {
    const connectionString = await ownDatabase();
    const client = new Client({ connectionString });
    await client.connect();
    const file = await readFile(new URL("../migrations/0001-records.sql", import.meta.url), "utf8");
    await client.query(`BEGIN; ${file} COMMIT`);
    await client.end();
    const pool = ownPool(connectionString, 1);
    expect(await migrate(pool)).toEqual([]);
    const path = (await pool.query("SHOW search_path")).rows;
    expect(await migrate(pool, { schema: "elsewhere" })).toEqual([1]);
    expect((await pool.query("SHOW search_path")).rows).toEqual(path);
    const stores = [postgresStore({ pool }), postgresStore({ pool, schema: "elsewhere" })];
    for (const store of stores) expect(await store.write("key", "value", { ifVersion: "absent" })).toHaveLength(36);
  });

  test("a role that may only read and write rows can use the store; what it lacks is named", async () => {
    const connectionString = await ownDatabase();
    const admin = ownPool(connectionString, 1);
    await migrate(admin, { schema: "app" });
    const role = `linkwright_role_${process.pid}_${Date.now()}`;
    await admin.query(`CREATE ROLE ${role} LOGIN`);
    try {
      const url = new URL(connectionString);
      url.username = role;
      const store = postgresStore({ connectionString: url.href, schema: "app", max: 1 });
      await expect(store.read("key")).rejects.toThrow("may not use its tables: grant the role SELECT");
      await admin.query(`
        GRANT USAGE ON SCHEMA app TO ${role}; GRANT SELECT ON app.linkwright_migrations TO ${role};
        GRANT SELECT, INSERT, UPDATE, DELETE ON app.linkwright_records TO ${role}`);
      const version = await store.write("key", "value", { ifVersion: "absent", index: { expiresAt: 1 } });
      expect(version).toHaveLength(36);
      await store.close();
      await expect(migrate(ownPool(url.href, 1), { schema: "other" })).rejects.toThrow(
        "migrate needs a role that may create tables",
      );
    } finally {
      await admin.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    }
  });
});
