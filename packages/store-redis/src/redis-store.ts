import { randomUUID } from "node:crypto";
import {
  type Clock,
  type ListQuery,
  type Page,
  type Store,
  type StoredItem,
  type StoredValue,
  systemClock,
  type Version,
  type WriteOptions,
} from "@linkwright/core";
import { inputChecks } from "@linkwright/store-kit";
import { numberOf, recordOf, textsOf } from "./answers.ts";
import { Connection } from "./connection.ts";
import { durabilityWarnings } from "./durability.ts";
import { facet, facetsOf } from "./entries.ts";
import { isReply } from "./faults.ts";
import { checkOptions, type RedisStoreOptions } from "./options.ts";
import * as scripts from "./scripts.ts";
import { Subscription } from "./subscription.ts";

/** How often, at most, a store looks for expired records, unless it found as many as one write takes: milliseconds. */
const sweepInterval = 1000;

/** What is read of a record. */
const fields = ["value", "version", "expires"];

/** How many members of the index one call looks at, at least, where it has to look for those that match. */
const stretch = 200;

/**
 * Keeps everything in a Redis database, which any number of processes on any number of machines may share. Connects at the
 * first call, not before, and then warns where the server is set up as a cache. Every change is one script, so a record and
 * its index change together or not at all. No key is ever given a time to live: what has expired is dropped by later writes.
 *
 * All keys of one store have the same text in braces, so that a Redis Cluster keeps them on one node. Stores with different
 * prefixes may be on different ones.
 *
 * @param options - The application's client or an address; the prefix of the keys.
 * @returns A store of reach `cluster`. Its methods reject with an error that says what to do, with the driver's as `cause`,
 * where the server cannot be reached, says nothing for `timeout`, or refuses.
 * @throws TypeError where the options name no server.
 * @example
 * ```ts
 * const connector = createConnector({ store: redisStore({ url: process.env.REDIS_URL }), keys, providers });
 * ```
 */
export function redisStore(options: RedisStoreOptions): Store {
  return new RedisStore(options);
}

const check = inputChecks();

class RedisStore implements Store {
  readonly reach = "cluster";
  readonly #connection: Connection;
  readonly #subscription: Subscription;
  readonly #clock: Clock;
  readonly #onWarning: (message: string) => void;
  /** The index, and what precedes the key of a record. */
  readonly #keys: [index: string, base: string];
  readonly #channel: string;
  #isChecked = false;
  /** When expired records were looked for, by the store's clock. */
  #swept = Number.NEGATIVE_INFINITY;
  #closed: Promise<void> | undefined;

  constructor(options: RedisStoreOptions) {
    checkOptions(options);
    const { prefix = "linkwright", clock = systemClock } = options;
    this.#clock = clock;
    this.#onWarning = options.onWarning ?? ((message) => process.emitWarning(message));
    this.#keys = [`{${prefix}}:index`, `{${prefix}}:record:`];
    this.#channel = `{${prefix}}:changes`;
    this.#connection = new Connection(options);
    this.#subscription = new Subscription(() => this.#connection.subscriber(), this.#channel);
  }

  async read(key: string): Promise<StoredValue | undefined> {
    check.text("key", key);
    this.#begin();
    const found = recordOf(await this.#connection.run((client) => client.hmGet(this.#keys[1] + key, fields)));
    if (!found) return undefined;
    const { value, version, expires } = found;
    return expires !== undefined && Number(expires) <= this.#clock.now() ? undefined : { value, version };
  }

  async write(key: string, value: string, options: WriteOptions): Promise<Version | "conflict"> {
    check.write(key, value, options);
    const { ifVersion, index = {} } = options;
    this.#begin();
    // Random and not counted by the server: after a failover or a restored snapshot it would count the same once more.
    const version = randomUUID();
    const now = this.#clock.now();
    const expires = index.expiresAt === undefined ? "" : `${index.expiresAt}`;
    const sweeps = !(now >= this.#swept && now < this.#swept + sweepInterval);
    if (sweeps) this.#swept = now;
    const args = [key, ifVersion, `${now}`, this.#channel, value, version, expires, sweeps ? facet.expiry(now) : ""];
    const answer = await this.#connection.script(scripts.write, this.#keys, [...args, ...facetsOf(index)]);
    const written = numberOf(answer);
    // More are left: the next write goes on.
    if (written === 2) this.#swept = Number.NEGATIVE_INFINITY;
    return written === 0 ? "conflict" : version;
  }

  async remove(key: string, options: { ifVersion: Version }): Promise<boolean> {
    check.remove(key, options);
    this.#begin();
    const args = [key, options.ifVersion, `${this.#clock.now()}`, this.#channel];
    return numberOf(await this.#connection.script(scripts.remove, this.#keys, args)) === 1;
  }

  async list(query: ListQuery): Promise<Page> {
    check.list(query);
    const { prefix, owner, registration, ref, cursor, limit } = query;
    // The range of the narrowest; of the others each record is asked.
    const [narrowest = facet.all, ...others] = [
      ...(ref === undefined ? [] : [facet.ref(ref)]),
      ...(owner === undefined ? [] : [facet.owner(owner)]),
      ...(registration === undefined ? [] : [facet.registration(registration)]),
    ];
    const first = cursor === undefined ? `[${narrowest}${prefix}` : `(${narrowest}${cursor}`;
    const page = await this.#page(first, narrowest + prefix, limit, Buffer.byteLength(narrowest), others);
    return page.last === undefined ? page : { items: page.items, cursor: page.last.slice(narrowest.length) };
  }

  async due(before: number, query: { cursor?: string; limit: number }): Promise<Page> {
    check.due(before, query);
    const { cursor, limit } = query;
    if (cursor !== undefined && !/^d[0-9a-f]{16}/.test(cursor)) {
      throw new TypeError("cursor is not from a page of due records.");
    }
    const range = facet.due(before);
    const page = await this.#page(cursor === undefined ? "[d" : `(${cursor}`, range, limit, range.length, []);
    return page.last === undefined ? page : { items: page.items, cursor: page.last };
  }

  /** Hears on a connection of its own, opened by the first call. Every change of the store comes in on it. */
  watch(key: string, listener: () => void): () => void {
    this.#checkOpen();
    check.text("key", key);
    return this.#subscription.watch(key, listener);
  }

  /** Lets the calls that are under way end first. Never disconnects the application's own client. */
  close(): Promise<void> {
    this.#subscription.close();
    this.#closed ??= this.#connection.close();
    return this.#closed;
  }

  async #page(
    first: string,
    range: string,
    limit: number,
    facetLength: number,
    others: string[],
  ): Promise<{ items: StoredItem[]; last?: string }> {
    this.#begin();
    const most = others.length > 0 ? Math.max(limit, stretch) : limit;
    const args = [first, range, `${limit}`, `${most}`, `${facetLength}`, `${this.#clock.now()}`, ...others];
    const [last = "", ...texts] = textsOf(await this.#connection.script(scripts.page, this.#keys, args));
    const items: StoredItem[] = [];
    for (let at = 0; at < texts.length; at += 3) {
      const [key = "", value = "", version = ""] = texts.slice(at, at + 3);
      items.push({ key, value, version });
    }
    return last === "" ? { items } : { items, last };
  }

  #begin(): void {
    this.#checkOpen();
    if (this.#isChecked) return;
    this.#isChecked = true;
    // Beside the first call, which does not wait for it.
    this.#connection
      .script(scripts.info, this.#keys, [])
      .then((info) => {
        for (const warning of durabilityWarnings((info as string[]).join("\n"))) this.#onWarning(warning);
      })
      .catch((error: unknown) => {
        // Some servers forbid the question. Where the server was not reached, it is asked again.
        if (!(error instanceof Error && isReply(error.cause))) this.#isChecked = false;
      });
  }

  #checkOpen(): void {
    if (this.#closed) throw new Error("The Redis store is closed. Close it after the last call.");
  }
}
