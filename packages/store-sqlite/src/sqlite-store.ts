import { randomUUID } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import {
  type Clock,
  type ListQuery,
  type Page,
  type Store,
  type StoredValue,
  systemClock,
  type Version,
  type WriteOptions,
} from "@linkwright/core";
import { dueCursor, endOfPrefix, inputChecks, pageOf, placeOf } from "@linkwright/store-kit";
import { explain } from "./faults.ts";
import { identity, openDatabase, transaction } from "./open.ts";
import { filePath } from "./path.ts";
import { listQuery, Statements, sql } from "./statements.ts";
import { Turnstile } from "./turnstile.ts";
import { type Sight, Watcher } from "./watcher.ts";

/** Where the file is, and how long to wait for others. */
export interface SqliteStoreOptions {
  /** The file, absolute or from the working directory as it is now. Its directory must exist, on a local disk. */
  readonly path: string;
  /** For how long a call waits where another process has locked the file: milliseconds, 5000 by default. */
  readonly lockTimeout?: number;
  /** Decides which records have expired; the machine's own clock by default. */
  readonly clock?: Clock;
}

/**
 * Keeps everything in one SQLite file (beside it SQLite keeps `-wal` and `-shm`), which any number of processes of one host
 * may share. Opens the file at the first call, not before, and creates it for this user alone. SQLite tells nobody what
 * other processes wrote, so `watch` looks for it, some hundred times a second, as long as there are listeners.
 *
 * @param options - The file's path, or the path with further options.
 * @returns A store of reach `host`. Its methods reject with an error that says what to do, with the driver's as `cause`,
 * where the file cannot be opened, read or written, and where it stays locked for `lockTimeout`.
 * @throws TypeError where `path` is not the path of a file (empty, `:memory:`, a `postgres://` or `file:` address).
 * @example
 * ```ts
 * const connector = createConnector({ store: sqliteStore("linkwright.db"), keys, providers });
 * ```
 */
export function sqliteStore(options: string | SqliteStoreOptions): Store & { readonly reach: "host" } {
  return new SqliteStore(typeof options === "object" && options !== null ? options : { path: options });
}

/** How often, at most, a store looks for expired records, unless it found as many as one write takes: milliseconds. */
const sweepInterval = 1000;

/** How many expired records one write takes away, so that no write pays for many. */
const sweepSize = 16;

/** Of a text with a NUL, SQLite on Node 22 loses what follows it. */
const check = inputChecks({ nul: "refused" });

interface Connection {
  readonly database: DatabaseSync;
  readonly statements: Statements;
  readonly file: string | undefined;
  readonly sight: Sight;
}

class SqliteStore implements Store {
  readonly reach = "host";
  readonly #path: string;
  readonly #clock: Clock;
  /** Two, as readers need not wait for a writer's lock. */
  readonly #reads: Turnstile;
  readonly #writes: Turnstile;
  readonly #watcher = new Watcher(() => this.#connection?.sight);
  #connection: Connection | undefined;
  /** When expired records were looked for, by the store's clock. */
  #swept = Number.NEGATIVE_INFINITY;
  /** Whether the file was seen in its place just now. */
  #isIdentified = false;
  #closed: Promise<void> | undefined;

  constructor({ path, lockTimeout = 5000, clock = systemClock }: SqliteStoreOptions) {
    this.#path = filePath(path);
    if (!(lockTimeout >= 0)) throw new TypeError('sqliteStore: option "lockTimeout" must be milliseconds, 0 or more.');
    this.#clock = clock;
    this.#reads = new Turnstile(this.#path, lockTimeout);
    this.#writes = new Turnstile(this.#path, lockTimeout);
  }

  async read(key: string): Promise<StoredValue | undefined> {
    check.text("key", key);
    return await this.#through(this.#reads, ({ statements }) => {
      const row = statements.get(sql.read).get(key, this.#clock.now());
      return row && { value: String(row.value), version: String(row.version) };
    });
  }

  async write(key: string, value: string, options: WriteOptions): Promise<Version | "conflict"> {
    check.write(key, value, options);
    const { ifVersion, index = {} } = options;
    const { owner = null, registration = null, dueAt = null, expiresAt = null } = index;
    const refs = JSON.stringify(index.refs ?? []);
    const written = await this.#through(this.#writes, ({ database, statements }) => {
      const now = this.#clock.now();
      // Random and not counted: a count would begin again with a restored or a new file, and let a writer that slept pass.
      const version = randomUUID();
      const columns = [value, version, owner, registration, dueAt, expiresAt, key];
      return transaction(database, "IMMEDIATE", () => {
        this.#sweepSome(statements, now);
        // The sweep takes a few; of this key nothing that expired may be in the way.
        if (ifVersion === "absent") statements.get(sql.removeExpired).run(key, now);
        const { changes } =
          ifVersion === "absent"
            ? statements.get(sql.insert).run(...columns)
            : statements.get(sql.update).run(...columns, ifVersion, now);
        if (changes === 0) return "conflict";
        statements.get(sql.dropRefs).run(key, refs);
        if (index.refs?.length) statements.get(sql.addRefs).run(key, refs);
        return version;
      });
    });
    if (written !== "conflict") this.#watcher.changed(key);
    return written;
  }

  async remove(key: string, options: { ifVersion: Version }): Promise<boolean> {
    check.remove(key, options);
    const isRemoved = await this.#through(this.#writes, ({ statements }) => {
      return statements.get(sql.remove).run(key, options.ifVersion, this.#clock.now()).changes === 1;
    });
    if (isRemoved) this.#watcher.changed(key);
    return isRemoved;
  }

  async list(query: ListQuery): Promise<Page> {
    check.list(query);
    const { prefix, owner, registration, ref, cursor, limit } = query;
    const selection = { owner, registration, ref, from: cursor ?? prefix, isBehind: cursor !== undefined };
    return await this.#through(this.#reads, ({ statements }) => {
      const { text, values } = listQuery({ ...selection, to: endOfPrefix(prefix) }, this.#clock.now(), limit + 1);
      return pageOf(statements.get(text).all(...values), limit, (row) => String(row.key));
    });
  }

  async due(before: number, query: { cursor?: string; limit: number }): Promise<Page> {
    check.due(before, query);
    const [at, key] = placeOf(query.cursor);
    return await this.#through(this.#reads, ({ statements }) => {
      const rows = statements.get(sql.due).all(before, at, key, this.#clock.now(), query.limit + 1);
      return pageOf(rows, query.limit, (row) => dueCursor(row.dueAt, row.key));
    });
  }

  watch(key: string, listener: () => void): () => void {
    this.#checkOpen();
    check.text("key", key);
    return this.#watcher.watch(key, listener);
  }

  /** Lets the calls that are under way end first. */
  close(): Promise<void> {
    this.#watcher.close();
    this.#closed ??= Promise.all([this.#reads.idle(), this.#writes.idle()]).then(() => {
      this.#connection?.database.close();
      this.#connection = undefined;
    });
    return this.#closed;
  }

  async #through<Answer>(turnstile: Turnstile, work: (connection: Connection) => Answer): Promise<Answer> {
    this.#checkOpen();
    try {
      return await turnstile.run(() => work(this.#open()));
    } catch (error) {
      throw explain(error, this.#path);
    }
  }

  #sweepSome(statements: Statements, now: number): void {
    if (now >= this.#swept && now < this.#swept + sweepInterval) return;
    const { changes } = statements.get(sql.sweep).run(now, sweepSize);
    // More are left: the next write goes on.
    this.#swept = changes === sweepSize ? Number.NEGATIVE_INFINITY : now;
  }

  #open(): Connection {
    if (this.#connection) {
      if (this.#isIdentified) return this.#connection;
      // A deleted file would be written to without a word, and what was written would be gone with the process.
      if (identity(this.#path) === this.#connection.file) {
        // For the calls that follow this one without a pause.
        this.#isIdentified = true;
        queueMicrotask(() => {
          this.#isIdentified = false;
        });
        return this.#connection;
      }
      throw new Error(
        `The SQLite store ${this.#path} was deleted, moved or replaced while it was open; nothing was changed. ` +
          "Put the file back, and restart the processes that use it.",
      );
    }
    const database = openDatabase(this.#path);
    const statements = new Statements(database);
    const sight: Sight = {
      changes: () => statements.get(sql.changes).get()?.data_version,
      versionOf: (key) => statements.get(sql.version).get(key)?.version,
    };
    this.#connection = { database, statements, file: identity(this.#path), sight };
    return this.#connection;
  }

  #checkOpen(): void {
    if (this.#closed) throw new Error(`The SQLite store ${this.#path} is closed. Close it after the last call.`);
  }
}
