import fc from "fast-check";
import { expect, test } from "vitest";
import { dueCursor, endOfPrefix, pageOf, placeOf } from "../src/index.ts";

test("G23 the range of a prefix holds the texts that begin with it, and no others", () => {
  const text = fc.string({
    unit: fc.oneof(
      fc.constantFrom("a", "\ud7ff", "\ue000", "\u{10ffff}", "\u{10fffe}"),
      fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
    ),
    maxLength: 5,
  });
  const bytes = (of: string) => Buffer.from(of);
  fc.assert(
    fc.property(text, text, fc.boolean(), (prefix, other, isBeginning) => {
      const key = isBeginning ? prefix + other : other;
      const end = endOfPrefix(prefix);
      const isIn = bytes(prefix).compare(bytes(key)) <= 0 && (end === undefined || bytes(key).compare(bytes(end)) < 0);
      expect(isIn).toBe(key.startsWith(prefix));
    }),
    { numRuns: 2000 },
  );
});

const rows = Array.from({ length: 3 }, (_, n) => ({ key: `key ${n}`, value: `value ${n}`, version: `${n}`, at: n }));

test("a page has its rows, and a cursor behind the last of them where one more is there", () => {
  const item = (n: number) => ({ key: `key ${n}`, value: `value ${n}`, version: `${n}` });
  const cursorOf = (row: { readonly [column: string]: unknown }) => dueCursor(row.at, row.key);
  expect(pageOf(rows, 2, cursorOf)).toEqual({ items: [item(0), item(1)], cursor: "1 key 1" });
  expect(pageOf(rows, 3, cursorOf)).toEqual({ items: [item(0), item(1), item(2)] });
  expect(pageOf([], 3, cursorOf)).toEqual({ items: [] });
});

test("G57 the cursor of a due record names its place, whatever is in the key", () => {
  const moment = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer());
  fc.assert(
    fc.property(moment, fc.string({ unit: "binary" }), (at, key) => {
      expect(placeOf(dueCursor(at, key))).toEqual([at + 0, key]);
    }),
  );
  expect(placeOf(undefined)).toEqual([Number.NEGATIVE_INFINITY, ""]);
  for (const cursor of ["", "5", "soon key", "Infinity key", " 5 key"]) {
    expect(() => placeOf(cursor), cursor).toThrow("cursor is not from a page of due records.");
  }
});
