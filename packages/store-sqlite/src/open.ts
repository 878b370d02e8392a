import { closeSync, openSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { applicationId, migrations } from "./schema.ts";

/**
 * How long the driver itself waits for a lock, in milliseconds. The event loop stands still meanwhile, so it is just long
 * enough for another process's write to end; longer waits are ours, and asynchronous.
 */
const driverTimeout = 10;

/**
 * Opens the file, which is created where there is none, and brings its schema up to date. Whatever fails, no handle stays
 * open, and a file that is not ours or not readable is left byte for byte as it was.
 *
 * @throws Errors of SQLite and of the file system as they come, for `explain`.
 */
export function openDatabase(path: string): DatabaseSync {
  createFile(path);
  const database = new DatabaseSync(path, { timeout: driverTimeout });
  try {
    const version = transaction(database, "DEFERRED", () => schemaVersion(database, path));
    if (pragma(database, "journal_mode = WAL") !== "wal") {
      throw new Error(`The SQLite store ${path} is on a file system without shared memory. Keep it on a local disk.`);
    }
    // FULL: with NORMAL a power cut takes the last commits, and with them the refresh token that the server rotated to.
    database.exec("PRAGMA synchronous = FULL");
    if (version < migrations.length) transaction(database, "IMMEDIATE", () => migrate(database, path));
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Runs `body` in a transaction, which is undone where it throws. */
export function transaction<Answer>(
  database: DatabaseSync,
  kind: "DEFERRED" | "IMMEDIATE",
  body: () => Answer,
): Answer {
  database.exec(`BEGIN ${kind}`);
  try {
    const answer = body();
    database.exec("COMMIT");
    return answer;
  } finally {
    if (database.isTransaction) database.exec("ROLLBACK");
  }
}

/** Which file is now at `path`: another answer once it was deleted or replaced. */
export function identity(path: string): string | undefined {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat && `${stat.dev}:${stat.ino}`;
}

/** SQLite would make the file readable to everybody. Its -wal and -shm files take over the file's permissions. */
function createFile(path: string): void {
  try {
    closeSync(openSync(path, "wx", 0o600));
  } catch (error) {
    // "wx" opens no file that exists: closing one again would release the locks that this process holds on it.
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
}

/** How many migrations the file has seen; refuses what is not ours to write to. Only reads. */
function schemaVersion(database: DatabaseSync, path: string): number {
  const application = pragma(database, "application_id");
  const version = Number(pragma(database, "user_version"));
  if (application === applicationId) {
    if (version <= migrations.length) return version;
    throw new Error(
      `The SQLite store ${path} has schema version ${version}, written by a newer @linkwright/store-sqlite; this one ` +
        `knows versions up to ${migrations.length}. Update the package. The file was left as it is.`,
    );
  }
  const tables = database.prepare("SELECT count(*) AS count FROM sqlite_schema").get()?.count;
  if (application === 0 && version === 0 && tables === 0) return 0;
  throw new Error(
    `${path} is another application's SQLite database, and was left as it is. Give the store a file of its own.`,
  );
}

function migrate(database: DatabaseSync, path: string): void {
  // The version once more, now under the lock: another process may have been first.
  for (const step of migrations.slice(schemaVersion(database, path))) database.exec(step);
  database.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${migrations.length}`);
}

function pragma(database: DatabaseSync, name: string): unknown {
  return Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0];
}
