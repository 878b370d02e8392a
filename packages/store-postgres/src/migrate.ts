import { readFile } from "node:fs/promises";
import { explain, explainSchema } from "./faults.ts";
import { checkSchema, type PostgresClient, type PostgresPool } from "./options.ts";
import { quoted, schemaVersion } from "./statements.ts";

/** In the order in which they are applied. A file that was released never changes: what differs comes as another. */
const files = ["0001-records.sql"];

/** The key of the advisory lock that keeps migrations one behind the other ("LwSt"). */
const lock = 0x4c775374;

/** Where the tables go. */
export interface MigrateOptions {
  /** Where the tables go, created if it is not there; without it, in the first schema of the role's `search_path`. */
  readonly schema?: string;
}

/**
 * Creates the store's tables, or brings them up to date: call it when a version of the application is rolled out, before its
 * processes start, as a role that may create tables. Calling it again does nothing, and of several at once one works. All of
 * it is one transaction, so it takes place whole or not at all.
 *
 * Who runs migrations by a tool of their own takes the files of the package's folder `migrations` instead.
 *
 * @param pool - A `Pool` of `pg`; a transaction pooler between it and the server is fine.
 * @returns The versions that were applied now.
 * @throws An error that says what to do, where the tables are newer than this package, and where the server refuses.
 * @example
 * ```ts
 * const pool = new pg.Pool({ connectionString: process.env.MIGRATION_DATABASE_URL });
 * await migrate(pool);
 * await pool.end();
 * ```
 */
export async function migrate(pool: Pick<PostgresPool, "connect">, options: MigrateOptions = {}): Promise<number[]> {
  const { schema } = options;
  checkSchema(schema);
  const steps = await Promise.all(
    files.map((name) => readFile(new URL(`../migrations/${name}`, import.meta.url), "utf8")),
  );
  const client = await pool.connect().catch((error: unknown) => {
    throw explain(error);
  });
  let failed = true;
  try {
    // Whatever the database's default: a snapshot from before the lock was had would not show what another one applied.
    await client.query("BEGIN ISOLATION LEVEL READ COMMITTED");
    await client.query("SELECT pg_advisory_xact_lock($1)", [lock]);
    if (schema !== undefined) await enter(client, schema);
    const present = await presentVersion(client);
    if (present > schemaVersion) throw explainSchema(present, schemaVersion);
    for (const step of steps.slice(present)) await client.query(step);
    await client.query("COMMIT");
    failed = false;
    return files.map((_, index) => index + 1).slice(present);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "42501") {
      const message = `migrate needs a role that may create tables there, and a schema that is not there yet: ${error.message}`;
      throw new Error(message, { cause: error });
    }
    throw explain(error);
  } finally {
    // A connection on which something failed is not given back: its transaction ends with it.
    client.release(failed);
  }
}

/** Lets the unqualified names of the files stand for this schema, until the transaction ends. */
async function enter(client: PostgresClient, schema: string): Promise<void> {
  const { rows } = await client.query("SELECT 1 FROM pg_namespace WHERE nspname = $1", [schema]);
  // Not IF NOT EXISTS: that needs the right to create schemas also where there is nothing to create.
  if (rows.length === 0) await client.query(`CREATE SCHEMA ${quoted(schema)}`);
  await client.query(`SET LOCAL search_path TO ${quoted(schema)}`);
}

async function presentVersion(client: PostgresClient): Promise<number> {
  const { rows } = await client.query("SELECT to_regclass('linkwright_migrations') IS NOT NULL AS found");
  if (!rows[0]?.found) return 0;
  const { rows: versions } = await client.query("SELECT max(version) AS version FROM linkwright_migrations");
  return Number(versions[0]?.version ?? 0);
}
