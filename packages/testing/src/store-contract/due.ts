import assert from "node:assert/strict";
import { create, dueAll, listAll, type Promised } from "./harness.ts";

/** What maintenance looks at next. Records of other cases may be due as well, so each case looks at its own alone. */
export const due: Promised[] = [
  {
    name: "G57 due records are found up to the cut-off and at it, earliest first, and no others",
    remedy:
      "keep an index by dueAt, ask it for `dueAt <= before` in ascending order, and leave records without a dueAt out of it.",
    async run({ store, prefix, now }) {
      const moment = now();
      const offsets = [5000, -20, 1, -86_400_000, 0, 1_000_000_000, -1, 4999];
      for (const offset of offsets) {
        await create(store, `${prefix}${offset}`, "due", { owner: prefix, dueAt: moment + offset });
      }
      await create(store, `${prefix}first`, "due", { dueAt: 0 });
      await create(store, `${prefix}never`, "no dueAt", { owner: prefix });
      await create(store, `${prefix}no index`, "no index");
      const cleared = await create(store, `${prefix}cleared`, "cleared", { dueAt: moment - 5 });
      await store.write(`${prefix}cleared`, "cleared", { ifVersion: cleared, index: { owner: prefix } });
      const moved = await create(store, `${prefix}moved`, "moved", { dueAt: moment - 5 });
      const version = await store.write(`${prefix}moved`, "later", { ifVersion: moved, index: { dueAt: moment + 10 } });

      const found = async (before: number) => {
        const items = (await dueAll(store, before, 3)).filter((item) => item.key.startsWith(prefix));
        return items.map((item) => item.key.slice(prefix.length));
      };
      assert.deepEqual(await found(moment), ["first", "-86400000", "-20", "-1", "0"], "due now");
      assert.deepEqual(await found(moment - 1), ["first", "-86400000", "-20", "-1"], "due a millisecond ago");
      assert.deepEqual(
        await found(moment + 4999),
        ["first", "-86400000", "-20", "-1", "0", "1", "moved", "4999"],
        "due soon",
      );
      const item = (await dueAll(store, moment + 10)).find((each) => each.key === `${prefix}moved`);
      assert.deepEqual({ ...item }, { key: `${prefix}moved`, value: "later", version }, "an item shows the record");
    },
  },
  {
    name: "G58 records due at one moment are each seen once, however small the pages",
    remedy: "order by dueAt and then by key, and let the cursor name both.",
    async run({ store, prefix }) {
      const keys = Array.from({ length: 30 }, (_, n) => `${prefix}${String(n).padStart(2, "0")} é:😀 %`);
      for (const key of keys) await create(store, key, key, { dueAt: 1_000_000.5 });
      for (const limit of [1, 7, 30]) {
        const seen = (await dueAll(store, 1_000_001, limit)).map((item) => item.key);
        const own = seen.filter((key) => key.startsWith(prefix));
        assert.deepEqual(own.sort(), keys, `30 records due at one moment, in pages of ${limit}`);
      }
    },
  },
  {
    name: "G58 a sweep that moves what it has seen misses nothing and meets nothing twice",
    remedy:
      "let a cursor name the dueAt and key that its page ended with; an offset slips when records leave the front.",
    async run({ instances, prefix, now }) {
      const stores = await instances(2);
      const [reader, writer] = [stores[0]!, stores[1]!];
      const keys = Array.from({ length: 40 }, (_, n) => `${prefix}${n}`);
      for (const [n, key] of keys.entries()) await create(writer, key, key, { dueAt: 1000 + (n >> 1) });
      const seen = await dueAll(reader, now(), 7, async (page) => {
        for (const { key, version, value } of page.items.filter((item) => item.key.startsWith(prefix))) {
          const index = { dueAt: now() + 60_000 };
          assert.notEqual(
            await writer.write(key, value, { ifVersion: version, index }),
            "conflict",
            "the sweep's own write",
          );
        }
      });
      const own = seen.map((item) => item.key).filter((key) => key.startsWith(prefix));
      assert.deepEqual([...own].sort(), [...keys].sort(), "what one sweep saw of 40 due records");
    },
  },
  {
    name: "G57 a dueAt that is no finite number is refused, or its record stays readable, listed and due",
    remedy:
      "reject NaN and infinities; never let them turn into null, or the record is not maintained and nobody is told.",
    async run({ store, prefix, now }) {
      for (const dueAt of [Number.NaN, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]) {
        const key = `${prefix}${dueAt}`;
        const version = await store
          .write(key, "value", { ifVersion: "absent", index: { dueAt } })
          .catch(() => "refused");
        const isKept = version !== "refused";
        const has = (items: { key: string }[]) => items.some((item) => item.key === key);
        const record = `the record with the dueAt ${dueAt}, ${isKept ? "accepted" : "refused"}`;
        assert.equal((await store.read(key))?.value, isKept ? "value" : undefined, record);
        assert.equal(has(await listAll(store, { prefix: key })), isKept, `${record}, in its list`);
        // Only what is due at the end of time may never come up.
        if (dueAt === Number.POSITIVE_INFINITY) continue;
        assert.equal(has(await dueAll(store, now())), isKept, `${record}, among what is due`);
      }
    },
  },
];
