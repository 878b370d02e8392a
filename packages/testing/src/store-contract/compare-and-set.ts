import assert from "node:assert/strict";
import { create, dueAll, listAll, type Promised } from "./harness.ts";

const racers = 24;

/** The one primitive: a write that holds only if the record is still as the writer saw it. */
export const compareAndSet: Promised[] = [
  {
    name: "G02 of many that create one key at once, one does",
    remedy:
      'make ifVersion "absent" one atomic insert that fails where the key is there (ON CONFLICT DO NOTHING, SET NX).',
    async run({ instances, store, prefix }) {
      const key = `${prefix}key`;
      const stores = await instances(3);
      const answers = await Promise.all(
        Array.from({ length: racers }, (_, n) => stores[n % 3]!.write(key, `creator ${n}`, { ifVersion: "absent" })),
      );
      const winners = answers.flatMap((answer, n) => (answer === "conflict" ? [] : [{ answer, n }]));
      assert.equal(
        winners.length,
        1,
        `${winners.length} of ${racers} creators of one key were told that they were first`,
      );
      const expected = { value: `creator ${winners[0]?.n}`, version: winners[0]?.answer };
      assert.deepEqual({ ...(await store.read(key)) }, expected, "the record is not the winner's");
      assert.equal(await store.write(key, "late", { ifVersion: "absent" }), "conflict", "a creator after all others");
    },
  },
  {
    name: "G02 of many that write at one version at once, one does",
    remedy:
      "compare the version and write in one atomic step of the backend (UPDATE ... WHERE version, a script), not in two.",
    async run({ instances, store, prefix }) {
      const key = `${prefix}key`;
      const stores = await instances(3);
      let version = await create(store, key, "first");
      for (let round = 0; round < 5; round++) {
        const answers = await Promise.all(
          Array.from({ length: racers }, (_, n) => stores[n % 3]!.write(key, `${round}:${n}`, { ifVersion: version })),
        );
        const winners = answers.flatMap((answer, n) => (answer === "conflict" ? [] : [{ answer, n }]));
        assert.equal(
          winners.length,
          1,
          `${winners.length} of ${racers} writers at one version were told that they won`,
        );
        const expected = { value: `${round}:${winners[0]?.n}`, version: winners[0]?.answer };
        assert.deepEqual({ ...(await store.read(key)) }, expected, "the record is not the winner's");
        version = winners[0]!.answer;
      }
    },
  },
  {
    name: "G05 a conflict changes nothing, the index included",
    remedy: "touch neither value nor index before the version was compared, or undo both together.",
    async run({ store, prefix }) {
      const key = `${prefix}key`;
      const [owner, other] = [`${prefix}owner`, `${prefix}other`];
      const old = await create(store, key, "old", { owner: other, refs: [other], dueAt: 1 });
      const version = await store.write(key, "new", { ifVersion: old, index: { owner, refs: [owner], dueAt: 2000 } });
      const index = { owner: other, refs: [other], dueAt: 1000 };
      for (const ifVersion of [old, "absent"]) {
        assert.equal(await store.write(key, "stale", { ifVersion, index }), "conflict", `a write at ${ifVersion}`);
      }
      assert.equal(await store.remove(key, { ifVersion: old }), false, "remove at an old version");
      const kept = [{ key, value: "new", version }];
      assert.deepEqual({ ...(await store.read(key)) }, { value: "new", version }, "a conflict changed the record");
      assert.deepEqual(plain(await listAll(store, { prefix, owner })), kept, "a conflict changed the owner");
      assert.deepEqual(plain(await listAll(store, { prefix, ref: owner })), kept, "a conflict changed the references");
      assert.deepEqual(await listAll(store, { prefix, owner: other }), [], "a conflict left its owner");
      assert.deepEqual(await listAll(store, { prefix, ref: other }), [], "a conflict left its reference");
      const early = (await dueAll(store, 1000)).filter((item) => item.key === key);
      assert.deepEqual(early, [], "a conflict left its dueAt");
    },
  },
  {
    name: "G33 a write replaces the index as a whole: what it leaves out is no longer found by",
    remedy: "delete the entries of the write before, references too, in the step that writes the new ones.",
    async run({ store, prefix }) {
      const key = `${prefix}key`;
      const [a, b, c] = [`${prefix}a`, `${prefix}b`, `${prefix}c`];
      const found = async () => ({
        owner: (await listAll(store, { prefix, owner: a })).length,
        registration: (await listAll(store, { prefix, registration: a })).length,
        refs: await Promise.all([a, b, c].map(async (ref) => (await listAll(store, { prefix, ref })).length)),
        due: (await dueAll(store, 1000)).filter((item) => item.key === key).length,
        all: (await listAll(store, { prefix })).length,
      });
      const first = await create(store, key, "1", { owner: a, registration: a, refs: [a, b], dueAt: 1000 });
      assert.deepEqual(await found(), { owner: 1, registration: 1, refs: [1, 1, 0], due: 1, all: 1 }, "as created");
      const second = await store.write(key, "2", { ifVersion: first, index: { refs: [b, c, c], dueAt: 1001 } });
      assert.deepEqual(await found(), { owner: 0, registration: 0, refs: [0, 1, 1], due: 0, all: 1 }, "rewritten");
      const third = await store.write(key, "3", { ifVersion: second });
      assert.deepEqual(
        await found(),
        { owner: 0, registration: 0, refs: [0, 0, 0], due: 0, all: 1 },
        "without an index",
      );
      await store.write(key, "4", { ifVersion: third, index: { owner: a, refs: [a] } });
      assert.deepEqual(await found(), { owner: 1, registration: 0, refs: [1, 0, 0], due: 0, all: 1 }, "with one again");
    },
  },
];

/** Items as plain objects, since a driver's rows may have no prototype. */
function plain(items: readonly object[]): object[] {
  return items.map((item) => ({ ...item }));
}
