import { type Clock, systemClock } from "./clock.ts";
import type { Index, Page, Store, StoredItem } from "./store.ts";

/**
 * A store that lives as long as the process: for tests, and for trying things out. Nothing survives a restart, and users
 * would have to connect again, so an application that runs for them takes a store that keeps a file or a database.
 *
 * @param options.clock - Decides which records have expired; the machine's own clock by default.
 */
export function memoryStore(options: { readonly clock?: Clock } = {}): Store {
  const clock = options.clock ?? systemClock;
  const records = new Map<string, Row>();
  const byFacet = new Sorted<string>();
  const byDue = new Sorted<number>();
  const byExpiry = new Sorted<number>();
  const watchers = new Map<string, Set<() => void>>();
  let versions = 0;
  let closed = false;

  function live(key: string): Row | undefined {
    const row = records.get(key);
    return row?.expiresAt !== undefined && row.expiresAt <= clock.now() ? undefined : row;
  }

  function replace(key: string, row: Row | undefined): void {
    const before = records.get(key);
    for (const facet of before?.facets ?? []) byFacet.remove(facet, key);
    if (before?.dueAt !== undefined) byDue.remove(before.dueAt, key);
    if (before?.expiresAt !== undefined) byExpiry.remove(before.expiresAt, key);
    if (!row) return void records.delete(key);
    records.set(key, row);
    for (const facet of row.facets) byFacet.add(facet, key);
    if (row.dueAt !== undefined) byDue.add(row.dueAt, key);
    if (row.expiresAt !== undefined) byExpiry.add(row.expiresAt, key);
  }

  function commit(key: string, row: Row | undefined): void {
    replace(key, row);
    // One expired record goes with every write, so that they never pile up and no write pays for many.
    for (const [at, oldest] of byExpiry.from(Number.NEGATIVE_INFINITY, "")) {
      if (at <= clock.now()) replace(oldest, undefined);
      break;
    }
    for (const listener of watchers.get(key) ?? []) {
      // Later, and whatever it throws: a writer's answer does not depend on who watches.
      queueMicrotask(() => {
        try {
          if (watchers.get(key)?.has(listener)) listener();
        } catch {}
      });
    }
  }

  function page(limit: number, keys: Iterable<string>, cursorOf: (key: string) => string): Page {
    if (!(Number.isInteger(limit) && limit > 0)) throw new TypeError("limit must be a whole number from 1.");
    const items: StoredItem[] = [];
    for (const key of keys) {
      const row = live(key);
      if (!row) continue;
      const last = items.at(-1);
      if (last && items.length === limit) return { items, cursor: cursorOf(last.key) };
      items.push({ key, value: row.value, version: row.version });
    }
    return { items };
  }

  function checkOpen(): void {
    if (closed) throw new Error("This memory store is closed. Close it after the last call.");
  }

  return {
    reach: "process",

    async read(key) {
      checkOpen();
      const row = live(key);
      return row && { value: row.value, version: row.version };
    },

    async write(key, value, { ifVersion, index = {} }) {
      checkOpen();
      checkTimes(index);
      if ((live(key)?.version ?? "absent") !== ifVersion) return "conflict";
      const version = `${++versions}`;
      commit(key, { value, version, facets: facetsOf(index), dueAt: index.dueAt, expiresAt: index.expiresAt });
      return version;
    },

    async remove(key, { ifVersion }) {
      checkOpen();
      if (live(key)?.version !== ifVersion) return false;
      commit(key, undefined);
      return true;
    },

    async list({ prefix, owner, registration, ref, cursor, limit }) {
      checkOpen();
      const wanted = facetsOf({ owner, registration, refs: ref === undefined ? [] : [ref] });
      const facet = wanted.at(-1) ?? "";
      function* keys() {
        for (const [group, key] of byFacet.from(facet, cursor ?? prefix)) {
          if (group !== facet || !key.startsWith(prefix)) return;
          if (key !== cursor && wanted.every((each) => records.get(key)?.facets.includes(each))) yield key;
        }
      }
      return page(limit, keys(), (key) => key);
    },

    async due(before, { cursor, limit }) {
      checkOpen();
      const [, dueAt = Number.NEGATIVE_INFINITY, last = ""] = /^(\S+) (.*)$/s.exec(cursor ?? "") ?? [];
      function* keys() {
        for (const [at, key] of byDue.from(Number(dueAt), last)) {
          if (!(at <= before)) return;
          if (at !== Number(dueAt) || key !== last) yield key;
        }
      }
      return page(limit, keys(), (key) => `${records.get(key)?.dueAt} ${key}`);
    },

    watch(key, listener) {
      checkOpen();
      // One of its own for every call, so that stopping it does not stop another call's with the same function.
      const own = () => listener();
      const watching = watchers.get(key) ?? new Set();
      watchers.set(key, watching.add(own));
      return () => {
        watching.delete(own);
        if (watching.size === 0 && watchers.get(key) === watching) watchers.delete(key);
      };
    },

    async close() {
      closed = true;
    },
  };
}

interface Row {
  readonly value: string;
  readonly version: string;
  readonly facets: readonly string[];
  readonly dueAt: number | undefined;
  readonly expiresAt: number | undefined;
}

interface Facets {
  readonly owner?: string | undefined;
  readonly registration?: string | undefined;
  readonly refs?: readonly string[];
}

/** What a record is listed under, from the widest to the narrowest; the first is the list of all. */
function facetsOf({ owner, registration, refs = [] }: Facets): string[] {
  const named = [registration !== undefined && `registration:${registration}`, owner !== undefined && `owner:${owner}`];
  return ["", ...named.filter((facet) => facet !== false), ...new Set(refs.map((ref) => `ref:${ref}`))];
}

/** Keeps a `NaN` from hiding a record for ever, or from dropping one that is needed. */
function checkTimes({ dueAt, expiresAt }: Index): void {
  if (dueAt !== undefined && !Number.isFinite(dueAt)) {
    throw new TypeError("index.dueAt must be epoch milliseconds: a finite number.");
  }
  if (expiresAt !== undefined && !(Number.isFinite(expiresAt) && expiresAt > 0)) {
    throw new TypeError("index.expiresAt must be epoch milliseconds: a finite number above 0.");
  }
}

type Entry<Group> = readonly [group: Group, key: string];

/** Entries in the order of their group, then of their key: in chunks, so that adding one moves few. */
class Sorted<Group extends string | number> {
  readonly #chunks: Entry<Group>[][] = [[]];

  add(group: Group, key: string): void {
    const { chunk, number, at } = this.#find(group, key);
    chunk.splice(at, 0, [group, key]);
    if (chunk.length > 512) this.#chunks.splice(number + 1, 0, chunk.splice(256));
  }

  remove(group: Group, key: string): void {
    const { chunk, number, at } = this.#find(group, key);
    chunk.splice(at, 1);
    if (chunk.length === 0 && this.#chunks.length > 1) this.#chunks.splice(number, 1);
  }

  *from(group: Group, key: string): Generator<Entry<Group>> {
    let { number, at } = this.#find(group, key);
    for (let chunk = this.#chunks[number]; chunk; chunk = this.#chunks[++number], at = 0) yield* chunk.slice(at);
  }

  /** Where the entry stands, or would. */
  #find(group: Group, key: string): { chunk: Entry<Group>[]; number: number; at: number } {
    const before = (entry: Entry<Group> | undefined): number =>
      !entry ? 1 : entry[0] < group ? -1 : entry[0] > group ? 1 : inByteOrder(entry[1], key);
    const number = Math.max(0, partition(this.#chunks, (chunk) => before(chunk[0]) <= 0) - 1);
    const chunk = this.#chunks[number] ?? [];
    return { chunk, number, at: partition(chunk, (entry) => before(entry) < 0) };
  }
}

/** How many of the items, from the first on, satisfy `holds`; it does for a first part of them and not for the rest. */
function partition<Item>(items: readonly Item[], holds: (item: Item) => boolean): number {
  let low = 0;
  for (let high = items.length; low < high; ) {
    const middle = (low + high) >> 1;
    if (holds(items[middle] as Item)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Compares as databases do, by the bytes of UTF-8. JavaScript's `<` puts an emoji before U+E000..U+FFFF; this, after. */
function inByteOrder(a: string, b: string): number {
  let at = 0;
  while (at < a.length && a.charCodeAt(at) === b.charCodeAt(at)) at++;
  const rank = (unit: number) => (unit < 0xd800 ? unit : unit < 0xe000 ? unit + 0x2000 : unit - 0x800);
  return at < a.length && at < b.length ? rank(a.charCodeAt(at)) - rank(b.charCodeAt(at)) : a.length - b.length;
}
