import { Keyv } from "keyv";
import { describe, expect, test } from "vitest";
import { type KeyvInstance, type KeyvStoreOptions, keyvStore } from "../src/index.ts";
import { Unreliable } from "./adapters.ts";

const address = "redis://user:hunter2@127.0.0.1:6379";

describe("what keyvStore is given", () => {
  test.each([
    ["an address", address, "takes a Keyv and not an address"],
    ["nothing", undefined, "takes a Keyv of version 6"],
    ["null", null, "takes a Keyv of version 6"],
    ["a map", new Map(), "takes a Keyv of version 6"],
    ["an adapter", new Unreliable(), "takes a Keyv of version 6"],
    ["a Keyv of an address, which it takes for memory", new Keyv(address as never), "keeps everything in memory"],
    ["a Keyv of nothing", new Keyv(), "keeps everything in memory"],
    ["a Keyv of a map", new Keyv({ store: new Map() }), "keeps everything in memory"],
  ])("G28 %s is refused at once, with the remedy", (_name, keyv, message) => {
    const call = () => keyvStore(keyv as KeyvInstance);
    expect(call).toThrow(TypeError);
    expect(call).toThrow(message);
    expect(call).not.toThrow("hunter2");
  });

  test.each([
    [{ prefix: "" }, 'option "prefix"'],
    [{ prefix: "a--b" }, 'option "prefix"'],
    [{ prefix: "a:b" }, 'option "prefix"'],
    [{ prefix: "a".repeat(81) }, 'option "prefix"'],
    [{ timeout: 0 }, 'option "timeout"'],
    [{ timeout: Number.NaN }, 'option "timeout"'],
  ])("%j is refused", (options: KeyvStoreOptions, message) => {
    const keyv = new Keyv({ store: new Unreliable() });
    expect(() => keyvStore(keyv, options)).toThrow(message);
  });

  test("nothing is asked of the backend before the first call, and nothing of the Keyv after close()", async () => {
    const adapter = new Unreliable();
    const keyv = new Keyv({ store: adapter });
    const store = keyvStore(keyv);
    await store.close();
    expect(adapter.log).toEqual([]);
    expect(keyv.listeners("error")).toEqual([]);
  });

  test("G23 text that could be changed on the way is refused, and so is what no page could have", async () => {
    const adapter = new Unreliable();
    const store = keyvStore(new Keyv({ store: adapter }));
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
    expect(adapter.log).toEqual([]);
  });

  test("another layout under the prefix is refused, and left as it is", async () => {
    const adapter = new Unreliable();
    const keyv = new Keyv({ store: adapter });
    await keyv.set("linkwright-root", '{"format":2}');
    const before = [...adapter.data];
    await expect(keyvStore(keyv).write("key", "value", { ifVersion: "absent" })).rejects.toThrow("another layout");
    expect([...adapter.data]).toEqual(before);
  });
});
