import type { Store } from "@linkwright/core";
import { virtualClock } from "@linkwright/testing";
import { storeContract } from "@linkwright/testing/store";
import { describe, expect, test, vi } from "vitest";
import { memoryStore } from "../src/memory-store.ts";

describe("memoryStore", () => {
  const clock = virtualClock();
  for (const { name, run } of storeContract({ reach: "process", open: () => memoryStore({ clock }), clock })) {
    test(name, run);
  }

  test("G22 what has expired is dropped by later writes, whether or not anybody asks for it", async () => {
    const clock = virtualClock();
    const store = memoryStore({ clock });
    for (let n = 0; n < 5; n++) await create(store, `flow:${n}`, clock.now() + 1000);
    await clock.advance(1000);
    for (let n = 0; n < 5; n++) await create(store, `new:${n}`);
    // Turned back, the clock shows what was really dropped and not merely hidden.
    vi.spyOn(clock, "now").mockReturnValue(0);
    const { items } = await store.list({ prefix: "", limit: 20 });
    expect(items.map((item) => item.key)).toEqual(["new:0", "new:1", "new:2", "new:3", "new:4"]);
  });

  test("G07 a watcher that throws neither fails the write nor silences the others", async () => {
    const store = memoryStore();
    store.watch?.("key", () => {
      throw new Error("from a listener");
    });
    const heard = new Promise<void>((resolve) => store.watch?.("key", resolve));
    expect(await store.write("key", "value", { ifVersion: "absent" })).toBe("1");
    await heard;
  });

  test("G58 keeps order and pages through ten thousand records that come and go", async () => {
    const store = memoryStore();
    const keys = Array.from({ length: 10_000 }, (_, n) => `key:${(n * 7919) % 10_000}`);
    for (const [n, key] of keys.entries())
      await store.write(key, key, { ifVersion: "absent", index: { dueAt: n % 100 } });
    for (const key of keys.filter((_, n) => n % 3 === 0)) {
      const found = await store.read(key);
      expect(await store.remove(key, { ifVersion: found?.version ?? "" })).toBe(true);
    }
    const left = keys.flatMap((key, n) => (n % 3 === 0 ? [] : [{ key, dueAt: n % 100 }]));
    const byKey = left.map(({ key }) => key).sort();
    const byDue = left.toSorted((a, b) => a.dueAt - b.dueAt || (a.key < b.key ? -1 : 1)).map(({ key }) => key);
    const [list, due]: [string[], string[]] = [[], []];
    for (let cursor: string | undefined, more = true; more; more = cursor !== undefined) {
      const page = await store.list({ prefix: "key:", limit: 999, ...(cursor && { cursor }) });
      list.push(...page.items.map((item) => item.key));
      cursor = page.cursor;
    }
    for (let cursor: string | undefined, more = true; more; more = cursor !== undefined) {
      const page = await store.due(99, { limit: 999, ...(cursor && { cursor }) });
      due.push(...page.items.map((item) => item.key));
      cursor = page.cursor;
    }
    expect(list).toEqual(byKey);
    expect(due).toEqual(byDue);
  });
});

async function create(store: Store, key: string, expiresAt?: number): Promise<void> {
  await store.write(key, "value", { ifVersion: "absent", ...(expiresAt && { index: { expiresAt } }) });
}
