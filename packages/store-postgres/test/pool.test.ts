import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { storeContract } from "@linkwright/testing/store";
import { Client, Pool } from "pg";
import { beforeAll, describe, expect, test } from "vitest";
import { afterFile } from "../../testing/test/support/endings.ts";
import { freePort } from "../../testing/test/support/ports.ts";
import { migrate, postgresStore } from "../src/index.ts";
import { hasPostgres, ownDatabase, ownPool } from "./services.ts";

const prepared = "SELECT name, statement FROM pg_prepared_statements WHERE name LIKE 'linkwright%'";

describe.skipIf(!hasPostgres)("the application's pool", () => {
  let address: string;
  beforeAll(async () => {
    address = await ownDatabase();
    await migrate(ownPool(address));
  });

  test("G11 of two connections, 20 renewals at once hold none while they talk to a slow server", async () => {
    const pool = ownPool(address, 2);
    const store = postgresStore({ pool });
    for (let n = 0; n < 20; n++) await store.write(`slow:${n}`, "row", { ifVersion: "absent" });
    const inUse = () => pool.totalCount - pool.idleCount;
    let claims = 0;
    // The server answers nobody before all have asked: with a connection held meanwhile, the third would never come to ask.
    const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
    await Promise.all(
      Array.from({ length: 20 }, async (_, n) => {
        const row = await store.read(`slow:${n}`);
        const claim = await store.write(`slow:${n}`, "claimed", { ifVersion: row?.version ?? "" });
        if (++claims === 20) {
          await expect.poll(inUse).toBe(0);
          answer();
        }
        await answered;
        expect(await store.write(`slow:${n}`, "renewed", { ifVersion: claim })).not.toBe("conflict");
      }),
    );
    expect(pool.totalCount).toBe(2);
    expect([pool.idleCount, pool.waitingCount]).toEqual([2, 0]);
    await store.close();
  });

  test("is not ended by close(), and holds nothing of a store that prepares none: no statement, no transaction, no setting", async () => {
    const pool = ownPool(address, 1);
    const store = postgresStore({ pool, prepare: false });
    const settings = async () => (await pool.query("SELECT name, setting FROM pg_settings ORDER BY name")).rows;
    const before = await settings();
    const version = await store.write("key", "value", { ifVersion: "absent", index: { dueAt: 1, refs: ["a"] } });
    await store.read("key");
    await store.list({ prefix: "", ref: "a", limit: 1 });
    await store.due(1, { limit: 1 });
    await store.remove("key", { ifVersion: version });
    await store.close();
    await expect(store.read("key")).rejects.toThrow("The Postgres store is closed");
    expect((await pool.query("SELECT 1 FROM pg_prepared_statements")).rowCount).toBe(0);
    const { rows } = await pool.query("SELECT 1 FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory'");
    expect(rows).toEqual([]);
    expect(await settings()).toEqual(before);
  });

  test("prepares what looks up a key, each statement once for a connection, and what is planned for its values never", async () => {
    const pool = ownPool(address, 1);
    const store = postgresStore({ pool });
    let version = await store.write("prepared", "0", { ifVersion: "absent" });
    for (let n = 1; n < 5; n++) version = await store.write("prepared", `${n}`, { ifVersion: version });
    expect(await store.read("prepared")).toEqual({ value: "4", version });
    await store.list({ prefix: "prepared", limit: 1 });
    await store.due(1, { limit: 1 });
    expect(await store.remove("prepared", { ifVersion: version })).toBe(true);
    await store.close();
    const { rows } = await pool.query(`${prepared} ORDER BY statement`);
    expect(rows.map(({ statement }) => statement.trim().split(" ")[0])).toEqual([
      "DELETE",
      "INSERT",
      "SELECT",
      "UPDATE",
    ]);
    for (const { name } of rows) expect(name).toMatch(/^linkwright_[0-9a-f]{32}$/);
  });

  test("G26 a statement that something in between lost, or gave a name of another's, is run whole, once, and so are all after it", async () => {
    const pool = ownPool(address, 1);
    const first = postgresStore({ pool });
    const version = await first.write("lost", "1", { ifVersion: "absent" });
    const second = await first.write("lost", "2", { ifVersion: version });
    const { rows } = await pool.query(`${prepared} AND statement LIKE 'UPDATE%'`);
    // As if the pooler had given this client another connection of the server's.
    await pool.query("DEALLOCATE ALL");
    const third = await first.write("lost", "3", { ifVersion: second });
    expect(await first.read("lost")).toEqual({ value: "3", version: third });
    expect((await pool.query(prepared)).rowCount).toBe(0);
    // As if another client of the pooler had prepared on this one.
    await pool.query(`PREPARE ${rows[0]?.name} AS SELECT 1`);
    const other = postgresStore({ pool });
    const fourth = await other.write("lost", "4", { ifVersion: third });
    expect(await other.read("lost")).toEqual({ value: "4", version: fourth });
    expect(await other.write("lost", "5", { ifVersion: third })).toBe("conflict");
    await first.close();
    await other.close();
  });

  test("G08 with no connection free the call fails after the timeout, and what was given up is not carried out later", async () => {
    const pool = ownPool(address, 1);
    const store = postgresStore({ pool, timeout: 200 });
    await expect.poll(() => store.read("given up").catch(String)).toBeUndefined();
    const taken = await pool.connect();
    const outcomes = await Promise.allSettled([
      store.read("given up"),
      store.write("given up", "value", { ifVersion: "absent" }),
    ]);
    for (const outcome of outcomes) {
      expect(`${(outcome as PromiseRejectedResult).reason}`).toBe(
        "Error: The Postgres store got no connection in time: the server cannot be reached, or all connections of the pool are busy.",
      );
    }
    await store.close();
    taken.release();
    await expect.poll(() => [pool.totalCount, pool.idleCount, pool.waitingCount]).toEqual([1, 1, 0]);
    expect((await pool.query("SELECT 1 FROM linkwright_records WHERE key = 'given up'")).rowCount).toBe(0);
  });

  test("close() resolves also where calls wait for a connection that does not come", async () => {
    const pool = ownPool(address, 1);
    const taken = await pool.connect();
    const store = postgresStore({ pool, timeout: 200 });
    const read = store.read("key").catch(String);
    await store.close();
    expect(await read).toContain("got no connection in time");
    taken.release();
    await expect.poll(() => [pool.idleCount, pool.waitingCount]).toEqual([1, 0]);
  });

  test("close() lets the calls that are under way end first", async () => {
    const store = postgresStore({ connectionString: address, max: 1 });
    const calls = Array.from({ length: 20 }, (_, n) => store.write(`last:${n}`, "value", { ifVersion: "absent" }));
    await store.close();
    for (const version of await Promise.all(calls)) expect(version).toHaveLength(36);
  });
});

describe.skipIf(!hasPostgres)("a database whose transactions are serializable by default", async () => {
  if (!hasPostgres) return;
  const address = await ownDatabase();
  const pool = ownPool(address, 8);
  await migrate(pool);
  await pool.query(
    `ALTER DATABASE ${new URL(address).pathname.slice(1)} SET default_transaction_isolation = 'serializable'`,
  );
  const harness = { reach: "cluster", open: () => postgresStore({ connectionString: address }) } as const;
  const concerned = storeContract(harness).filter(({ name }) => /G02|G05|G10|G26|G61/.test(name));
  for (const { name, run } of concerned) test(name, run);
});

const hasPgBouncer = existsSync("/usr/sbin/pgbouncer");
if (!hasPgBouncer) console.log("SKIPPED: the contract through a transaction pooler, as pgbouncer is not installed.");

describe.skipIf(!hasPostgres || !hasPgBouncer)("through a transaction pooler of two connections", async () => {
  if (!hasPostgres || !hasPgBouncer) return;
  const address = await ownDatabase();
  const through = await pgBouncer(address);
  const pool = new Pool({ connectionString: through });
  await migrate(pool, { schema: "pooled" });
  await pool.end();
  const harness = {
    reach: "cluster",
    // LISTEN goes past the pooler, as it must.
    open: () => postgresStore({ connectionString: through, schema: "pooled", notify: { connectionString: address } }),
  } as const;
  for (const { name, run } of storeContract(harness)) test(name, run);

  test("where changes cannot be pushed the store works all the same, and says so once", async () => {
    const warnings: string[] = [];
    const onWarning = (message: string) => warnings.push(message);
    const notify = { connectionString: "postgres://nobody@127.0.0.1:1/nowhere" };
    const store = postgresStore({ connectionString: through, schema: "pooled", notify, onWarning });
    const stop = store.watch?.("key", () => {});
    expect(await store.write("key", "value", { ifVersion: "absent" })).toHaveLength(36);
    await expect.poll(() => warnings.length).toBe(1);
    expect(warnings[0]).toContain("cannot LISTEN, so changes of other processes are noticed by polling alone");
    await setTimeout(500);
    expect(warnings.length).toBe(1);
    stop?.();
    await store.close();
  });
});

/** Starts a PgBouncer of the test's own before `address`, in its mode for transactions. */
async function pgBouncer(address: string): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), "linkwright-pgbouncer-"));
  chmodSync(directory, 0o777);
  const { hostname, port, pathname, username } = new URL(address);
  const listen = await freePort();
  const file = join(directory, "pgbouncer.ini");
  writeFileSync(join(directory, "users.txt"), `"${username}" ""\n`);
  const databases = `${pathname.slice(1)} = host=${hostname} port=${port || 5432} user=${username}`;
  writeFileSync(
    file,
    `[databases]\n${databases}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = ${listen}\nunix_socket_dir =\n` +
      `auth_type = any\nauth_file = ${directory}/users.txt\npool_mode = transaction\ndefault_pool_size = 2\n`,
  );
  const runs = process.getuid?.() === 0 ? ["runuser", "-u", "postgres", "--"] : ["env"];
  const [command = "", ...rest] = runs;
  const child = spawn(command, [...rest, "/usr/sbin/pgbouncer", "-q", file], { stdio: "ignore" });
  afterFile(async () => {
    child.kill("SIGTERM");
    if (child.exitCode === null) await once(child, "exit");
    rmSync(directory, { recursive: true, force: true });
  });
  const through = new URL(address);
  through.hostname = "127.0.0.1";
  through.port = `${listen}`;
  for (let tries = 0; tries < 100; tries++) {
    const client = new Client({ connectionString: through.href });
    client.on("error", () => {});
    const connected = await client.connect().then(
      () => true,
      () => false,
    );
    await client.end().catch(() => {});
    if (connected) return through.href;
    await setTimeout(50);
  }
  throw new Error("PgBouncer did not start.");
}
