import assert from "node:assert/strict";
import { create, dueAll, listAll, type Promised } from "./harness.ts";

/** Removal, and what a record that comes back may not take over from the one before. */
export const removal: Promised[] = [
  {
    name: "G61 of many that remove one version at once, one is answered true",
    remedy:
      "compare and delete in one atomic step, and answer from the count of records that the backend says it deleted.",
    async run({ instances, store, prefix }) {
      const stores = await instances(3);
      for (let round = 0; round < 5; round++) {
        const key = `${prefix}${round}`;
        const ifVersion = await create(store, key, "single use", { owner: prefix, refs: [prefix], dueAt: 1000 });
        const answers = await Promise.all(
          Array.from({ length: 24 }, (_, n) => stores[n % 3]!.remove(key, { ifVersion })),
        );
        const winners = answers.filter((answer) => answer === true).length;
        assert.equal(winners, 1, `${winners} of 24 removals of one version were answered true`);
        assert.equal(await store.read(key), undefined, "the removed record can be read");
      }
      assert.deepEqual(await listAll(store, { prefix, owner: prefix }), [], "removed records are listed by owner");
      assert.deepEqual(await listAll(store, { prefix, ref: prefix }), [], "removed records are listed by reference");
      const due = (await dueAll(store, 1000)).filter((item) => item.key.startsWith(prefix));
      assert.deepEqual(due, [], "removed records are due");
    },
  },
  {
    name: "G61 a removal and a write at one version never both succeed",
    remedy: "serialise writes and removals of one key by the same version check.",
    async run({ instances, store, prefix }) {
      const [one, two] = (await instances(2)) as [typeof store, typeof store];
      for (let round = 0; round < 20; round++) {
        const key = `${prefix}${round}`;
        const ifVersion = await create(store, key, "old");
        const calls = [() => two.write(key, "new", { ifVersion }), () => one.remove(key, { ifVersion })];
        const answers = await Promise.all((round % 2 ? calls : calls.reverse()).map((call) => call()));
        const removed = answers.includes(true);
        const written = answers.find((answer) => typeof answer === "string" && answer !== "conflict");
        assert.equal(removed, written === undefined, `removed ${removed}, and written ${written !== undefined}`);
        assert.equal(
          (await store.read(key))?.value,
          removed ? undefined : "new",
          "what the answers said is not what is there",
        );
      }
    },
  },
  {
    name: "G26 a write at the version of a removed record does not bring it back",
    remedy: "treat a removed record as absent: every version of it is a conflict.",
    async run({ store, prefix }) {
      const key = `${prefix}key`;
      const ifVersion = await create(store, key, "value");
      assert.equal(await store.remove(key, { ifVersion }), true, "remove at the present version");
      assert.equal(await store.write(key, "resurrected", { ifVersion }), "conflict", "a write at the removed version");
      assert.equal(await store.read(key), undefined, "the removed record is back");
    },
  },
  {
    name: "G05 no version of a key is ever used again, also after the record was removed and written anew",
    remedy:
      "take versions from a sequence of the whole store or from random UUIDs, not from a count that starts with the record.",
    async run({ instances, prefix }) {
      const key = `${prefix}key`;
      const stores = await instances(3);
      const seen: string[] = [];
      for (let round = 0; round < 12; round++) {
        const store = stores[round % 3]!;
        const created = await create(store, key, "same value", { owner: prefix });
        const rewritten = await store.write(key, "same value", { ifVersion: created, index: { owner: prefix } });
        seen.push(created, rewritten);
        assert.equal(await store.remove(key, { ifVersion: rewritten }), true, "remove at the present version");
      }
      const repeated = seen.filter((version, at) => seen.indexOf(version) !== at);
      assert.deepEqual(repeated, [], "a version came back; a writer that slept would overwrite what it never saw");
      for (const version of seen) assert.ok(typeof version === "string" && version !== "", "a version is no text");
      assert.ok(!seen.includes("absent") && !seen.includes("conflict"), 'a version is "absent" or "conflict"');
    },
  },
];
