import { randomUUID } from "node:crypto";
import { Client, Pool } from "pg";
import { afterFile } from "../../testing/test/support/endings.ts";

const address = process.env.DATABASE_URL ?? "postgres://postgres@127.0.0.1:5432/postgres";

/** Whether there is a server to test on. Where there is none the suites are skipped, but not in CI, which must have one. */
export const hasPostgres = await administrate("SELECT 1").then(
  () => true,
  (error: unknown) => {
    const { host } = new URL(address);
    if (process.env.CI) throw new Error(`CI needs Postgres at ${host}, or DATABASE_URL.`, { cause: error });
    console.log(`SKIPPED: the tests on Postgres, as there is none at ${host}. Start one, or set DATABASE_URL.`);
    return false;
  },
);

/** The address of a database of this run's own, dropped after the tests of the file. */
export async function ownDatabase(): Promise<string> {
  const name = `linkwright_test_${randomUUID().replaceAll("-", "")}`;
  await administrate(`CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8'`);
  afterFile(() => dropDatabase(name));
  const url = new URL(address);
  url.pathname = `/${name}`;
  return url.href;
}

/** A pool that is ended after the tests of the file. */
export function ownPool(connectionString: string, max = 4): Pool {
  const pool = new Pool({ connectionString, max });
  pool.on("error", () => {});
  afterFile(() => pool.end());
  return pool;
}

/**
 * A pool's end does not wait for the server to have closed its sessions, and to cut off such a session is an error that
 * nobody listens to any more. A plain drop waits for them, up to five seconds; force is for those that a test left open.
 */
async function dropDatabase(name: string): Promise<void> {
  await administrate(`DROP DATABASE IF EXISTS ${name}`).catch(() =>
    administrate(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  );
}

async function administrate(statement: string): Promise<void> {
  const client = new Client({ connectionString: address, connectionTimeoutMillis: 5000 });
  client.on("error", () => {});
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
