import type { Index, ListQuery, Store, WriteOptions } from "@linkwright/core";

/**
 * Checks of what a store's methods are given. Each throws a TypeError that names what it was, where a backend would take the value and
 * not give it back: two keys would then be one, a record could not be found again, or one would be dropped, and nobody told.
 */
export interface InputChecks {
  /** A string of well-formed Unicode. Half of a surrogate pair comes back from most backends as U+FFFD. */
  text(name: string, value: unknown): void;
  write(key: string, value: string, options: WriteOptions): void;
  remove(key: string, options: Parameters<Store["remove"]>[1]): void;
  /** Of a cursor, that it is a key of the prefix. */
  list(query: ListQuery): void;
  /** Of a cursor, that it is a text. */
  due(before: number, query: Parameters<Store["due"]>[1]): void;
}

/**
 * Checks of what a store is given, which throw a `TypeError` that names the argument.
 *
 * @param options.nul - `"refused"` where the backend cannot hold a NUL character in a text.
 * @example
 * ```ts
 * const check = inputChecks({ nul: "refused" });
 * check.write(key, value, options);
 * ```
 */
export function inputChecks(options: { readonly nul?: "refused" } = {}): InputChecks {
  function text(name: string, value: unknown): void {
    if (typeof value !== "string") throw new TypeError(`${name} must be a string.`);
    if (!value.isWellFormed())
      throw new TypeError(`${name} must be well-formed Unicode: it has half of a surrogate pair.`);
    if (options.nul === "refused" && value.includes("\0")) {
      throw new TypeError(`${name} must not contain a NUL character, which this store cannot hold.`);
    }
  }

  function index({ owner, registration, refs = [], dueAt, expiresAt }: Index): void {
    if (owner !== undefined) text("index.owner", owner);
    if (registration !== undefined) text("index.registration", registration);
    for (const ref of refs) text("index.refs", ref);
    if (dueAt !== undefined && !Number.isFinite(dueAt)) {
      throw new TypeError("index.dueAt must be epoch milliseconds: a finite number.");
    }
    if (expiresAt !== undefined && !(Number.isFinite(expiresAt) && expiresAt > 0)) {
      throw new TypeError("index.expiresAt must be epoch milliseconds: a finite number above 0.");
    }
  }

  return {
    text,
    write(key, value, { ifVersion, index: entry = {} }) {
      text("key", key);
      text("value", value);
      text("ifVersion", ifVersion);
      index(entry);
    },
    remove(key, { ifVersion }) {
      text("key", key);
      text("ifVersion", ifVersion);
    },
    list({ prefix, owner, registration, ref, cursor, limit }) {
      for (const [name, value] of Object.entries({ prefix, owner, registration, ref, cursor })) {
        if (value !== undefined) text(name, value);
      }
      checkLimit(limit);
      if (cursor?.startsWith(prefix) === false) throw new TypeError("cursor is not from a page of this query.");
    },
    due(before, { cursor, limit }) {
      if (typeof before !== "number" || Number.isNaN(before)) {
        throw new TypeError("before must be epoch milliseconds.");
      }
      if (cursor !== undefined) text("cursor", cursor);
      checkLimit(limit);
    },
  };
}

function checkLimit(limit: number): void {
  if (!(Number.isInteger(limit) && limit > 0)) throw new TypeError("limit must be a whole number from 1.");
}
