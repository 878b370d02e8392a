import assert from "node:assert/strict";
import type { Store } from "@linkwright/core";
import { create, listAll, type Promised, type StoreHarness } from "./harness.ts";

/** Failure throws, absence is `undefined`: a store that mixes them makes an application forget its users' grants. */
export function failure({ broken }: StoreHarness): Promised[] {
  const unreachable: Promised = {
    name: "G21 a store that cannot look rejects, whatever it is asked",
    remedy:
      "let the backend's error through, or wrap it as `cause`; never answer undefined, false or an empty page instead.",
    async run() {
      const store = (await broken?.()) as Store;
      try {
        for (const [method, call] of Object.entries(everyMethod(store, "key"))) {
          await assert.rejects(call, Error, `${method} answered although the backend cannot be reached`);
        }
      } finally {
        await store.close().catch(() => {});
      }
    },
  };
  return [absence, ...(broken ? [unreachable] : []), closed];
}

const absence: Promised = {
  name: "G21 what is not there reads as undefined, and is neither changed nor removed",
  remedy: "answer undefined, false, conflict and an empty last page for a key that has no record.",
  async run({ store, prefix }) {
    const key = `${prefix}missing`;
    await create(store, `${prefix}other`, "other");
    assert.equal(await store.read(key), undefined, "read of a missing record");
    assert.equal(await store.remove(key, { ifVersion: "1" }), false, "remove of a missing record");
    assert.equal(
      await store.write(key, "value", { ifVersion: "1" }),
      "conflict",
      "write at a version of a missing record",
    );
    assert.equal(await store.read(key), undefined, "a write that was a conflict left a record");
    const page = await store.list({ prefix: `${key}:`, limit: 10 });
    assert.deepEqual(page.items, [], "a list of nothing");
  },
};

const closed: Promised = {
  name: "G21 a closed store rejects, whatever it is asked, and may be closed again",
  remedy: "remember that close() was called, and throw from every other method.",
  async run({ store, prefix }) {
    await create(store, `${prefix}key`, "value");
    assert.equal((await listAll(store, { prefix })).length, 1, "the record before closing");
    await store.close();
    for (const [method, call] of Object.entries(everyMethod(store, `${prefix}key`))) {
      await assert.rejects(call, Error, `${method} answered although the store is closed`);
    }
    await store.close();
  },
};

function everyMethod(store: Store, key: string): Record<string, () => Promise<unknown>> {
  return {
    read: async () => store.read(key),
    create: async () => store.write(key, "value", { ifVersion: "absent" }),
    write: async () => store.write(key, "value", { ifVersion: "1" }),
    remove: async () => store.remove(key, { ifVersion: "1" }),
    list: async () => store.list({ prefix: key, limit: 1 }),
    due: async () => store.due(Date.now(), { limit: 1 }),
  };
}
