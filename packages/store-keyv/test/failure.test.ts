import { Keyv } from "keyv";
import { beforeEach, describe, expect, test } from "vitest";
import { keyvStore } from "../src/index.ts";
import { Unreliable } from "./adapters.ts";

describe("a backend that fails without saying so", () => {
  let adapter: Unreliable;
  let version: string;
  const open = (timeout = 10_000) => keyvStore(new Keyv({ store: adapter }), { timeout });
  let store: ReturnType<typeof open>;
  beforeEach(async () => {
    adapter = new Unreliable();
    store = open();
    version = await store.write("key", "value", { ifVersion: "absent", index: { owner: "o", dueAt: 1 } });
  });
  const reading = () => [store.read("key"), store.list({ prefix: "", limit: 9 }), store.due(1, { limit: 9 })];
  const changing = () => [
    store.write("key", "new", { ifVersion: version }),
    store.write("other", "new", { ifVersion: "absent" }),
    store.remove("key", { ifVersion: version }),
  ];

  test.each([
    ["get that throws", "get", () => Promise.reject(new Error("of the adapter")), "backend failed: of the adapter"],
    ["get that answers undefined", "get", () => undefined, "Either it failed and did not say so"],
    ["get that answers null", "get", () => null, "Either it failed and did not say so"],
    ["get that answers what it was not given", "get", () => "}{", "backend failed"],
  ])("G21 a %s: reads and changes reject, and afterwards all is as it was", async (_name, method, fault, message) => {
    adapter.faults.set(method, fault);
    for (const outcome of await Promise.allSettled([...reading(), ...changing()])) {
      expect(outcome.status).toBe("rejected");
      expect(`${(outcome as PromiseRejectedResult).reason}`).toContain(message);
    }
    adapter.faults.clear();
    expect(await store.read("key")).toEqual({ value: "value", version });
    expect((await store.list({ prefix: "", owner: "o", limit: 9 })).items).toHaveLength(1);
  });

  test.each([
    ["set that throws", "set", () => Promise.reject(new Error("of the adapter")), "backend failed: of the adapter"],
    ["set that answers false", "set", () => false, "answered false to a write"],
    [
      "set that emits an error and answers as if nothing had been",
      "set",
      () => adapter.emit(new Error("of the socket")),
      "backend failed: of the socket",
    ],
  ])(
    "G16 a %s: what was to be changed is not acknowledged, and is not there",
    async (_name, method, fault, message) => {
      adapter.faults.set(method, fault);
      for (const outcome of await Promise.allSettled(changing())) {
        expect(outcome.status).toBe("rejected");
        expect(`${(outcome as PromiseRejectedResult).reason}`).toContain(message);
      }
      // A call that was given up on may emit its own error yet, and that concerns every call that is under way.
      await expect.poll(() => store.read("key").catch(String)).toEqual({ value: "value", version });
      await expect.poll(() => store.read("other").catch(String)).toBeUndefined();
      adapter.faults.clear();
      expect(await store.write("other", "new", { ifVersion: "absent" })).toHaveLength(36);
      expect(await store.remove("key", { ifVersion: version })).toBe(true);
      expect((await store.list({ prefix: "", limit: 9 })).items.map((item) => item.key)).toEqual(["other"]);
    },
  );

  test("G26 a delete that fails leaves waste, and no record", async () => {
    adapter.faults.set("delete", () => Promise.reject(new Error("of the adapter")));
    expect(await store.remove("key", { ifVersion: version })).toBe(true);
    adapter.faults.clear();
    expect(await store.read("key")).toBeUndefined();
    const again = open();
    expect(await again.read("key")).toBeUndefined();
    expect(await again.list({ prefix: "", limit: 9 })).toEqual({ items: [] });
    expect(await again.write("key", "new", { ifVersion: version })).toBe("conflict");
    expect(await again.write("key", "new", { ifVersion: "absent" })).toHaveLength(36);
  });

  test("G08 a backend that does not answer: calls fail in time, and what it does later meets nothing newer", async () => {
    const slow = keyvStore(new Keyv({ store: adapter }), { timeout: 500 });
    expect(await slow.read("key")).toEqual({ value: "value", version });
    let answer = () => {};
    adapter.faults.set("set", (key, value) => {
      adapter.faults.clear();
      return new Promise((resolve) => {
        answer = () => resolve(adapter.data.set(key, value) && true);
      });
    });
    await expect(slow.write("key", "late!", { ifVersion: version })).rejects.toThrow("did not answer within 500 ms");
    // Until the adapter has answered nobody writes, so that its answer cannot come after a newer record.
    await expect(slow.write("key", "newer", { ifVersion: version })).rejects.toThrow("did not answer within 500 ms");
    answer();
    await expect
      .poll(() => slow.read("key").catch(String))
      .toMatchObject({ value: expect.stringMatching(/late!|value/) });
    const present = await slow.read("key");
    expect(await slow.write("key", "newer", { ifVersion: present?.version ?? "" })).toHaveLength(36);
    expect((await slow.read("key"))?.value).toBe("newer");
  });

  test("G21 a backend that forgets is found out: a record, a list of keys, the mark of the store", async () => {
    for (const [kind, message] of [
      ["record", 'has not got the record "key"'],
      ["shelf", "has not got the store's list of keys"],
      ["root", "has lost the entry linkwright-root"],
    ] as const) {
      const name =
        [...adapter.data.keys()].find((each) => each.includes(kind) && adapter.data.get(each) !== empty) ?? "";
      const text = adapter.data.get(name);
      adapter.data.delete(name);
      await expect(open().read("key")).rejects.toThrow(message);
      adapter.data.set(name, text);
    }
    expect(await open().read("key")).toEqual({ value: "value", version });
  });

  test("G21 a new store on a backend that does not answer truly is not taken for an empty one", async () => {
    for (const [method, fault, message] of [
      ["get", () => undefined, "does not give back what was written to it"],
      ["set", () => false, "answered false to a write"],
    ] as const) {
      const fresh = new Unreliable();
      fresh.faults.set(method, fault);
      const other = keyvStore(new Keyv({ store: fresh }));
      await expect(other.read("key")).rejects.toThrow(message);
      expect([...fresh.data.keys()].filter((name) => name.includes("shelf"))).toEqual([]);
      fresh.faults.clear();
      expect(await other.read("key")).toBeUndefined();
    }
  });

  test("G05 another process on the same backend is noticed, and what it did is not overwritten", async () => {
    const other = open();
    const second = await other.write("key", "of the other", { ifVersion: version });
    await expect(store.write("key", "stale", { ifVersion: version })).rejects.toThrow("changed by another process");
    expect(await store.write("key", "stale", { ifVersion: version })).toBe("conflict");
    expect(await store.read("key")).toEqual({ value: "of the other", version: second });
    // A key that is on one list with another one, of which this store does not know.
    await store.list({ prefix: "", limit: 1 });
    const names = Array.from({ length: 200 }, (_, n) => `new ${n}`);
    for (const name of names) await other.write(name, "of the other", { ifVersion: "absent" });
    await expect(store.write("mine", "value", { ifVersion: "absent" })).rejects.toThrow("changed by another process");
    await store.write("mine", "value", { ifVersion: "absent" });
    const again = await open().list({ prefix: "", limit: 500 });
    expect(again.items.map((item) => item.key).sort()).toEqual(["key", "mine", ...names].sort());
  });

  test("G05 two stores on one Keyv in one process are bound by one compare-and-set", async () => {
    const keyv = new Keyv({ store: adapter });
    const [one, two] = [keyvStore(keyv), keyvStore(keyv)];
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => [one, two][n % 2]?.write("key", `${n}`, { ifVersion: version })),
    );
    expect(answers.filter((answer) => answer !== "conflict")).toHaveLength(1);
    await one.close();
    expect(await two.read("key")).toBeDefined();
    await two.close();
  });

  test("G17 an error while nobody calls harms nobody, as long as the store is open", async () => {
    adapter.emit(new Error("of the socket"));
    expect(await store.read("key")).toBeDefined();
  });
});

const empty = JSON.stringify({ value: "[]" });

describe("what calls cost and leave behind", () => {
  test("G22 no time to live is set, also where the Keyv has one by default and the record expires", async () => {
    const adapter = new Unreliable();
    const store = keyvStore(new Keyv({ store: adapter, ttl: 1000 }));
    await store.write("key", "value", { ifVersion: "absent" });
    await store.write("expiring", "value", { ifVersion: "absent", index: { expiresAt: 4e12 } });
    expect(adapter.log.filter((line) => line.startsWith("ttl"))).toEqual([]);
    for (const text of adapter.data.values()) expect(JSON.parse(String(text))).not.toHaveProperty("expires");
  });

  test("a read is one request, a change two, a creation three and a removal four", async () => {
    const adapter = new Unreliable();
    const store = keyvStore(new Keyv({ store: adapter }));
    let version = await store.write("key", "value", { ifVersion: "absent" });
    const spent = async (call: () => Promise<unknown>) => {
      const before = adapter.log.length;
      await call();
      return adapter.log.slice(before);
    };
    expect(await spent(() => store.read("key"))).toEqual(["get linkwright-record-..."]);
    expect(await spent(() => store.read("none"))).toHaveLength(1);
    expect(await spent(() => store.read("none"))).toEqual([]);
    const change = async () => {
      version = await store.write("key", "new", { ifVersion: version });
    };
    expect(await spent(change)).toEqual(["get linkwright-record-...", "set linkwright-record-..."]);
    expect(await spent(() => store.remove("key", { ifVersion: version }))).toEqual([
      "get linkwright-record-...",
      "get linkwright-shelf",
      "set linkwright-shelf",
      "delete linkwright-record-...",
    ]);
    expect(await spent(() => store.write("key", "again", { ifVersion: "absent" }))).toEqual([
      "set linkwright-record-...",
      "get linkwright-shelf",
      "set linkwright-shelf",
    ]);
  });

  test("G22 expired records leave the backend at later writes", async () => {
    const adapter = new Unreliable();
    const store = keyvStore(new Keyv({ store: adapter }));
    for (let n = 0; n < 20; n++)
      await store.write(`${n}`, "value", { ifVersion: "absent", index: { expiresAt: 1 + n } });
    await store.write("kept", "value", { ifVersion: "absent" });
    const records = () => [...adapter.data.keys()].filter((name) => name.includes("record")).length;
    await expect
      .poll(async () => {
        await store.write("kept", "value", { ifVersion: (await store.read("kept"))?.version ?? "" });
        return records();
      })
      .toBe(1);
    await store.close();
  });

  test("the records outlive the process: another store finds them, with their index", async () => {
    const adapter = new Unreliable();
    const store = keyvStore(new Keyv({ store: adapter }));
    const versions: unknown[] = [];
    for (let n = 0; n < 300; n++) {
      const index = { owner: `o${n % 3}`, registration: "r", refs: [`${n}`], dueAt: n };
      versions.push(await store.write(`key ${n}`, `${n}\0\n"😀`, { ifVersion: "absent", index }));
    }
    await store.close();
    const again = keyvStore(new Keyv({ store: adapter }));
    const { items } = await again.due(1000, { limit: 500 });
    expect(items.map((item) => item.version)).toEqual(versions);
    expect(items[7]).toMatchObject({ key: "key 7", value: '7\0\n"😀' });
    expect((await again.list({ prefix: "key", owner: "o1", ref: "4", limit: 9 })).items).toHaveLength(1);
    expect((await again.list({ prefix: "key", owner: "o1", limit: 500 })).items).toHaveLength(100);
  });
});
