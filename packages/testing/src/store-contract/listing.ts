import assert from "node:assert/strict";
import { create, listAll, type Promised } from "./harness.ts";

/** Finding records, a page at a time. */
export const listing: Promised[] = [
  {
    name: "G67 a list holds the records that have every member of the query, and no others",
    remedy: "combine prefix, owner, registration and ref by AND; a member that the query leaves out selects nothing.",
    async run({ store, prefix }) {
      const records = ["x", "y"].flatMap((part) =>
        [undefined, "one", "two"].flatMap((owner) =>
          [undefined, "one", "two"].flatMap((registration) =>
            [[], ["one"], ["one", "two", "three"]].map((refs) => ({ part, owner, registration, refs })),
          ),
        ),
      );
      const named = (name: string | undefined) => name && prefix + name;
      const keys = records.map(({ part }, n) => `${prefix}${part}${String(n).padStart(3, "0")}`);
      for (const [n, { owner, registration, refs }] of records.entries()) {
        await create(store, keys[n]!, `${n}`, {
          ...(owner && { owner: prefix + owner }),
          ...(registration && { registration: prefix + registration }),
          refs: refs.map((ref) => prefix + ref),
        });
      }
      const optional = [undefined, "one", "two"];
      for (const part of ["", "x", "y", "z"]) {
        for (const owner of optional) {
          for (const registration of optional) {
            for (const ref of [...optional, "three", "four"]) {
              const members = { owner: named(owner), registration: named(registration), ref: named(ref) };
              const given = Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
              const found = (await listAll(store, { prefix: prefix + part, ...given, limit: 10 })).map(
                (item) => item.key,
              );
              const expected = keys.filter((key, n) => {
                const record = records[n]!;
                if (!key.startsWith(prefix + part)) return false;
                if ((owner && record.owner !== owner) || (registration && record.registration !== registration))
                  return false;
                return !ref || record.refs.includes(ref);
              });
              assert.deepEqual(
                found,
                expected,
                `the keys found by ${JSON.stringify({ part, owner, registration, ref })}`,
              );
            }
          }
        }
      }
    },
  },
  {
    name: "G74 a reference finds all of its records, and a record is found by all of its references",
    remedy: "keep one index entry for each reference of each record, all of them written with the record.",
    async run({ store, prefix }) {
      const refs = Array.from({ length: 40 }, (_, n) => `${prefix}ref ${n}`);
      await create(store, `${prefix}all`, "all", { refs: [...refs, ...refs] });
      for (const [n, ref] of refs.entries()) await create(store, `${prefix}only ${n}`, "one", { refs: [ref] });
      for (const [n, ref] of refs.entries()) {
        const found = (await listAll(store, { prefix, ref, limit: 1 })).map((item) => item.key);
        assert.deepEqual(found, [`${prefix}all`, `${prefix}only ${n}`], `the records of reference ${n}`);
      }
    },
  },
  {
    name: "G71 what nobody touches while the pages are read is seen once, in key order",
    remedy: "let a cursor name the last key of its page and go on behind it; an offset slips when records come and go.",
    async run({ instances, prefix }) {
      const stores = await instances(2);
      const [reader, writer] = [stores[0]!, stores[1]!];
      const index = { owner: prefix, registration: prefix, refs: [prefix] };
      for (const query of [{}, { owner: prefix }, { registration: prefix }, { ref: prefix }]) {
        const folder = `${prefix}${Object.keys(query)[0]}:`;
        const key = (kind: string, n: number) => `${folder}${String(n).padStart(3, "0")} ${kind}`;
        const untouched: string[] = [];
        const moving = new Map<string, string>();
        for (let n = 0; n < 60; n++) {
          const isMoving = n % 3 === 0;
          const version = await create(writer, key(isMoving ? "moving" : "still", n), `${n}`, index);
          if (isMoving) moving.set(key("moving", n), version);
          else untouched.push(key("still", n));
        }
        let inserted = 0;
        const seen = await listAll(reader, { prefix: folder, limit: 7, ...query }, async () => {
          // One goes, one changes and loses its index, and two come, before and behind wherever the reader is.
          const [removed, changed] = [...moving].slice(0, 2);
          if (removed) assert.equal(await writer.remove(removed[0], { ifVersion: removed[1] }), true, "a removal");
          if (changed) await writer.write(changed[0], "changed", { ifVersion: changed[1] });
          for (const entry of [removed, changed]) if (entry) moving.delete(entry[0]);
          await create(writer, key("new", inserted), "new", index);
          await create(writer, key("new", 59 - inserted++), "new", index);
        });
        const keys = seen.map((item) => item.key);
        assert.deepEqual(keys, [...new Set(keys)].sort(), "the keys are not in order, or one was seen twice");
        assert.deepEqual(
          keys.filter((each) => each.endsWith("still")),
          untouched,
          "the records that nobody touched",
        );
      }
    },
  },
  {
    name: "G71 no page is longer than its limit, and the pages end",
    remedy: "name a cursor only where another page may follow, and let none be longer than the limit.",
    async run({ store, prefix }) {
      const keys = Array.from({ length: 6 }, (_, n) => `${prefix}${n}`);
      for (const key of keys) await create(store, key, key, { owner: prefix });
      for (const limit of [1, 2, 3, 5, 6, 7, 1000]) {
        const found = (await listAll(store, { prefix, limit })).map((item) => item.key);
        assert.deepEqual(found, keys, `six records in pages of ${limit}`);
      }
    },
  },
];
