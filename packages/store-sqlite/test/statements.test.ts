import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { virtualClock } from "@linkwright/testing";
import { afterAll, describe, expect, test } from "vitest";
import { sqliteStore } from "../src/index.ts";
import { openDatabase } from "../src/open.ts";
import { listQuery, sql } from "../src/statements.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

describe("queries", () => {
  const directory = temporaryDirectory();
  const database = openDatabase(join(directory, "plans.db"));
  afterAll(() => database.close());
  const selection = {
    owner: undefined,
    registration: undefined,
    ref: undefined,
    from: "a",
    isBehind: false,
    to: "b",
  };

  test.each([
    [{}, ["SEARCH records USING INDEX sqlite_autoindex_records_1 (key>? AND key<?)"]],
    [{ owner: "o" }, ["SEARCH records USING INDEX records_owner (owner=? AND key>? AND key<?)"]],
    [{ owner: "o", registration: "r" }, ["SEARCH records USING INDEX records_owner (owner=? AND key>? AND key<?)"]],
    [{ registration: "r" }, ["SEARCH records USING INDEX records_registration (registration=? AND key>? AND key<?)"]],
    [
      { ref: "f", owner: "o", registration: "r" },
      [
        "SEARCH record_refs USING PRIMARY KEY (ref=? AND key>? AND key<?)",
        "SEARCH records USING INDEX sqlite_autoindex_records_1 (key=?)",
      ],
    ],
  ])("G58 a list by %j is looked up and neither scanned nor sorted", (members, expected) => {
    for (const isBehind of [false, true]) {
      expect(plan(database, listQuery({ ...selection, ...members, isBehind }, 0, 10).text)).toEqual(expected);
    }
  });

  test("G58 due and expired records are looked up and neither scanned nor sorted", () => {
    expect(plan(database, sql.due)).toEqual([
      "SEARCH records USING INDEX records_due_at ((due_at,key)>(?,?) AND due_at<?)",
    ]);
    expect(plan(database, sql.sweep).join()).toContain("USING INDEX records_expires_at (expires_at<?)");
    expect(plan(database, sql.sweep).join()).not.toContain("SCAN records ");
  });

  test("G22 expired records leave the file a few at a write, references too", async () => {
    const path = join(directory, "sweep.db");
    const clock = virtualClock();
    const store = sqliteStore({ path, clock });
    const expiresAt = clock.now() + 1000;
    for (let n = 0; n < 40; n++) {
      await store.write(`flow:${n}`, "value", { ifVersion: "absent", index: { expiresAt, refs: ["a", "b"] } });
    }
    await store.write("kept", "value", { ifVersion: "absent", index: { refs: ["a"] } });
    await clock.advance(999);
    expect(await store.read("flow:39")).toMatchObject({ value: "value" });
    await clock.advance(1);
    expect(await store.read("flow:39")).toBeUndefined();
    expect(await store.list({ prefix: "flow:", limit: 50 })).toEqual({ items: [] });
    const reader = openDatabase(path);
    const left = () => [
      reader.prepare("SELECT count(*) AS count FROM records").get()?.count,
      reader.prepare("SELECT count(*) AS count FROM record_refs").get()?.count,
    ];
    const seen: unknown[] = [left()];
    // The first is a key whose expired record that write's sweep does not come to.
    for (const key of ["flow:39", "new:1", "new:2"]) {
      expect(await store.write(key, "new", { ifVersion: "absent" })).not.toBe("conflict");
      seen.push(left());
    }
    // Nothing more is left, so for a second nobody looks.
    await store.write("flow:late", "value", { ifVersion: "absent", index: { expiresAt: clock.now() + 500 } });
    for (const key of ["new:3", "new:4"]) {
      await clock.advance(500);
      await store.write(key, "new", { ifVersion: "absent" });
      seen.push(left());
    }
    reader.close();
    await store.close();
    expect(seen).toEqual([
      [41, 81],
      [25, 47],
      [10, 15],
      [4, 1],
      [6, 1],
      [6, 1],
    ]);
  });

  test("G23 text that SQLite would give back changed is refused, and nothing is written", async () => {
    const store = sqliteStore(join(directory, "text.db"));
    for (const text of ["half \ud83d", "a\0b"]) {
      await expect(store.read(text)).rejects.toThrow(TypeError);
      await expect(store.write(text, "value", { ifVersion: "absent" })).rejects.toThrow("key must");
      await expect(store.write("key", text, { ifVersion: "absent" })).rejects.toThrow("value must");
      for (const index of [{ owner: text }, { registration: text }, { refs: ["fine", text] }]) {
        await expect(store.write("key", "value", { ifVersion: "absent", index })).rejects.toThrow("index.");
      }
      await expect(store.list({ prefix: text, limit: 1 })).rejects.toThrow("prefix must");
    }
    expect(await store.list({ prefix: "", limit: 1 })).toEqual({ items: [] });
    await store.close();
  });

  test("a limit or a cursor that no page could have is refused", async () => {
    const store = sqliteStore(join(directory, "pages.db"));
    for (const limit of [0, -1, 1.5, Number.NaN]) {
      await expect(store.list({ prefix: "", limit })).rejects.toThrow("limit must");
      await expect(store.due(0, { limit })).rejects.toThrow("limit must");
    }
    await expect(store.list({ prefix: "a", cursor: "b", limit: 1 })).rejects.toThrow("cursor is not from");
    await expect(store.due(0, { cursor: "b", limit: 1 })).rejects.toThrow("cursor is not from");
    await expect(store.due(Number.NaN, { limit: 1 })).rejects.toThrow("before must");
    await store.close();
  });
});

/** How SQLite would run the query, one line a step. */
function plan(database: DatabaseSync, text: string): string[] {
  return database
    .prepare(`EXPLAIN QUERY PLAN ${text}`)
    .all()
    .map((row) => String(row.detail));
}
