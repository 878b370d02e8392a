import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { sqliteStore } from "../src/index.ts";
import { filePath } from "../src/path.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

describe("the path", () => {
  const directory = temporaryDirectory();

  test.each([
    ["", "must name the file"],
    ["  ", "must name the file"],
    [undefined, "must name the file"],
    [null, "must name the file"],
    [{}, "must name the file"],
    [42, "must name the file"],
    [new URL("file:///var/lib/store.db"), "must name the file"],
    [":memory:", "Use memoryStore() from @linkwright/core"],
    [":MEMORY:", "Use memoryStore() from @linkwright/core"],
    ["postgres://user:hunter2@db/linkwright", "this is a postgres: address"],
    ["redis://localhost", "this is a redis: address"],
    ["file:store.db?mode=memory", "this is a file: address"],
    ["file:///var/lib/store.db", "this is a file: address"],
    ["sqlite:store.db", "this is a sqlite: address"],
    ["store\0.db", "must not contain a NUL"],
  ])("G28 %j is refused at once, with the option's name and the remedy", (path, message) => {
    for (const options of [path, { path }]) {
      const error = thrownBy(() => sqliteStore(options as string));
      expect(error).toBeInstanceOf(TypeError);
      expect((error as Error).message).toContain('option "path"');
      expect((error as Error).message).toContain(message);
      expect((error as Error).message).not.toContain("hunter2");
    }
  });

  test("nothing is opened or created before the first call", async () => {
    const path = join(directory, "lazy.db");
    const store = sqliteStore(path);
    expect(readdirSync(directory)).toEqual([]);
    expect(await store.read("key")).toBeUndefined();
    expect(readdirSync(directory)).toContain("lazy.db");
    await store.close();
    expect(readdirSync(directory)).toEqual(["lazy.db"]);
  });

  test.each(["store#1?a=b&c%20d.db", "tenant:1.db", "ü 😀.db", "a;b'c\"d.db"])(
    "a file may be named %j",
    async (name) => {
      const store = sqliteStore(join(directory, name));
      expect(await store.write("key", "value", { ifVersion: "absent" })).not.toBe("conflict");
      await store.close();
      expect(readdirSync(directory)).toContain(name);
    },
  );

  test("a relative path is taken from the working directory of the moment, and stays there", () => {
    expect(filePath("data/store.db")).toBe(join(process.cwd(), "data", "store.db"));
  });

  test("a lockTimeout that is no number of milliseconds is refused", () => {
    expect(() => sqliteStore({ path: "store.db", lockTimeout: Number.NaN })).toThrow('option "lockTimeout"');
    expect(() => sqliteStore({ path: "store.db", lockTimeout: -1 })).toThrow('option "lockTimeout"');
  });
});

function thrownBy(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  throw new Error("Nothing was thrown.");
}
