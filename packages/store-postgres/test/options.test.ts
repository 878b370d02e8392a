import { describe, expect, test } from "vitest";
import { type PostgresStoreOptions, postgresStore } from "../src/index.ts";

const connectionString = "postgres://user:hunter2@127.0.0.1:1/app";
const pool = { connect: async () => Promise.reject(new Error("none")) };

describe("the options of postgresStore", () => {
  test.each([
    [undefined, 'one of the options "pool"'],
    [null, 'one of the options "pool"'],
    ["postgres://user:hunter2@db/app", 'one of the options "pool"'],
    [{}, 'one of the options "pool"'],
    [{ connectionString: undefined }, "Is an environment variable unset?"],
    [{ pool, connectionString }, 'one of the options "pool"'],
    [{ pool: connectionString }, 'Give an address as "connectionString"'],
    [{ pool: null }, "must be a Pool of pg"],
    [{ connectionString: "" }, "begins with postgres://"],
    [{ connectionString: "redis://user:hunter2@db" }, "begins with postgres://"],
    [{ connectionString: "hunter2" }, "begins with postgres://"],
    [{ connectionString, max: 0 }, 'option "max"'],
    [{ connectionString, timeout: 0 }, 'option "timeout"'],
    [{ connectionString, timeout: Number.NaN }, 'option "timeout"'],
    [{ connectionString, schema: "" }, '"schema" must be the name'],
    [{ connectionString, schema: "é".repeat(32) }, '"schema" must be the name'],
    [{ connectionString, notify: { connectionString: "hunter2" } }, 'option "notify.connectionString"'],
    [{ pool, notify: true }, "notify: { connectionString }"],
  ])("G28 %j is refused at once, with the option's name and the remedy", (options, message) => {
    const call = () => postgresStore(options as PostgresStoreOptions);
    expect(call).toThrow(TypeError);
    expect(call).toThrow(message);
    expect(call).not.toThrow("hunter2");
  });

  test("nothing is connected before the first call, and no password is in what that says", async () => {
    const store = postgresStore({ connectionString, notify: true });
    await store.close();
    const other = postgresStore({ connectionString });
    const error = (await other.read("key").catch((thrown: unknown) => thrown)) as Error;
    expect(error.message).toBe(
      "The Postgres store cannot reach its server (ECONNREFUSED). Is it running, and is the address right?",
    );
    expect(error.cause).toMatchObject({ code: "ECONNREFUSED" });
    expect(`${error.stack} ${(error.cause as Error).stack}`).not.toContain("hunter2");
    await other.close();
  });

  test("G23 text that Postgres cannot hold is refused before anything is sent", async () => {
    const sent: unknown[] = [];
    const store = postgresStore({ pool: { connect: async () => Promise.reject(sent.push("a statement")) } });
    for (const text of ["half \ud83d", "a\0b"]) {
      await expect(store.read(text)).rejects.toThrow(TypeError);
      await expect(store.remove(text, { ifVersion: "1" })).rejects.toThrow("key must");
      await expect(store.remove("key", { ifVersion: text })).rejects.toThrow("ifVersion must");
      await expect(store.write(text, "value", { ifVersion: "absent" })).rejects.toThrow("key must");
      await expect(store.write("key", text, { ifVersion: "absent" })).rejects.toThrow("value must");
      for (const index of [{ owner: text }, { registration: text }, { refs: ["fine", text] }]) {
        await expect(store.write("key", "value", { ifVersion: "absent", index })).rejects.toThrow("index.");
      }
      await expect(store.list({ prefix: text, limit: 1 })).rejects.toThrow("prefix must");
      await expect(store.due(1, { cursor: `1 ${text}`, limit: 1 })).rejects.toThrow("cursor must");
    }
    await expect(store.read("a\0b")).rejects.toThrow("which this store cannot hold");
    for (const limit of [0, -1, 1.5, Number.NaN]) {
      await expect(store.list({ prefix: "", limit })).rejects.toThrow("limit must");
      await expect(store.due(0, { limit })).rejects.toThrow("limit must");
    }
    await expect(store.list({ prefix: "a", cursor: "b", limit: 1 })).rejects.toThrow("cursor is not from");
    await expect(store.due(0, { cursor: "b", limit: 1 })).rejects.toThrow("cursor is not from");
    await expect(store.due(Number.NaN, { limit: 1 })).rejects.toThrow("before must");
    expect(sent).toEqual([]);
  });
});
