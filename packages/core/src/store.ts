/**
 * The contract that a store author fills in. Everything the framework keeps is a record under a key, changed by one
 * primitive: a write that holds only if the record is still at the version that the writer saw.
 *
 * Two rules stand above the rest. **Failure throws, absence is `undefined`**: a store that answers "nothing here" when it
 * could not look makes an application forget its users' grants. And **a version is never used twice for one key**, not
 * even after the record was removed and written anew: it is what fences off a writer that slept.
 */
export interface Store {
  /**
   * How far the compare-and-set holds: within this `process`, among all processes of one `host`, or across a `cluster`.
   */
  readonly reach: "process" | "host" | "cluster";

  /** The record under `key`, or `undefined` where there is none. */
  read(key: string): Promise<StoredValue | undefined>;

  /**
   * Writes `value` if the record is still at `ifVersion` (or still `"absent"`), replacing its index entry as a whole.
   *
   * @param value - Text to keep byte for byte; up to a few hundred kilobytes.
   * @returns The new version, or `"conflict"` where another writer was first; then nothing changed.
   */
  write(key: string, value: string, options: WriteOptions): Promise<Version | "conflict">;

  /**
   * Removes the record if it is still at `ifVersion`. Of any number of concurrent calls with one version, one is
   * answered `true`.
   */
  remove(key: string, options: { ifVersion: Version }): Promise<boolean>;

  /** Records by key prefix and index, in key order, a page at a time. Records that change meanwhile may be missed or seen; others may not. */
  list(query: ListQuery): Promise<Page>;

  /** Records whose `dueAt` is at or before `before`, earliest first, found by an index and not by scanning. */
  due(before: number, query: { cursor?: string; limit: number }): Promise<Page>;

  /**
   * Calls `listener` soon after a record changed, where the backend can push. May call it too often, and need not call it
   * always: whoever waits polls besides.
   *
   * @returns Stops watching.
   */
  watch?(key: string, listener: () => void): () => void;

  /** Releases what the store itself opened. */
  close(): Promise<void>;
}

/** A store's name for one state of one record: opaque, compared for equality only. Never `"absent"` or `"conflict"`. */
export type Version = string;

/** A record as the store holds it. */
export interface StoredValue {
  readonly value: string;
  readonly version: Version;
}

/** Under which condition a record is written, and by what it is found. */
export interface WriteOptions {
  readonly ifVersion: Version | "absent";
  readonly index?: Index;
}

/**
 * What a record can be found by. None of it is secret, and all of it is optional: a member left out is not indexed.
 */
export interface Index {
  readonly owner?: string;
  readonly registration?: string;
  /** Digests by which a webhook or a callback finds the record. */
  readonly refs?: readonly string[];
  /** When maintenance should look at the record: epoch milliseconds. */
  readonly dueAt?: number;
  /**
   * From when on the store may drop the record on its own: epoch milliseconds. Only records that nobody could miss carry
   * one; a record without it is never dropped. A store need not drop anything.
   */
  readonly expiresAt?: number;
}

/** Which records to list: by the beginning of their keys, and by what they were indexed with. */
export interface ListQuery {
  /** The beginning of the key, taken literally. */
  readonly prefix: string;
  readonly owner?: string;
  readonly registration?: string;
  readonly ref?: string;
  /** From a page before; opaque. */
  readonly cursor?: string;
  /** At most so many items a page. A page may hold fewer, even none, and still name a cursor. */
  readonly limit: number;
}

/** A part of a listing. */
export interface Page {
  readonly items: readonly StoredItem[];
  /** Where the next page begins; absent on the last one. */
  readonly cursor?: string;
}

/** A record with its key. */
export interface StoredItem extends StoredValue {
  readonly key: string;
}
