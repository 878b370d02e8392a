import type { Store } from "@linkwright/core";

/**
 * Adds one to the number under `key`, `times` over, as every writer of the framework does: read, compute, write if nobody
 * else did, else again.
 *
 * @returns The versions of its own writes.
 */
export async function increment(store: Store, key: string, times: number): Promise<string[]> {
  const versions: string[] = [];
  for (let tries = 0; versions.length < times; tries++) {
    if (tries > 100_000) throw new Error("The counter was never free: 100000 tries were conflicts.");
    const found = await store.read(key);
    if (!found) throw new Error("The counter is gone.");
    const version = await store.write(key, `${Number(found.value) + 1}`, { ifVersion: found.version });
    if (version !== "conflict") versions.push(version);
  }
  return versions;
}
