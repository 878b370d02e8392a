import assert from "node:assert/strict";
import { create, listAll, type Promised } from "./harness.ts";

/** Parts of keys that a careless store would take for one another, for a pattern, or for syntax. */
const tricky = [
  [
    "a",
    "a:",
    "a:b",
    "a:b:c",
    "a::b",
    ":a",
    "a/b",
    "a.b",
    "a\\b",
    "../a",
    "a b",
    "a ",
    " a",
    "A",
    "a\n",
    "a\t",
    "ab",
    "aa",
  ],
  [
    "%",
    "%%",
    "a%",
    "%25",
    "%3A",
    "a%3Ab",
    "_",
    "a_",
    "*",
    "a*",
    "?",
    "a?",
    "[a]",
    "{a}",
    "^a",
    "a$",
    "#a",
    "a&b=c",
    "+a",
    "a,b",
  ],
  [
    "'",
    '"',
    "`",
    "a';--",
    'a"b',
    "a\\'b",
    "$(a)",
    "{{a}}",
    "<a>",
    "null",
    "undefined",
    "__proto__",
    "constructor",
    "0",
    "00",
    "1e0",
  ],
  [
    "é",
    "e\u0301",
    "É",
    "ß",
    "ss",
    "ı",
    "i",
    "I",
    "İ",
    "ﬁ",
    "日本",
    "\u00a0",
    "\u200b",
    "\ufeff",
    "\ud7ff",
    "\ue000",
    "\ufffd",
    "\uffff",
  ],
  ["😀", "😀:", "😁", "\u{10000}", "\u{10ffff}", "\u{10ffff}\u{10ffff}", "a\u{10ffff}", "👩‍👩‍👧", "👩"],
  ["x".repeat(300), `${"x".repeat(299)}y`, `${"x".repeat(300)}y`, "é".repeat(300), "😀".repeat(300)],
].flat();

/** Keys, owners, registrations and references are compared as they are, and mean nothing. */
export const keys: Promised[] = [
  {
    name: "G23 keys that try to collide or escape stay apart",
    remedy:
      "compare keys byte for byte (no collation, no normalising, no trimming) and escape or bind what goes into a query or a path.",
    async run({ store, prefix }) {
      const versions = new Map<string, string>();
      for (const part of tricky) {
        assert.equal(await store.read(prefix + part), undefined, `${show(part)} was found before it was written`);
        versions.set(part, await create(store, prefix + part, `<${part}>`));
      }
      for (const part of tricky) {
        assert.equal((await store.read(prefix + part))?.value, `<${part}>`, `the value under ${show(part)}`);
      }
      for (const part of tricky) {
        const ifVersion = versions.get(part)!;
        assert.equal(await store.remove(prefix + part, { ifVersion }), true, `the removal of ${show(part)}`);
        versions.delete(part);
        const left = (await listAll(store, { prefix })).length;
        assert.equal(left, versions.size, `how many records the removal of ${show(part)} left`);
      }
    },
  },
  {
    name: "G23 a prefix is taken literally, and its list ends where it ends",
    remedy: "use a range of keys or a comparison of the first characters, not a pattern (LIKE, SCAN MATCH, glob).",
    async run({ store, prefix }) {
      for (const part of tricky) await create(store, prefix + part, part);
      for (const part of ["", ...tricky]) {
        const found = (await listAll(store, { prefix: prefix + part, limit: 25 })).map((item) => item.key);
        const expected = tricky.filter((each) => each.startsWith(part)).map((each) => prefix + each);
        assert.deepEqual(found, expected.sort(inByteOrder), `the keys that begin with ${show(part)}, in byte order`);
      }
    },
  },
  {
    name: "G23 owners, registrations and references are found by their exact text alone",
    remedy:
      "compare them byte for byte, as keys; no collation, no normalising, no trimming, no joining with a separator.",
    async run({ store, prefix }) {
      for (const [n, part] of tricky.entries()) {
        const name = prefix + part;
        const index = { owner: name, registration: name, refs: [name] };
        await create(store, `${prefix}${String(n).padStart(3, "0")}`, `${n}`, index);
      }
      for (const [n, part] of tricky.entries()) {
        const name = prefix + part;
        for (const query of [{ owner: name }, { registration: name }, { ref: name }]) {
          const found = (await listAll(store, { prefix, ...query })).map((item) => item.value);
          assert.deepEqual(found, [`${n}`], `the record whose ${Object.keys(query)[0]} is ${show(part)}`);
        }
      }
      for (const part of ["", "a:b:", "x".repeat(299), "zz"]) {
        for (const query of [{ owner: prefix + part }, { registration: prefix + part }, { ref: prefix + part }]) {
          assert.deepEqual(await listAll(store, { prefix, ...query }), [], `nothing has this ${Object.keys(query)[0]}`);
        }
      }
    },
  },
  {
    name: "G23 a key that is no well-formed text is refused, or kept apart like any other",
    remedy: "reject keys with half of a surrogate pair, where the encoding would turn them into U+FFFD.",
    async run({ store, prefix }) {
      const written: string[] = [];
      for (const part of ["\ufffd", "\ud800", "\udc00", "\ud801"]) {
        const answer = await store
          .write(prefix + part, `value ${written.length}`, { ifVersion: "absent" })
          .catch(() => "refused");
        assert.notEqual(answer, "conflict", `${show(part)} collided with another key`);
        if (answer !== "refused") written.push(part);
      }
      assert.equal(written[0], "\ufffd", "U+FFFD is text like any other");
      for (const [n, part] of written.entries()) {
        assert.equal((await store.read(prefix + part))?.value, `value ${n}`, `the value under ${show(part)}`);
      }
    },
  },
];

function inByteOrder(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function show(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}...` : text);
}
