import { randomUUID } from "node:crypto";
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
import { Announcer } from "./announcer.ts";
import { channelOf } from "./channel.ts";
import { Listener } from "./listener.ts";
import { checkOptions, type PostgresStoreOptions } from "./options.ts";
import { Server } from "./server.ts";
import { type Statement, type Statements, statementsFor } from "./statements.ts";

/** How often, at most, a store looks for expired records: milliseconds. */
const sweepInterval = 60_000;

/**
 * Keeps everything in one table of a Postgres database, which any number of processes on any number of machines may share.
 * Call `migrate` before the first process starts. Connects at the first call, not before. Every operation is one statement,
 * so no connection is held between calls, and nothing that is needed is kept on one: a transaction pooler in between is fine.
 *
 * @param options - The application's pool or a connection string; where the tables are; whether changes are pushed.
 * @returns A store of reach `cluster`. Its methods reject with an error that says what to do, with the driver's as `cause`,
 * where the server cannot be reached or refuses, and where the schema is missing or another version's.
 * @throws TypeError where the options name no server.
 * @example
 * ```ts
 * const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL });
 * await migrate(pool);
 * const connector = createConnector({ store: postgresStore({ pool, notify: true }), keys, providers });
 * ```
 */
export function postgresStore(options: PostgresStoreOptions): Store {
  return new PostgresStore(options);
}

/** The text of Postgres has no NUL. */
const check = inputChecks({ nul: "refused" });

class PostgresStore implements Store {
  readonly reach = "cluster";
  readonly watch?: NonNullable<Store["watch"]>;
  readonly #server: Server;
  readonly #statements: Statements;
  readonly #listener: Listener | undefined;
  readonly #announcer: Announcer | undefined;
  readonly #clock: Clock;
  #swept = Number.NEGATIVE_INFINITY;
  #sweeping: Promise<void> | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: PostgresStoreOptions) {
    checkOptions(options);
    const { schema, notify = false, clock = systemClock } = options;
    const statements = statementsFor(schema);
    const server = new Server(options, statements.check);
    this.#clock = clock;
    this.#statements = statements;
    this.#server = server;
    if (!notify) return;
    const opened = () => server.listeningClient(notify);
    const listener = new Listener(opened, channelOf(schema), warnOnce(options.onWarning));
    this.#listener = listener;
    const { announce } = statements;
    // Past the pool where that can be: those who wait elsewhere hear before all who wait here go on.
    this.#announcer = new Announcer(
      (digests) => listener.query(announce, [digests]) ?? server.run(announce, [digests]),
    );
    this.watch = (key, heard) => {
      this.#checkOpen();
      check.text("key", key);
      return listener.watch(key, heard);
    };
  }

  async read(key: string): Promise<StoredValue | undefined> {
    check.text("key", key);
    const { rows } = await this.#run(this.#statements.read, [key, this.#clock.now()]);
    return rows[0] && { value: String(rows[0].value), version: String(rows[0].version) };
  }

  async write(key: string, value: string, options: WriteOptions): Promise<Version | "conflict"> {
    check.write(key, value, options);
    const { ifVersion, index = {} } = options;
    const { owner = null, registration = null, dueAt = null, expiresAt = null } = index;
    const refs = [...new Set(index.refs)];
    // Random and not from a sequence, which goes back with a restored backup and would let a writer that slept pass.
    const version = randomUUID();
    const now = this.#clock.now();
    const values = [key, value, version, owner, registration, refs, dueAt, expiresAt, now];
    const isWritten =
      ifVersion === "absent"
        ? await this.#change(key, this.#statements.create, values)
        : await this.#change(key, this.#statements.update, [...values, ifVersion]);
    this.#sweepSometimes();
    return isWritten ? version : "conflict";
  }

  async remove(key: string, options: { ifVersion: Version }): Promise<boolean> {
    check.remove(key, options);
    return await this.#change(key, this.#statements.remove, [key, options.ifVersion, this.#clock.now()]);
  }

  async list(query: ListQuery): Promise<Page> {
    check.list(query);
    const { prefix, owner, registration, ref, cursor, limit } = query;
    const selection = { owner, registration, ref, from: cursor ?? prefix, isBehind: cursor !== undefined };
    const range = { ...selection, to: endOfPrefix(prefix) };
    const { values, ...statement } = this.#statements.list(range, limit + 1, this.#clock.now());
    const { rows } = await this.#run(statement, values);
    return pageOf(rows, limit, (row) => String(row.key));
  }

  async due(before: number, query: { cursor?: string; limit: number }): Promise<Page> {
    check.due(before, query);
    const [at, key] = placeOf(query.cursor);
    const { rows } = await this.#run(this.#statements.due, [before, at, key, this.#clock.now(), query.limit + 1]);
    return pageOf(rows, query.limit, (row) => dueCursor(row.at, row.key));
  }

  /** Lets the calls that are under way end first. Never ends the application's own pool. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await this.#server.idle();
    await this.#announcer?.close();
    await Promise.all([this.#listener?.close(), this.#sweeping]);
    await this.#server.close();
  }

  /** Whether the statement found the record as it was wanted, and changed it. */
  async #change(key: string, statement: Statement, values: unknown[]): Promise<boolean> {
    const { rowCount } = await this.#run(statement, values);
    if (rowCount !== 1) return false;
    this.#announcer?.announce(key);
    return true;
  }

  async #run(statement: Statement, values: unknown[]) {
    this.#checkOpen();
    return await this.#server.run(statement, values);
  }

  /** Beside the writes and not in them: a failure here is nobody's, and a statement that locks one row cannot deadlock. */
  #sweepSometimes(): void {
    const present = performance.now();
    if (this.#sweeping || present - this.#swept < sweepInterval) return;
    this.#swept = present;
    const sweep = async () => {
      while (!this.#closed) {
        const { rowCount } = await this.#server.run(this.#statements.sweep, [this.#clock.now()]);
        if ((rowCount ?? 0) < 1000) return;
      }
    };
    this.#sweeping = sweep()
      .catch(() => {})
      .finally(() => {
        this.#sweeping = undefined;
      });
  }

  #checkOpen(): void {
    if (this.#closed) throw new Error("The Postgres store is closed. Close it after the last call.");
  }
}

function warnOnce(warn = (message: string): void => process.emitWarning(message)): (error: unknown) => void {
  let isTold = false;
  return (error) => {
    if (isTold) return;
    isTold = true;
    const reason = error instanceof Error ? error.message || String((error as { code?: unknown }).code) : String(error);
    warn(
      `The Postgres store cannot LISTEN, so changes of other processes are noticed by polling alone (${reason}). ` +
        "It goes on trying. Behind a transaction pooler, give notify: { connectionString } an address of the server itself.",
    );
  };
}
