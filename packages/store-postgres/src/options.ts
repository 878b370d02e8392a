import type { Clock } from "@linkwright/core";

/** What is used of a `Pool` of `pg`. */
export interface PostgresPool {
  connect(): Promise<PostgresClient>;
  /** How the pool connects; `notify: true` opens its connection in the same way. */
  readonly options?: object;
}

/** What is used of a pool's client. */
export interface PostgresClient {
  query(query: string | PostgresQuery, values?: unknown[]): Promise<PostgresResult>;
  on(event: "error", listener: (error: Error) => void): unknown;
  off(event: "error", listener: (error: Error) => void): unknown;
  release(error?: boolean): void;
}

/** A statement as `pg` takes it; `query_timeout` is milliseconds. */
export interface PostgresQuery {
  readonly name?: string;
  readonly text: string;
  readonly values: unknown[];
  readonly query_timeout?: number;
}

/** What is used of the result of a statement. */
export interface PostgresResult {
  readonly rows: Record<string, unknown>[];
  readonly rowCount: number | null;
}

/** Either the application's pool, or how to connect a pool of the store's own. */
export type PostgresStoreOptions = (
  | {
      /** The application's pool of `pg`. The store takes a connection for one statement at a time, and never ends the pool. */
      readonly pool: PostgresPool;
    }
  | {
      /** As `pg` reads it: `postgres://user:password@host:5432/database?sslmode=...`. */
      readonly connectionString: string;
      /** How many connections the store may open: 10 by default. `notify` opens another. */
      readonly max?: number;
    }
) & {
  /** Where the tables are; without it, in the first schema of the role's `search_path` that has them. */
  readonly schema?: string;
  /**
   * Gives the store `watch`, by LISTEN and NOTIFY: this store then tells the others of its schema of every write, right
   * behind it. Set it in every process, or in none. LISTEN needs a connection to the server itself, kept open; where the
   * store's own connections go through a transaction pooler, name another way to it.
   */
  readonly notify?: boolean | { readonly connectionString: string };
  /**
   * `false` sends every statement whole. As a rule those that look up a key are prepared once for every connection, which
   * halves what a read costs. A transaction pooler that does not follow prepared statements is noticed at the first one that
   * got lost, and from then on none is prepared; saying `false` spares that.
   */
  readonly prepare?: boolean;
  /** For how long a call may take before it fails, the wait for a connection included: milliseconds, 10,000 by default. */
  readonly timeout?: number;
  /** Decides which records have expired; the machine's own clock by default. */
  readonly clock?: Clock;
  /** Told once when `notify` cannot listen; by default `process.emitWarning`. */
  readonly onWarning?: (message: string) => void;
};

/** @throws TypeError where the options name no server, or more than one way to it. */
export function checkOptions(options: PostgresStoreOptions): void {
  const given: { [name: string]: unknown } = typeof options === "object" && options !== null ? { ...options } : {};
  if ((given.pool === undefined) === (given.connectionString === undefined)) {
    throw new TypeError(
      'postgresStore: give one of the options "pool" (a Pool of pg) and "connectionString" (postgres://...), as in ' +
        "postgresStore({ connectionString: process.env.DATABASE_URL }). Is an environment variable unset?",
    );
  }
  if (given.pool !== undefined && typeof (given.pool as Partial<PostgresPool>)?.connect !== "function") {
    throw new TypeError('postgresStore: option "pool" must be a Pool of pg. Give an address as "connectionString".');
  }
  if (given.connectionString !== undefined) checkConnectionString("connectionString", given.connectionString);
  if (given.max !== undefined && !(Number.isInteger(given.max) && (given.max as number) > 0)) {
    throw new TypeError('postgresStore: option "max" must be a whole number of connections, 1 or more.');
  }
  if (given.timeout !== undefined && !((given.timeout as number) > 0)) {
    throw new TypeError('postgresStore: option "timeout" must be milliseconds, above 0.');
  }
  if (typeof given.notify === "object" && given.notify !== null) {
    checkConnectionString("notify.connectionString", (given.notify as { connectionString?: unknown }).connectionString);
  } else if (given.notify === true && given.pool && typeof (given.pool as PostgresPool).options !== "object") {
    throw new TypeError(
      'postgresStore: this "pool" does not say how it connects, so "notify" must: notify: { connectionString }.',
    );
  }
  checkSchema(given.schema);
}

/** @throws TypeError where `schema` is no name of a schema. */
export function checkSchema(schema: unknown): asserts schema is string | undefined {
  if (schema === undefined) return;
  if (typeof schema !== "string" || schema === "" || schema.includes("\0") || Buffer.byteLength(schema) > 63) {
    throw new TypeError('Option "schema" must be the name of a schema: 1 to 63 bytes.');
  }
}

/** The value is not quoted: it holds a password. */
function checkConnectionString(name: string, value: unknown): void {
  if (typeof value === "string" && /^postgres(ql)?:\/\//i.test(value)) return;
  throw new TypeError(
    `postgresStore: option "${name}" must be an address that begins with postgres:// or postgresql://. ` +
      "Is an environment variable unset, or another server's?",
  );
}
