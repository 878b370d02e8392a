import assert from "node:assert/strict";
import { create, type Promised } from "./harness.ts";
import { increment } from "./increment.ts";

/** What holds while many callers use the store at once. */
export const concurrency: Promised[] = [
  {
    name: "G05 no update is lost among many writers on several instances",
    remedy: "refuse a write whose ifVersion is not the present version, however the calls interleave.",
    async run({ instances, store, prefix }) {
      const key = `${prefix}counter`;
      const stores = await instances(3);
      await create(store, key, "0");
      const versions = await Promise.all(Array.from({ length: 12 }, (_, n) => increment(stores[n % 3]!, key, 10)));
      assert.equal((await store.read(key))?.value, "120", "the counter after 120 acknowledged increments");
      assert.equal(new Set(versions.flat()).size, 120, "two acknowledged increments had one version");
    },
  },
  {
    name: "G10 under load a read shows one record, whole, as one writer wrote it",
    remedy: "read value and version in one step, and share no buffer or statement between calls that overlap.",
    async run({ instances, store, prefix }) {
      const stores = await instances(3);
      const keys = Array.from({ length: 8 }, (_, n) => `${prefix}${n}`);
      const text = (key: string, n: number) => `${key} ${n} ${"x".repeat((n * 997) % 5000)}|`;
      await Promise.all(keys.map((key) => create(store, key, text(key, 0))));
      const shown = new Map<string, string>();
      const check = (key: string, found: { value: string; version: string } | undefined) => {
        assert.ok(found, `${key} was not there for a moment`);
        const n = Number(found.value.slice(key.length + 1).split(" ")[0]);
        assert.equal(found.value, text(key, n), `${key} showed another record, or a part of one`);
        const name = `${key} at ${found.version}`;
        assert.equal(shown.get(name) ?? found.value, found.value, `${name} had two values`);
        shown.set(name, found.value);
      };
      const caller = async (n: number) => {
        const own = stores[n % 3]!;
        for (let round = 1; round <= 20; round++) {
          const key = keys[(n + round) % keys.length]!;
          const found = await own.read(key);
          check(key, found);
          if (round % 2 === 0) await own.write(key, text(key, n * 100 + round), { ifVersion: found!.version });
          for (const item of (await own.list({ prefix: key, limit: 5 })).items) check(item.key, item);
        }
      };
      await Promise.all(Array.from({ length: 12 }, (_, n) => caller(n)));
    },
  },
];
