import { type Index, memoryStore, type Page, type Store, type StoredItem } from "@linkwright/core";
import { virtualClock } from "@linkwright/testing";
import { type ContractCase, type StoreHarness, storeContract } from "@linkwright/testing/store";
import { describe, expect, test } from "vitest";

/**
 * Stores that are each wrong in one way, of the kinds that were seen in the wild. The suite must fail each at the guarantee
 * that it breaks, and only where that mistake shows.
 */
describe("the store contract", () => {
  test("G81 passes a store that keeps it", async () => {
    expect(await failures({ reach: "process", open: () => memoryStore() })).toEqual([]);
  });

  test("G81 every case names the guarantee that it shows, and no two have one name", () => {
    const clock = virtualClock();
    const names = storeContract({ reach: "process", open: memoryStore, broken: memoryStore, clock }).map(
      ({ name }) => name,
    );
    for (const name of names) expect(name).toMatch(/^G\d\d [a-z]/);
    expect(new Set(names).size).toBe(names.length);
    expect(names.length).toBeGreaterThan(35);
  });

  test("G81 a failure says which guarantee is broken, what happened, and what the author should do", async () => {
    const { run } = caseNamed(harnessOf(ignoresVersion), "G05 no update is lost among many writers");
    const error = await run().then(
      () => undefined,
      (thrown: Error) => thrown,
    );
    expect(error?.message).toMatch(/^G05 no update is lost among many writers on several instances: /);
    expect(error?.message).toContain("the counter after 120 acknowledged increments");
    expect(error?.message).toContain(
      "To the store's author: refuse a write whose ifVersion is not the present version",
    );
    expect(error?.cause).toMatchObject({ name: "AssertionError" });
  });

  test("G81 a store that ignores ifVersion loses updates: G02, G05, G21, G26, G61", async () => {
    expect(await failures(harnessOf(ignoresVersion))).toEqual([
      "G21 what is not there reads as undefined, and is neither changed nor removed",
      "G02 of many that create one key at once, one does",
      "G02 of many that write at one version at once, one does",
      "G05 a conflict changes nothing, the index included",
      "G61 a removal and a write at one version never both succeed",
      "G26 a write at the version of a removed record does not bring it back",
      "G05 no update is lost among many writers on several instances",
    ]);
  });

  test("G81 a store that compares and writes in two steps loses updates: G02, G05", async () => {
    expect(await failures(harnessOf(comparesFirst))).toEqual([
      "G02 of many that create one key at once, one does",
      "G02 of many that write at one version at once, one does",
      "G61 a removal and a write at one version never both succeed",
      "G05 no update is lost among many writers on several instances",
    ]);
  });

  test("G81 a store that answers undefined when it cannot look: G21", async () => {
    const broken = () => swallowing(unreachable());
    const harness = { reach: "process", open: () => memoryStore(), broken } as const;
    expect(await failures(harness)).toEqual(["G21 a store that cannot look rejects, whatever it is asked"]);
    const honest = { reach: "process", open: () => memoryStore(), broken: unreachable } as const;
    expect(await failures(honest)).toEqual([]);
  });

  test("G81 a store that swallows errors answers after it was closed, too: G21", async () => {
    expect(await failures(harnessOf(swallowing))).toContain(
      "G21 a closed store rejects, whatever it is asked, and may be closed again",
    );
  });

  test("G81 a store that evicts by a TTL of its own: G22", async () => {
    const clock = virtualClock();
    const open = () => evicting(memoryStore({ clock }), clock.now);
    expect(await failures({ reach: "process", open, clock })).toEqual([
      "G22 a record without expiresAt outlives ten years, also where it once had one",
    ]);
  });

  test("G81 a store that evicts the oldest when it is full: G22", async () => {
    expect(await failures(harnessOf(evictingOldest))).toEqual([
      "G22 a record without expiresAt is kept, whatever else is due or expires",
    ]);
  });

  test("G81 a store that reads expiresAt as seconds: G22", async () => {
    const clock = virtualClock();
    const open = () => memoryStore({ clock: { ...clock, now: () => clock.now() * 1000 } });
    expect(await failures({ reach: "process", open, clock })).toEqual([
      "G22 a record is kept until its expiresAt",
      "G22 a record without expiresAt outlives ten years, also where it once had one",
      "G22 a record is there a millisecond before its expiresAt",
    ]);
  });

  test("G81 a store whose keys collide once they are normalised: G23", async () => {
    const failed = await failures(harnessOf(normalising));
    expect(failed).toContain("G23 keys that try to collide or escape stay apart");
    expect(failed.every((name) => name.startsWith("G23"))).toBe(true);
  });

  test("G81 a store that takes a prefix for a pattern: G23", async () => {
    expect(await failures(harnessOf(patterns))).toEqual([
      "G23 a prefix is taken literally, and its list ends where it ends",
    ]);
  });

  test("G81 a store that removes in two steps: G61", async () => {
    expect(await failures(harnessOf(removesInTwoSteps))).toEqual([
      "G61 of many that remove one version at once, one is answered true",
      "G61 a removal and a write at one version never both succeed",
    ]);
  });

  test("G81 a store that says host and holds within its process: G02", async () => {
    const shared = memoryStore();
    const { run } = caseNamed(
      {
        reach: "host",
        open: () => ({ ...shared, reach: "host", close: async () => {} }),
        process: {
          moduleUrl: new URL("../../core/src/memory-store.ts", import.meta.url).href,
          exportName: "memoryStore",
          options: {},
        },
      },
      "G02 no update is lost among 3 processes",
    );
    await expect(run()).rejects.toThrow(
      /^G02 no update .*: A process with a store of its own failed: .*The counter is gone.*let the backend itself compare and write/s,
    );
  });

  test("G81 a store that counts versions anew for a record that comes back: G05", async () => {
    expect(await failures(harnessOf(countsPerRecord))).toEqual([
      "G05 no version of a key is ever used again, also after the record was removed and written anew",
    ]);
  });

  test("G81 a store that adds to the index and never takes away: G33", async () => {
    const failed = await failures(harnessOf(keepsOldRefs));
    expect(failed).toContain("G33 a write replaces the index as a whole: what it leaves out is no longer found by");
  });

  test("G81 a store that pages by offset: G71, G58", async () => {
    expect(await failures(harnessOf(pagesByOffset))).toEqual([
      "G71 what nobody touches while the pages are read is seen once, in key order",
      "G58 a sweep that moves what it has seen misses nothing and meets nothing twice",
    ]);
  });

  test("G81 a store that forgets a dueAt that is no finite number: G57", async () => {
    expect(await failures(harnessOf(replacesNaN({})))).toEqual([
      "G57 a dueAt that is no finite number is refused, or its record stays readable, listed and due",
    ]);
    // Too early does no harm.
    expect(await failures(harnessOf(replacesNaN({ dueAt: 0 })))).toEqual([]);
  });

  test("G81 a store that cuts long values: G25", async () => {
    expect(await failures(harnessOf(cutsValues))).toEqual(["G25 a token of 204800 characters passes through"]);
  });

  test("G81 a store that trims values: G24", async () => {
    const trims = (store: Store): Store => ({
      ...store,
      write: (key, value, options) => store.write(key, value.trim(), options),
    });
    expect(await failures(harnessOf(trims))).toEqual(["G24 text of every kind comes back byte for byte"]);
  });

  test("G81 a store whose watchers cannot be stopped: G07", async () => {
    const stubborn = (store: Store): Store => ({
      ...store,
      watch(key, listener) {
        store.watch?.(key, listener);
        return () => {};
      },
    });
    expect(await failures(harnessOf(stubborn))).toEqual([
      "G07 a watcher, where the store has any, hears of writes and removals until it is stopped",
    ]);
  });
});

type Wrong = (store: Store) => Store;

function harnessOf(wrong: Wrong): StoreHarness {
  return { reach: "process", open: () => wrong(memoryStore()) };
}

/** The names of the cases that fail, in the suite's order. */
async function failures(harness: StoreHarness): Promise<string[]> {
  const failed: string[] = [];
  for (const { name, run } of storeContract(harness)) {
    await run().catch(() => failed.push(name));
  }
  return failed;
}

function caseNamed(harness: StoreHarness, beginning: string): ContractCase {
  const found = storeContract(harness).find(({ name }) => name.startsWith(beginning));
  if (!found) throw new Error(`No case is named ${beginning}.`);
  return found;
}

const ignoresVersion: Wrong = (store) => ({
  ...store,
  write: (key, value, { index }) => overwrite(store, key, value, index),
});

const comparesFirst: Wrong = (store) => ({
  ...store,
  async write(key, value, { ifVersion, index }) {
    if (((await store.read(key))?.version ?? "absent") !== ifVersion) return "conflict";
    return overwrite(store, key, value, index);
  },
});

async function overwrite(store: Store, key: string, value: string, index: Index = {}): Promise<string> {
  for (;;) {
    const ifVersion = (await store.read(key))?.version ?? "absent";
    const version = await store.write(key, value, { ifVersion, index });
    if (version !== "conflict") return version;
  }
}

function unreachable(): Store {
  const fail = async (): Promise<never> => {
    throw new Error("connect ECONNREFUSED 127.0.0.1:5432");
  };
  return { reach: "process", read: fail, write: fail, remove: fail, list: fail, due: fail, close: async () => {} };
}

const swallowing: Wrong = (store) => ({
  ...store,
  read: (key) => store.read(key).catch(() => undefined),
  list: (query) => store.list(query).catch(() => ({ items: [] })),
});

function evicting(store: Store, now: () => number): Store {
  const written = new Map<string, number>();
  return {
    ...store,
    async read(key) {
      const age = now() - (written.get(key) ?? 0);
      return age > 30 * 86_400_000 ? undefined : store.read(key);
    },
    write(key, value, options) {
      written.set(key, now());
      return store.write(key, value, options);
    },
  };
}

const evictingOldest: Wrong = (store) => {
  const kept: string[] = [];
  return {
    ...store,
    async write(key, value, options) {
      const version = await store.write(key, value, options);
      if (options.ifVersion === "absent" && version !== "conflict") kept.push(key);
      const oldest = kept.length > 150 ? kept.shift() : undefined;
      const found = oldest === undefined ? undefined : await store.read(oldest);
      if (oldest !== undefined && found) await store.remove(oldest, { ifVersion: found.version });
      return version;
    },
  };
};

/** Compares as some databases' default collation does. */
const normalising: Wrong = (store) => ({
  ...store,
  read: (key) => store.read(key.normalize().toLowerCase()),
  write: (key, value, options) => store.write(key.normalize().toLowerCase(), value, options),
  remove: (key, options) => store.remove(key.normalize().toLowerCase(), options),
});

/** LIKE, without escaping. */
const patterns: Wrong = (store) => ({
  ...store,
  async list({ prefix, cursor, limit, ...members }) {
    const literal = prefix.slice(0, prefix.lastIndexOf(":") + 1);
    const all = await everything(store, { prefix: literal, ...members });
    const escaped = prefix.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    const pattern = new RegExp(`^${escaped.replaceAll("%", ".*").replaceAll("_", ".")}`, "su");
    const items = all
      .filter((item) => pattern.test(item.key) && (cursor === undefined || item.key > cursor))
      .slice(0, limit);
    const last = items.at(-1);
    return last && items.length === limit ? { items, cursor: last.key } : { items };
  },
});

const removesInTwoSteps: Wrong = (store) => ({
  ...store,
  async remove(key, { ifVersion }) {
    const found = await store.read(key);
    if (found?.version !== ifVersion) return false;
    await store.remove(key, { ifVersion });
    return true;
  },
});

const countsPerRecord: Wrong = (store) => {
  // The versions that callers see are 1, 2, 3 for each life of a record.
  const lives = new Map<string, { real: string; count: number }>();
  const realOf = (key: string, version: string) => {
    const life = lives.get(key);
    return life && `${life.count}` === version ? life.real : "none";
  };
  return {
    ...store,
    async read(key) {
      const found = await store.read(key);
      return found && { ...found, version: `${lives.get(key)?.count}` };
    },
    async write(key, value, { ifVersion, ...rest }) {
      const real = await store.write(key, value, {
        ifVersion: ifVersion === "absent" ? ifVersion : realOf(key, ifVersion),
        ...rest,
      });
      if (real === "conflict") return real;
      const count = ifVersion === "absent" ? 1 : Number(ifVersion) + 1;
      lives.set(key, { real, count });
      return `${count}`;
    },
    remove: (key, { ifVersion }) => store.remove(key, { ifVersion: realOf(key, ifVersion) }),
    list: async (query) => counted(await store.list(query)),
    due: async (before, query) => counted(await store.due(before, query)),
  };

  function counted(page: Page): Page {
    return { ...page, items: page.items.map((item) => ({ ...item, version: `${lives.get(item.key)?.count}` })) };
  }
};

const keepsOldRefs: Wrong = (store) => {
  const refs = new Map<string, string[]>();
  return {
    ...store,
    async write(key, value, { ifVersion, index }) {
      const all = [...(refs.get(key) ?? []), ...(index?.refs ?? [])];
      const version = await store.write(key, value, { ifVersion, index: { ...index, refs: all } });
      if (version !== "conflict") refs.set(key, all);
      return version;
    },
  };
};

const pagesByOffset: Wrong = (store) => {
  const page = (all: StoredItem[], cursor: string | undefined, limit: number): Page => {
    const start = Number(cursor ?? 0);
    const items = all.slice(start, start + limit);
    return all.length > start + limit ? { items, cursor: `${start + limit}` } : { items };
  };
  return {
    ...store,
    list: async ({ cursor, limit, ...query }) => page(await everything(store, query), cursor, limit),
    due: async (before, { cursor, limit }) =>
      page([...(await store.due(before, { limit: 100_000 })).items], cursor, limit),
  };
};

/** With nothing: as JSON does, to which `NaN` and the infinities are `null`. */
const replacesNaN =
  (instead: Index): Wrong =>
  (store) => ({
    ...store,
    write(key, value, { ifVersion, index = {} }) {
      const { dueAt = 0, ...others } = index;
      return store.write(key, value, { ifVersion, index: Number.isFinite(dueAt) ? index : { ...others, ...instead } });
    },
  });

const cutsValues: Wrong = (store) => ({
  ...store,
  write: (key, value, options) => store.write(key, value.slice(0, 65_535), options),
});

async function everything(store: Store, query: { prefix: string; owner?: string }): Promise<StoredItem[]> {
  return [...(await store.list({ ...query, limit: 100_000 })).items];
}
