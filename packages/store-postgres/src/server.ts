import type { ClientConfig } from "pg";
import { explain, explainSchema, isNotPrepared, isOutrun } from "./faults.ts";
import type { ListeningClient } from "./listener.ts";
import type { PostgresPool, PostgresResult, PostgresStoreOptions } from "./options.ts";
import { queryBefore } from "./query.ts";
import { type Statement, schemaVersion } from "./statements.ts";

/** How often a statement is tried that gave way to another one. */
const tries = 20;

/** The connections to the server, opened when first used, and one way to run a statement on them. */
export class Server {
  readonly #options: PostgresStoreOptions;
  /** The statement that asks for the schema's version. */
  readonly #check: Statement;
  readonly #timeout: number;
  /** Until it is found that something in between does not know prepared statements. */
  #prepares: boolean;
  #pool: Promise<PostgresPool & { end?(): Promise<void> }> | undefined;
  #ready: Promise<void> | undefined;
  #underWay = 0;
  #idle: (() => void) | undefined;

  constructor(options: PostgresStoreOptions, check: Statement) {
    this.#options = options;
    this.#check = check;
    this.#timeout = options.timeout ?? 10_000;
    this.#prepares = options.prepare ?? true;
  }

  /** @throws An error that says what to do, with the driver's as `cause`. */
  async run(statement: Statement, values: unknown[]): Promise<PostgresResult> {
    this.#underWay++;
    const deadline = performance.now() + this.#timeout;
    try {
      await this.#schemaChecked(deadline);
      return await this.#query(statement, values, deadline);
    } catch (error) {
      throw explain(error);
    } finally {
      if (--this.#underWay === 0) this.#idle?.();
    }
  }

  /** A client for `LISTEN`, not connected yet. */
  async listeningClient(notify: true | { readonly connectionString: string }): Promise<ListeningClient> {
    const { Client } = await import("pg");
    const own = {
      keepAlive: true,
      // Something in between may forget a connection that is quiet, and tell neither end.
      keepAliveInitialDelayMillis: 30_000,
      connectionTimeoutMillis: this.#timeout,
      query_timeout: this.#timeout,
    };
    if (notify !== true) return new Client({ ...own, connectionString: notify.connectionString });
    if (!("pool" in this.#options)) return new Client({ ...own, connectionString: this.#options.connectionString });
    const options: ClientConfig = this.#options.pool.options ?? {};
    // By name: a pool keeps its password from whoever lists its options.
    return new Client({ ...options, password: options.password, ...own });
  }

  /** Resolves when nothing is under way, and whoever waited for it has gone on. */
  async idle(): Promise<void> {
    if (this.#underWay === 0) return;
    await new Promise<void>((resolve) => {
      this.#idle = () => setImmediate(resolve);
    });
  }

  /** Ends the pool if it is the store's own. */
  async close(): Promise<void> {
    const pool = await this.#pool?.catch(() => undefined);
    if (!("pool" in this.#options)) await pool?.end?.();
  }

  /** Once for every store; again only where it could not be asked. */
  async #schemaChecked(deadline: number): Promise<void> {
    this.#ready ??= this.#query(this.#check, [], deadline)
      .then(({ rows }) => {
        const { version = null, encoding } = rows[0] ?? {};
        const fault = explainSchema(version === null ? null : Number(version), schemaVersion);
        if (fault) throw fault;
        if (encoding !== "UTF8") {
          throw new Error(`The Postgres store needs a database whose encoding is UTF8; this one's is ${encoding}.`);
        }
      })
      .catch((error: unknown) => {
        this.#ready = undefined;
        throw error;
      });
    await this.#ready;
  }

  async #query({ text, name }: Statement, values: unknown[], deadline: number): Promise<PostgresResult> {
    this.#pool ??= this.#openPool();
    const pool = await this.#pool;
    for (let tried = 1; ; tried++) {
      try {
        const prepared = name !== undefined && this.#prepares && { name };
        return await queryBefore(deadline, pool, { ...prepared, text }, values);
      } catch (error) {
        // A transaction pooler gave the connection's statements to another one. Nothing was carried out.
        if (isNotPrepared(error)) this.#prepares = false;
        else if (!isOutrun(error)) throw error;
        if (tried === tries) throw error;
      }
    }
  }

  async #openPool(): Promise<PostgresPool & { end?(): Promise<void> }> {
    if ("pool" in this.#options) return this.#options.pool;
    const { Pool } = await import("pg");
    const { connectionString, max = 10 } = this.#options;
    const pool = new Pool({ connectionString, max, connectionTimeoutMillis: this.#timeout, keepAlive: true });
    // A connection that dies while nobody uses it is replaced; without a listener it would end the process.
    pool.on("error", () => {});
    return pool;
  }
}
