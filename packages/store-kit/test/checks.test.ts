import type { Index } from "@linkwright/core";
import { expect, test } from "vitest";
import { inputChecks } from "../src/index.ts";

const check = inputChecks();
const half = "half \ud83d";

test("what is right passes", () => {
  const index = { owner: "o", registration: "r", refs: ["a", "a"], dueAt: -0.5, expiresAt: 1 };
  check.text("key", "");
  check.text("key", "nul \0 and \u{1f600}");
  check.write("key", "", { ifVersion: "absent", index });
  check.write("key", "value", { ifVersion: "1" });
  check.remove("key", { ifVersion: "1" });
  check.list({ prefix: "a", owner: "o", registration: "r", ref: "f", cursor: "ab", limit: 1 });
  check.list({ prefix: "", limit: 1000 });
  check.due(Number.POSITIVE_INFINITY, { limit: 1, cursor: "5 key" });
});

test.each([half, 5, undefined])("G23 %j is no text, wherever it stands, and is named", (text) => {
  const wrong = text as string;
  const index = (entry: object) => ({ ifVersion: "absent", index: entry as Index });
  expect(() => check.text("cursor", wrong)).toThrow(/^cursor must be /);
  expect(() => check.write(wrong, "value", { ifVersion: "absent" })).toThrow(/^key must be /);
  expect(() => check.write("key", wrong, { ifVersion: "absent" })).toThrow(/^value must be /);
  expect(() => check.write("key", "value", { ifVersion: wrong })).toThrow(/^ifVersion must be /);
  expect(() => check.write("key", "value", index({ refs: ["fine", wrong] }))).toThrow(/^index\.refs must be /);
  expect(() => check.remove(wrong, { ifVersion: "1" })).toThrow(/^key must be /);
  expect(() => check.remove("key", { ifVersion: wrong })).toThrow(/^ifVersion must be /);
  if (text === undefined) return;
  for (const name of ["owner", "registration"]) {
    expect(() => check.write("key", "value", index({ [name]: wrong }))).toThrow(
      new RegExp(`^index\\.${name} must be `),
    );
  }
  for (const name of ["prefix", "owner", "registration", "ref", "cursor"]) {
    expect(() => check.list({ prefix: "", limit: 1, [name]: wrong }), name).toThrow(new RegExp(`^${name} must be `));
  }
  expect(() => check.due(0, { limit: 1, cursor: wrong })).toThrow(/^cursor must be /);
});

test("G23 a NUL is refused where the store cannot hold it", () => {
  const strict = inputChecks({ nul: "refused" });
  expect(() => strict.text("key", "a\0b")).toThrow(
    "key must not contain a NUL character, which this store cannot hold.",
  );
  expect(() => strict.write("key", "a\0b", { ifVersion: "absent" })).toThrow("value must not");
  strict.write("key", "ab", { ifVersion: "absent" });
});

test("G22 a moment that is none drops and hides nothing", () => {
  const write = (index: Index) => () => check.write("key", "value", { ifVersion: "absent", index });
  for (const dueAt of [Number.NaN, Number.POSITIVE_INFINITY, "5" as unknown as number]) {
    expect(write({ dueAt })).toThrow("index.dueAt must be epoch milliseconds: a finite number.");
  }
  for (const expiresAt of [Number.NaN, Number.POSITIVE_INFINITY, 0, -1, "5" as unknown as number]) {
    expect(write({ expiresAt })).toThrow("index.expiresAt must be epoch milliseconds: a finite number above 0.");
  }
  for (const before of [Number.NaN, "5" as unknown as number]) {
    expect(() => check.due(before, { limit: 1 })).toThrow("before must be epoch milliseconds.");
  }
});

test("a limit or a cursor that no page could have is refused", () => {
  for (const limit of [0, -1, 1.5, Number.NaN, "5" as unknown as number]) {
    expect(() => check.list({ prefix: "", limit })).toThrow("limit must be a whole number from 1.");
    expect(() => check.due(0, { limit })).toThrow("limit must be a whole number from 1.");
  }
  expect(() => check.list({ prefix: "a", cursor: "b", limit: 1 })).toThrow("cursor is not from a page of this query.");
});
