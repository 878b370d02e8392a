import assert from "node:assert/strict";
import { create, listAll, type Promised } from "./harness.ts";

/** A token of this many characters, from the alphabet of base64url. */
function token(length: number): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return Array.from({ length }, (_, n) => alphabet[(n * 31 + (n >> 6) * 7) % 64]).join("");
}

const controls = Array.from({ length: 31 }, (_, n) => String.fromCharCode(n + 1)).join("");

/** Texts that a store which parses, trims, or guesses a type or an encoding would change. */
const texts = [
  [
    "",
    " ",
    "  padded  ",
    "line\nline\r\nline\rline\n",
    "\t",
    controls,
    "\u007f\u0080\u009f",
    "\ufeffmark",
    "\u2028\u2029",
  ],
  [
    "0",
    "007",
    "1e3",
    "-0",
    "1234567890123456789012345678901234567890",
    "0x10",
    "NaN",
    "true",
    "null",
    "undefined",
    "2026-11-01",
  ],
  [
    "'",
    '"',
    "\\",
    "\\u0041",
    "''; DROP TABLE records; --",
    "%s",
    "$1",
    "?",
    ":name",
    "{}",
    "[]",
    '{"__proto__":{"a":1}}',
  ],
  ['{"format":2,"unknown":{"from":"a later version"},"n":1.0,"n":2}', '{"b":1,"a":2}', '"text"', "{ not json"],
  ["é", "e\u0301", "日本語", "😀👩‍👩‍👧", "\u{10ffff}", "\uffff\ufffd", "שלום", "absent", "conflict"],
].flat();

/** What goes in comes out. */
export const values: Promised[] = [
  ...[1, 16 * 1024, 200 * 1024].map((length) => ({
    name: `G25 a token of ${length} characters passes through`,
    remedy:
      "keep values in a type without a limit below a megabyte (text, blob), and split them where the backend has one.",
    run: async ({ store, prefix }: Parameters<Promised["run"]>[0]) => {
      const key = `${prefix}key`;
      const value = JSON.stringify({ refresh_token: token(length), note: "é😀" });
      const version = await create(store, key, "short");
      assert.notEqual(await store.write(key, value, { ifVersion: version }), "conflict", "the write of the token");
      const [listed] = await listAll(store, { prefix });
      for (const found of [(await store.read(key))?.value, listed?.value]) {
        // Not compared by assert.equal: its message would be as long as the token.
        assert.ok(found === value, `of ${value.length} characters, ${found?.length} came back, or others`);
      }
    },
  })),
  {
    name: "G24 text of every kind comes back byte for byte",
    remedy:
      "bind values as text or bytes; do not parse, trim, normalise or re-encode them, and tell the empty text from absence.",
    async run({ store, prefix }) {
      for (const [n, text] of texts.entries()) {
        const key = `${prefix}${String(n).padStart(3, "0")}`;
        const version = await create(store, key, text, { owner: prefix, refs: [prefix], dueAt: 1000 + n });
        const found = await store.read(key);
        assert.deepEqual({ ...found }, { value: text, version }, `the record that holds ${JSON.stringify(text)}`);
      }
      const listed = (await listAll(store, { prefix, ref: prefix })).map((item) => item.value);
      assert.deepEqual(listed, texts, "the texts, as a list shows them");
    },
  },
];
