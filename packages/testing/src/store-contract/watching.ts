import assert from "node:assert/strict";
import type { Store } from "@linkwright/core";
import { create, type Promised } from "./harness.ts";

/** Push, where the backend has it. A store without `watch` passes: whoever waits polls besides. */
export const watching: Promised[] = [
  {
    name: "G07 a watcher, where the store has any, hears of writes and removals until it is stopped",
    remedy: "call the listeners of the key after each change that this instance made, or leave `watch` out.",
    async run({ store, prefix }) {
      if (!store.watch) return;
      const key = `${prefix}key`;
      let heard = 0;
      const stop = store.watch(key, () => void heard++);
      await call(store, key, () => create(store, key, "first"));
      assert.ok(heard > 0, "a listener heard nothing of the creation, of which another one heard");
      const version = (await store.read(key))!.version;
      await call(store, key, () => store.write(key, "second", { ifVersion: version }));
      stop();
      stop();
      const atStop = heard;
      // That a later listener hears of the removal shows that the stopped one was passed over, and is not merely late.
      const present = (await store.read(key))!.version;
      await call(store, key, () => store.remove(key, { ifVersion: present }));
      assert.equal(heard, atStop, "a listener was called after it was stopped");
    },
  },
];

/** Resolves when `change` is done and a new listener was called. It may be called before the change, for nothing. */
async function call(store: Store, key: string, change: () => Promise<unknown>): Promise<void> {
  let late: ReturnType<typeof setTimeout> | undefined;
  let stop: (() => void) | undefined;
  try {
    const heard = new Promise<void>((resolve, reject) => {
      stop = store.watch?.(key, resolve);
      late = setTimeout(() => reject(new Error("A listener was not called within 5 seconds of a change.")), 5000);
    });
    await Promise.all([heard, change()]);
  } finally {
    clearTimeout(late);
    stop?.();
  }
}
