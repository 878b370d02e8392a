import { describe, expect, test } from "vitest";
import { type RedisStoreOptions, redisStore } from "../src/index.ts";
import { address, hasRedis, ownPrefix, using } from "./services.ts";

const url = "redis://user:hunter2@127.0.0.1:1/0";

describe("the options of redisStore", () => {
  test.each([
    [undefined, 'one of the options "client"'],
    ["redis://user:hunter2@db", 'one of the options "client"'],
    [{}, 'one of the options "client"'],
    [{ url: undefined }, "Is an environment variable unset?"],
    [{ url, client: {} }, 'one of the options "client"'],
    [{ client: url }, 'Give an address as "url"'],
    [{ client: null }, "must be a client of redis"],
    [{ url: "" }, "begins with redis://"],
    [{ url: "postgres://user:hunter2@db/app" }, "begins with redis://"],
    [{ url: "hunter2" }, "begins with redis://"],
    [{ url, timeout: 0 }, 'option "timeout"'],
    [{ url, timeout: Number.NaN }, 'option "timeout"'],
    [{ url, prefix: "" }, 'option "prefix"'],
    [{ url, prefix: "{a}" }, 'option "prefix"'],
    [{ url, prefix: "\ud800" }, 'option "prefix"'],
  ])("G28 %j is refused at once, with the option's name and the remedy", (options, message) => {
    const call = () => redisStore(options as RedisStoreOptions);
    expect(call).toThrow(TypeError);
    expect(call).toThrow(message);
    expect(call).not.toThrow("hunter2");
  });

  test("nothing is connected before the first call, and no password is in what that says", async () => {
    await redisStore({ url }).close();
    const store = redisStore({ url });
    const error = (await store.read("key").catch((thrown: unknown) => thrown)) as Error;
    expect(error.message).toContain("The Redis store cannot reach its server (ECONNREFUSED); nothing was sent.");
    expect(error.cause).toMatchObject({ code: "ECONNREFUSED" });
    expect(`${error.stack} ${(error.cause as Error).stack}`).not.toContain("hunter2");
    await store.close();
  });

  test.skipIf(!hasRedis)("a client that nobody connected is named", async () => {
    const prefix = ownPrefix();
    await using(address, async (client) => {
      const store = redisStore({ client, prefix, onWarning: () => {} });
      expect(await store.read("key")).toBeUndefined();
      client.destroy();
      await expect(store.read("key")).rejects.toThrow(
        'a "client" that is not connected. Await client.connect() before.',
      );
      await client.connect();
      expect(await store.read("key")).toBeUndefined();
      await store.close();
    });
  });

  test("G23 text that would arrive changed is refused, and so is what no page could have", async () => {
    const store = redisStore({ url });
    const text = "half \ud83d";
    await expect(store.read(text)).rejects.toThrow(TypeError);
    await expect(store.remove(text, { ifVersion: "1" })).rejects.toThrow("key must");
    await expect(store.write(text, "value", { ifVersion: "absent" })).rejects.toThrow("key must");
    await expect(store.write("key", text, { ifVersion: "absent" })).rejects.toThrow("value must");
    for (const index of [{ owner: text }, { registration: text }, { refs: ["fine", text] }]) {
      await expect(store.write("key", "value", { ifVersion: "absent", index })).rejects.toThrow("index.");
    }
    for (const limit of [0, -1, 1.5, Number.NaN]) {
      await expect(store.list({ prefix: "", limit })).rejects.toThrow("limit must");
      await expect(store.due(0, { limit })).rejects.toThrow("limit must");
    }
    await expect(store.list({ prefix: "a", cursor: "b", limit: 1 })).rejects.toThrow("cursor is not from");
    await expect(store.due(0, { cursor: "b", limit: 1 })).rejects.toThrow("cursor is not from");
    await expect(store.due(Number.NaN, { limit: 1 })).rejects.toThrow("before must");
    await store.close();
  });

  test.skipIf(!hasRedis)("G23 a NUL is text like any other", async () => {
    const store = redisStore({ url: address, prefix: ownPrefix(), onWarning: () => {} });
    const index = { owner: "a\0b", refs: ['"', '"a'] };
    const version = await store.write("a\0b", "x\0y", { ifVersion: "absent", index });
    await store.write("a", "x", { ifVersion: "absent", index: { owner: "a", refs: ["a"] } });
    const items = [{ key: "a\0b", value: "x\0y", version }];
    expect(await store.list({ prefix: "a", owner: "a\0b", limit: 9 })).toEqual({ items });
    expect(await store.list({ prefix: "", ref: '"', limit: 9 })).toEqual({ items });
    await store.close();
  });
});
