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
import { Backend, checkKeyv, type KeyvInstance } from "./backend.ts";
import { Contents } from "./contents.ts";

/** How the store uses its Keyv. */
export interface KeyvStoreOptions {
  /** The beginning of every key in the backend: letters, digits and single hyphens, "linkwright" by default. */
  readonly prefix?: string;
  /** For how long a call of the backend may take before it has failed: milliseconds, 10,000 by default. */
  readonly timeout?: number;
  /** Decides which records have expired; the machine's own clock by default. */
  readonly clock?: Clock;
}

/**
 * Keeps everything in whatever a Keyv of version 6 has an adapter for. For one process: Keyv has no compare-and-set, so it is
 * made here, and another process that uses the same backend would not be bound by it.
 *
 * Keyv can only get, set and delete, so the store keeps a list of its keys in the backend, and the index in memory, which the
 * first `list` or `due` builds from all records. A read costs one request to the backend, a change two, the
 * creation of a record three, its removal four. No time to live is ever set, not even where the Keyv has one by default.
 *
 * @param keyv - With an adapter that keeps what it is given. The application connects and disconnects it.
 * @returns A store of reach `process`. Its methods reject where Keyv or its adapter reported an error, also one that Keyv
 * itself swallowed; where the backend says nothing for `timeout`; and where it has lost what was written to it.
 * @throws TypeError where `keyv` is no Keyv, or one that keeps everything in memory.
 * @example
 * ```ts
 * const keyv = new Keyv({ store: new KeyvRedis(process.env.REDIS_URL) });
 * const connector = createConnector({ store: keyvStore(keyv), concurrency: "one-process", keys, providers });
 * ```
 */
export function keyvStore(keyv: KeyvInstance, options: KeyvStoreOptions = {}): Store {
  return new KeyvStore(keyv, options);
}

/** What the stores on one Keyv share: two of them in one process are bound by one compare-and-set. */
interface Shared {
  readonly backend: Backend;
  readonly contents: Contents;
  users: number;
}

const sharedBy = new WeakMap<KeyvInstance, Map<string, Shared>>();

const check = inputChecks();

class KeyvStore implements Store {
  readonly reach = "process";
  readonly #clock: Clock;
  readonly #contents: Contents;
  readonly #release: () => void;
  readonly #underWay = new Set<Promise<unknown>>();
  #sweeping: Promise<void> | undefined;
  #closed: Promise<void> | undefined;

  constructor(keyv: KeyvInstance, { prefix = "linkwright", timeout = 10_000, clock = systemClock }: KeyvStoreOptions) {
    checkKeyv(keyv);
    if (!/^[a-z0-9]+(-[a-z0-9]+)*$/i.test(prefix) || prefix.length > 80) {
      throw new TypeError('keyvStore: option "prefix" must be letters, digits and single hyphens: at most 80.');
    }
    if (!(timeout > 0)) throw new TypeError('keyvStore: option "timeout" must be milliseconds, above 0.');
    this.#clock = clock;
    const byPrefix = sharedBy.get(keyv) ?? new Map<string, Shared>();
    sharedBy.set(keyv, byPrefix);
    let shared = byPrefix.get(prefix);
    if (!shared) {
      const backend = new Backend(keyv, timeout);
      shared = { backend, contents: new Contents(backend, prefix), users: 0 };
      byPrefix.set(prefix, shared);
    }
    const { backend, contents } = shared;
    shared.users++;
    this.#contents = contents;
    this.#release = () => {
      if (--shared.users > 0) return;
      byPrefix.delete(prefix);
      backend.release();
    };
  }

  async read(key: string): Promise<StoredValue | undefined> {
    check.text("key", key);
    return await this.#run(async () => (await this.#contents.shelfOf(key)).read(key, this.#clock.now()));
  }

  async write(key: string, value: string, options: WriteOptions): Promise<Version | "conflict"> {
    check.write(key, value, options);
    const { ifVersion, index = {} } = options;
    const written = await this.#run(async () => {
      const shelf = await this.#contents.shelfOf(key);
      return await shelf.write(key, value, ifVersion, index, this.#clock.now());
    });
    this.#sweepSome();
    return written;
  }

  async remove(key: string, options: { ifVersion: Version }): Promise<boolean> {
    check.remove(key, options);
    return await this.#run(async () => {
      return await (await this.#contents.shelfOf(key)).remove(key, options.ifVersion, this.#clock.now());
    });
  }

  async list(query: ListQuery): Promise<Page> {
    check.list(query);
    return await this.#page((contents) => contents.catalogue.list(query));
  }

  async due(before: number, query: { cursor?: string; limit: number }): Promise<Page> {
    check.due(before, query);
    if (query.cursor !== undefined && !/^\S+ /.test(query.cursor)) {
      throw new TypeError("cursor is not from a page of due records.");
    }
    return await this.#page((contents) => contents.catalogue.due(before, query));
  }

  /** Lets the calls that are under way end first. Never disconnects the Keyv. */
  close(): Promise<void> {
    this.#closed ??= Promise.allSettled([...this.#underWay, this.#sweeping]).then(this.#release);
    return this.#closed;
  }

  /** The records that the index names, as the backend has them now. */
  #page(find: (contents: Contents) => Promise<Page>): Promise<Page> {
    return this.#run(async () => {
      await this.#contents.loadAll();
      const { items: found, cursor } = await find(this.#contents);
      const read = async ({ key }: StoredItem): Promise<StoredItem | undefined> => {
        const record = await (await this.#contents.shelfOf(key)).read(key, this.#clock.now());
        return record && { key, ...record };
      };
      const items = (await Promise.all(found.map(read))).filter((item) => item !== undefined);
      return cursor === undefined ? { items } : { items, cursor };
    });
  }

  async #run<Answer>(work: () => Promise<Answer>): Promise<Answer> {
    if (this.#closed) throw new Error("The Keyv store is closed. Close it after the last call.");
    const answer = work();
    this.#underWay.add(answer);
    try {
      return await answer;
    } finally {
      this.#underWay.delete(answer);
    }
  }

  /** Beside the writes and not in them: a failure here is nobody's. */
  #sweepSome(): void {
    const sweep = async () => {
      const now = this.#clock.now();
      for (const key of await this.#contents.catalogue.expired(now)) {
        if (this.#closed) return;
        await (await this.#contents.shelfOf(key)).sweep(key, now);
      }
    };
    this.#sweeping ??= sweep()
      .catch(() => {})
      .finally(() => {
        this.#sweeping = undefined;
      });
  }
}
