import assert from "node:assert/strict";
import type { Index, Store } from "@linkwright/core";
import { create, dueAll, listAll, type Promised, type StoreHarness } from "./harness.ts";

const hour = 3_600_000;
const tenYears = 87_600 * hour;
const someRecords = 40;

/** The store drops a record where it was asked to, and nowhere else. */
export function expiry({ clock }: StoreHarness): Promised[] {
  return clock ? [...always, ...withClock(clock)] : always;
}

const always: Promised[] = [
  {
    name: "G22 a record without expiresAt is kept, whatever else is due or expires",
    remedy: "derive no TTL from dueAt, from the value or from a default, and evict nothing: this is no cache.",
    async run({ store, prefix, now }) {
      const index = (n: number): Index => [{}, { dueAt: 1 }, { owner: prefix }, { dueAt: now() - hour }][n % 4]!;
      for (let n = 0; n < 200; n++) await create(store, `${prefix}keep:${n}`, '{"expires_in":1}', index(n));
      await expireSome(store, prefix);
      for (let n = 0; n < 200; n++) {
        assert.ok(
          await store.read(`${prefix}keep:${n}`),
          `record ${n} of 200, with ${JSON.stringify(index(n))}, is gone`,
        );
      }
      assert.equal((await listAll(store, { prefix: `${prefix}keep:` })).length, 200, "the records in a list");
    },
  },
  {
    name: "G22 a record is kept until its expiresAt",
    remedy: "read expiresAt as epoch milliseconds: not seconds, not a span.",
    async run({ store, prefix, now }) {
      for (const span of [hour, 1000 * hour, tenYears]) {
        await create(store, `${prefix}${span}`, "value", { expiresAt: now() + span });
      }
      await expireSome(store, prefix);
      for (const span of [hour, 1000 * hour, tenYears]) {
        assert.ok(await store.read(`${prefix}${span}`), `a record that expires in ${span} ms is gone`);
      }
    },
  },
  {
    name: "G22 an expiresAt that is no finite number above 0 drops nothing",
    remedy: "reject such an expiresAt with an error, or keep the record for good.",
    async run({ store, prefix }) {
      // As a caller without types might: the last two are no numbers.
      const odd = [Number.NaN, 0, -5, Number.POSITIVE_INFINITY, "900", null] as number[];
      for (const expiresAt of odd) {
        const key = `${prefix}${String(expiresAt)}`;
        const before = await create(store, key, "before");
        const after = await store
          .write(key, "after", { ifVersion: before, index: { expiresAt } })
          .catch(() => "refused");
        const expected =
          after === "refused" ? { value: "before", version: before } : { value: "after", version: after };
        assert.deepEqual(
          { ...(await store.read(key)) },
          expected,
          `the record written with expiresAt ${String(expiresAt)}`,
        );
      }
    },
  },
  {
    name: "G22 an expired record is there or gone, whichever method asks",
    remedy: "give read, write, remove, list and due one idea of what has expired.",
    async run({ store, prefix }) {
      for (const part of ["one", "two"]) {
        const key = prefix + part;
        const version = await create(store, key, "expired", { owner: prefix, refs: [prefix], dueAt: 1, expiresAt: 1 });
        const found = await store.read(key);
        const count = found ? 1 : 0;
        const lists = {
          prefix: (await listAll(store, { prefix: key })).length,
          owner: (await listAll(store, { prefix: key, owner: prefix })).length,
          ref: (await listAll(store, { prefix: key, ref: prefix })).length,
          due: (await dueAll(store, 1)).filter((item) => item.key === key).length,
        };
        assert.deepEqual(lists, { prefix: count, owner: count, ref: count, due: count }, `read says ${count}`);
        if (part === "one") {
          const removed = await store.remove(key, { ifVersion: version });
          assert.equal(removed, found !== undefined, `read says ${count}, remove says ${removed}`);
        } else {
          const created = await store.write(key, "new", { ifVersion: "absent" });
          assert.equal(created === "conflict", found !== undefined, `read says ${count}, a creation says ${created}`);
          assert.equal((await store.read(key))?.value, found ? "expired" : "new", "the record after a creation");
        }
      }
    },
  },
];

function withClock(clock: NonNullable<StoreHarness["clock"]>): Promised[] {
  return [
    {
      name: "G22 a record without expiresAt outlives ten years, also where it once had one",
      remedy: "clear the expiry that an earlier write set (PERSIST, expires_at = NULL) when a write names none.",
      async run({ store, prefix }) {
        await create(store, `${prefix}never`, "never had one", { dueAt: clock.now() + hour });
        const version = await create(store, `${prefix}once`, "had one", { expiresAt: clock.now() + hour });
        await store.write(`${prefix}once`, "has none", { ifVersion: version });
        const moved = await create(store, `${prefix}moved`, "early", { expiresAt: clock.now() + hour });
        const index = { expiresAt: clock.now() + 2 * tenYears };
        await store.write(`${prefix}moved`, "late", { ifVersion: moved, index });
        await clock.advance(tenYears);
        await expireSome(store, prefix);
        for (const [part, value] of [
          ["never", "never had one"],
          ["once", "has none"],
          ["moved", "late"],
        ]) {
          assert.equal((await store.read(prefix + part))?.value, value, `the record ${part}, ten years later`);
        }
      },
    },
    {
      name: "G22 a record is there a millisecond before its expiresAt",
      remedy: "drop a record from its expiresAt on and not before; where the backend counts in seconds, round up.",
      async run({ store, prefix }) {
        await create(store, `${prefix}key`, "value", { expiresAt: clock.now() + hour });
        await clock.advance(hour - 1);
        await expireSome(store, prefix);
        assert.equal((await store.read(`${prefix}key`))?.value, "value", "the record, a millisecond before");
      },
    },
  ];
}

/** Gives a store that sweeps something to sweep, and the writes on which it would. */
async function expireSome(store: Store, prefix: string): Promise<void> {
  for (let n = 0; n < someRecords; n++) await create(store, `${prefix}expired:${n}`, "expired", { expiresAt: 1 + n });
}
