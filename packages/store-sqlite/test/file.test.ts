import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import { explain } from "../src/faults.ts";
import { sqliteStore } from "../src/index.ts";
import { applicationId, migrations } from "../src/schema.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

describe("the file", () => {
  const root = temporaryDirectory();
  let count = 0;
  const fresh = () => {
    const directory = join(root, `${count++}`);
    mkdirSync(directory);
    return { directory, path: join(directory, "store.db") };
  };
  const seeded = async () => {
    const place = fresh();
    const store = sqliteStore(place.path);
    const version = await store.write("key", "value", { ifVersion: "absent" });
    await store.close();
    return { ...place, version };
  };

  test("an empty file is migrated, and keeps its data when it is opened again", async () => {
    const { path } = fresh();
    writeFileSync(path, "");
    const first = sqliteStore(path);
    const version = await first.write("key", "value", { ifVersion: "absent", index: { refs: ["ref"] } });
    await first.close();
    const database = new DatabaseSync(path);
    expect({ ...database.prepare("PRAGMA user_version").get() }).toEqual({ user_version: migrations.length });
    expect({ ...database.prepare("PRAGMA application_id").get() }).toEqual({ application_id: applicationId });
    expect({ ...database.prepare("PRAGMA journal_mode").get() }).toEqual({ journal_mode: "wal" });
    database.close();
    const second = sqliteStore(path);
    expect(await second.list({ prefix: "", ref: "ref", limit: 2 })).toEqual({
      items: [{ key: "key", value: "value", version }],
    });
    await second.close();
  });

  test("many stores that open one new file at once agree on it", async () => {
    const { path } = fresh();
    const stores = Array.from({ length: 8 }, () => sqliteStore(path));
    const answers = await Promise.all(stores.map((store) => store.write("key", "value", { ifVersion: "absent" })));
    expect(answers.filter((answer) => answer !== "conflict")).toHaveLength(1);
    await Promise.all(stores.map((store) => store.close()));
  });

  test.skipIf(process.platform === "win32")(
    "C28 a new file is for its user alone, and so are the files beside it",
    async () => {
      const { directory, path } = fresh();
      const store = sqliteStore(path);
      await store.write("key", "value", { ifVersion: "absent" });
      const modes = readdirSync(directory).map((name) => [name, statSync(join(directory, name)).mode & 0o777]);
      expect(Object.fromEntries(modes)).toEqual({ "store.db": 0o600, "store.db-shm": 0o600, "store.db-wal": 0o600 });
      await store.close();
    },
  );

  test("G24 a file with the schema of a newer release is refused and left as it was", async () => {
    const { path, directory } = await seeded();
    const database = new DatabaseSync(path);
    database.exec(`PRAGMA user_version = ${migrations.length + 1}`);
    database.close();
    const before = readFileSync(path);
    const store = sqliteStore(path);
    await expect(store.read("key")).rejects.toThrow(`schema version ${migrations.length + 1}, written by a newer`);
    await expect(store.write("key", "value", { ifVersion: "absent" })).rejects.toThrow("Update the package");
    await store.close();
    expect(readFileSync(path).equals(before)).toBe(true);
    expect(readdirSync(directory)).toEqual(["store.db"]);
  });

  test("another application's database is refused and left as it was", async () => {
    const { path, directory } = fresh();
    const database = new DatabaseSync(path);
    database.exec("CREATE TABLE users (id INTEGER)");
    database.close();
    const before = readFileSync(path);
    const store = sqliteStore(path);
    await expect(store.write("key", "value", { ifVersion: "absent" })).rejects.toThrow(
      "another application's SQLite database",
    );
    await store.close();
    expect(readFileSync(path).equals(before)).toBe(true);
    expect(readdirSync(directory)).toEqual(["store.db"]);
  });

  test("G21 a file that is no database is refused and left byte for byte as it was", async () => {
    const { path, directory } = fresh();
    const before = Buffer.from("not a database ".repeat(2000));
    writeFileSync(path, before);
    const store = sqliteStore(path);
    for (const call of everyMethod(store)) {
      const error = await rejection(call);
      expect(error.message).toContain("is not a SQLite database, and was left as it is");
      expect(error.cause).toMatchObject({ code: "ERR_SQLITE_ERROR", errcode: 26 });
    }
    await store.close();
    expect(readFileSync(path).equals(before)).toBe(true);
    expect(readdirSync(directory)).toEqual(["store.db"]);
  });

  test("G21 a damaged file is refused and left byte for byte as it was", async () => {
    const { path, directory } = await seeded();
    const damaged = readFileSync(path).fill(0x5a, 100);
    writeFileSync(path, damaged);
    const store = sqliteStore(path);
    for (const call of everyMethod(store)) {
      const error = await rejection(call);
      expect(error.message).toContain("is damaged");
      expect(error.message).toContain("Do not delete it");
      expect(error.cause).toMatchObject({ code: "ERR_SQLITE_ERROR" });
    }
    await store.close();
    expect(readFileSync(path).equals(damaged)).toBe(true);
    expect(readdirSync(directory)).toEqual(["store.db"]);
  });

  test("G21 a missing directory and a directory in the file's place are errors that say so, and may be put right", async () => {
    const { directory, path } = fresh();
    const missing = sqliteStore(join(directory, "missing", "store.db"));
    for (const call of everyMethod(missing))
      expect((await rejection(call)).message).toContain("its directory does not exist");
    mkdirSync(join(directory, "missing"));
    expect(await missing.write("key", "value", { ifVersion: "absent" })).not.toBe("conflict");
    await missing.close();

    mkdirSync(path);
    const folder = sqliteStore(path);
    expect((await rejection(() => folder.read("key"))).message).toContain("cannot be opened. It must be a file");
    await folder.close();
  });

  test("a file that cannot be written to is an error that says so", async () => {
    const { path } = await seeded();
    const database = new DatabaseSync(path, { readOnly: true });
    let error: unknown;
    try {
      database.exec("DELETE FROM records");
    } catch (thrown) {
      error = explain(thrown, path);
    }
    database.close();
    expect((error as Error).message).toContain(
      `${path} is read-only. Let this process write to the file and to its directory`,
    );
    expect((error as Error).cause).toMatchObject({ errcode: 8 });
  });

  test.skipIf(process.platform === "win32")(
    "G21 a file that was deleted or replaced while open fails every call",
    async () => {
      const { path, version } = await seeded();
      const store = sqliteStore(path);
      // Both the call that opens the file and one that finds it open.
      for (let n = 0; n < 2; n++) expect(await store.read("key")).toEqual({ value: "value", version });
      renameSync(path, `${path}.away`);
      for (const call of everyMethod(store))
        expect((await rejection(call)).message).toContain("was deleted, moved or replaced");
      writeFileSync(path, "");
      for (const call of everyMethod(store))
        expect((await rejection(call)).message).toContain("was deleted, moved or replaced");
      rmSync(path);
      renameSync(`${path}.away`, path);
      expect(await store.read("key")).toEqual({ value: "value", version });
      await store.close();
    },
  );
});

function everyMethod(store: ReturnType<typeof sqliteStore>): (() => Promise<unknown>)[] {
  return [
    () => store.read("key"),
    () => store.write("key", "value", { ifVersion: "absent" }),
    () => store.remove("key", { ifVersion: "1" }),
    () => store.list({ prefix: "", limit: 1 }),
    () => store.due(0, { limit: 1 }),
  ];
}

async function rejection(call: () => Promise<unknown>): Promise<Error> {
  const error: unknown = await call().then(
    (answer) => new TypeError(`answered ${JSON.stringify(answer)}`),
    (thrown: unknown) => thrown,
  );
  return error as Error;
}
