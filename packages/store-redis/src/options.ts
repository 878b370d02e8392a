import type { Clock } from "@linkwright/core";

/** What is used of a client of `redis`: of `createClient`, `createCluster` or `createSentinel`. */
export interface RedisClient {
  readonly isOpen: boolean;
  readonly isReady: boolean;
  hmGet(key: string, fields: string[]): Promise<unknown>;
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
  evalSha(digest: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
  /** A client of the same server on a connection of its own: for `watch`. */
  duplicate(): RedisSubscriber;
  on(event: string, listener: (error: Error) => void): unknown;
  off(event: string, listener: (error: Error) => void): unknown;
}

/** What `watch` uses of a client. */
export interface RedisSubscriber {
  connect(): Promise<unknown>;
  subscribe(channel: string, listener: (message: string) => void): Promise<unknown>;
  destroy(): unknown;
  on(event: string, listener: (error: Error) => void): unknown;
}

/** Either the application's client, or the address for a client of the store's own. */
export type RedisStoreOptions = (
  | {
      /** The application's client, connected by it and closed by it. `watch` connects a duplicate beside it. */
      readonly client: RedisClient;
    }
  | {
      /** As `redis` reads it: `redis://user:password@host:6379/0`, or `rediss://` for TLS. */
      readonly url: string;
    }
) & {
  /**
   * The beginning of every key, "linkwright" by default, in braces: `{linkwright}:record:...`. Redis Cluster keeps keys with
   * the same text in braces on one node, which is what makes a record and its index change together.
   */
  readonly prefix?: string;
  /** For how long a call waits for a connection, and for an answer, before it fails: milliseconds, 5000 by default. */
  readonly timeout?: number;
  /** Decides which records have expired; the machine's own clock by default. */
  readonly clock?: Clock;
  /** Told at the first call where the server may forget what it acknowledged; by default `process.emitWarning`. */
  readonly onWarning?: (message: string) => void;
};

/** @throws TypeError where the options name no server, or more than one way to it. */
export function checkOptions(options: RedisStoreOptions): void {
  const given: { [name: string]: unknown } = typeof options === "object" && options !== null ? { ...options } : {};
  if ((given.client === undefined) === (given.url === undefined)) {
    throw new TypeError(
      'redisStore: give one of the options "client" (a connected client of redis) and "url" (redis://...), as in ' +
        "redisStore({ url: process.env.REDIS_URL }). Is an environment variable unset?",
    );
  }
  if (given.client !== undefined && typeof (given.client as Partial<RedisClient> | null)?.evalSha !== "function") {
    throw new TypeError('redisStore: option "client" must be a client of redis. Give an address as "url".');
  }
  // The value is not quoted: it holds a password.
  if (given.url !== undefined && !(typeof given.url === "string" && /^rediss?:\/\//i.test(given.url))) {
    throw new TypeError(
      'redisStore: option "url" must be an address that begins with redis:// or rediss://. ' +
        "Is an environment variable unset, or another server's?",
    );
  }
  if (given.timeout !== undefined && !((given.timeout as number) > 0)) {
    throw new TypeError('redisStore: option "timeout" must be milliseconds, above 0.');
  }
  const { prefix = "linkwright" } = given;
  if (typeof prefix !== "string" || !/^[^{}]+$/.test(prefix) || !prefix.isWellFormed()) {
    throw new TypeError('redisStore: option "prefix" must be a text without braces, of one character or more.');
  }
}
