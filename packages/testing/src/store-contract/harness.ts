import { randomUUID } from "node:crypto";
import type { ListQuery, Page, Store, StoredItem } from "@linkwright/core";

/** What a store author hands to the suite. */
export interface StoreHarness {
  /** How far the store says that its compare-and-set holds. */
  readonly reach: Store["reach"];
  /**
   * Opens a store. From reach `host` up, every call gives a further instance on the same data; at reach `process` it may
   * give one with data of its own. The suite closes what it opened, keeps to keys of its own, and leaves its records behind.
   */
  open(): Store | Promise<Store>;
  /** Opens a store whose backend cannot be reached: a wrong port, a missing directory. Shows that failure is not absence. */
  broken?(): Store | Promise<Store>;
  /**
   * The clock that the opened stores read, where one can be given to them; moved forward by the cases on expiry, so those
   * must not run beside each other.
   */
  readonly clock?: {
    /** Epoch milliseconds. */
    now(): number;
    advance(milliseconds: number): unknown;
  };
  /** How a Node process of its own opens the same data; with it, the suite shows the reach `host` and `cluster`. */
  readonly process?: ProcessHarness;
}

/** Names a function that opens the store in another process. */
export interface ProcessHarness {
  /** The module, as a `file:` URL. */
  readonly moduleUrl: string;
  /** Its exported function; called with `options`, it gives a `Store` or a promise of one. */
  readonly exportName: string;
  /** Goes through JSON. */
  readonly options: unknown;
  /** Flags that Node needs to load the module. */
  readonly execArgv?: readonly string[];
}

/** One promise of the contract. Fits any runner: `for (const c of storeContract(harness)) test(c.name, c.run)`. */
export interface ContractCase {
  /** Begins with the id of the guarantee that it shows. */
  readonly name: string;
  /** Rejects with an error that names the guarantee and what the author should do. */
  run(): Promise<void>;
}

/** A case as the files of this suite write it. */
export interface Promised {
  readonly name: string;
  /** What the author of a store that fails here should do. */
  readonly remedy: string;
  run(context: Context): Promise<void>;
}

/** What a case works with: stores on one data, and keys that no other case uses. */
export interface Context {
  readonly harness: StoreHarness;
  readonly store: Store;
  /** So many instances on the same data; at reach `process`, the one instance so many times. */
  instances(count: number): Promise<Store[]>;
  /** The beginning of this case's keys, owners and references. */
  readonly prefix: string;
  /** The stores' present time, epoch milliseconds. */
  now(): number;
}

/** Makes a case that opens what it needs, closes it, and explains its failure. */
export function contractCase(harness: StoreHarness, promised: Promised): ContractCase {
  const { name, remedy } = promised;
  return {
    name,
    async run() {
      const opened: Store[] = [];
      const open = async () => {
        const store = await harness.open();
        opened.push(store);
        return store;
      };
      try {
        const store = await open();
        await promised.run({
          harness,
          store,
          async instances(count) {
            const others =
              harness.reach === "process" ? [] : await Promise.all(Array.from({ length: count - 1 }, open));
            return Array.from({ length: count }, (_, number) => [store, ...others][number] ?? store);
          },
          prefix: `contract:${randomUUID()}:`,
          now: () => harness.clock?.now() ?? Date.now(),
        });
        await Promise.all(opened.map((store) => store.close()));
      } catch (error) {
        await Promise.allSettled(opened.map((store) => store.close()));
        const message = error instanceof Error ? error.message : String(error);
        throw new Error(`${name}: ${message}\nTo the store's author: ${remedy}`, { cause: error });
      }
    },
  };
}

/** Creates a record that is not there, and gives its version. */
export async function create(
  store: Store,
  key: string,
  value: string,
  index?: Parameters<Store["write"]>[2]["index"],
): Promise<string> {
  const version = await store.write(key, value, { ifVersion: "absent", ...(index && { index }) });
  if (version === "conflict")
    throw new Error(`A record that was never written was in the way of ${JSON.stringify(key)}.`);
  return version;
}

/** All pages of a list, in one array; `between` runs after every page that has another behind it. */
export function listAll(
  store: Store,
  query: Omit<ListQuery, "limit" | "cursor"> & { limit?: number },
  between?: (page: Page) => Promise<void>,
): Promise<StoredItem[]> {
  const { limit = 100 } = query;
  return allPages(limit, (cursor) => store.list({ ...query, limit, ...(cursor !== undefined && { cursor }) }), between);
}

/** All pages of what is due, in one array. Other cases' records may be among them. */
export function dueAll(
  store: Store,
  before: number,
  limit = 100,
  between?: (page: Page) => Promise<void>,
): Promise<StoredItem[]> {
  return allPages(limit, (cursor) => store.due(before, { limit, ...(cursor !== undefined && { cursor }) }), between);
}

async function allPages(
  limit: number,
  pageAt: (cursor: string | undefined) => Promise<Page>,
  between?: (page: Page) => Promise<void>,
): Promise<StoredItem[]> {
  const items: StoredItem[] = [];
  let cursor: string | undefined;
  for (let pages = 0; pages < 5000; pages++) {
    const page = await pageAt(cursor);
    if (page.items.length > limit) throw new Error(`A page of at most ${limit} held ${page.items.length} items.`);
    items.push(...page.items);
    if (page.cursor === undefined) return items;
    cursor = page.cursor;
    await between?.(page);
  }
  throw new Error("The pages did not end: each of 5000 named another cursor.");
}
