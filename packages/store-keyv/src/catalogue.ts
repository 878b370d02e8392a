import { type Index, memoryStore, type Page, type Store } from "@linkwright/core";

/**
 * The index of all records, in memory: the memory store, holding nothing but what records are found by. It is built from the
 * records at the first call that needs it.
 */
export class Catalogue {
  readonly #records = memoryStore();
  /** By when a record expires. */
  readonly #expiries = memoryStore();

  async put(key: string, { expiresAt, ...index }: Index): Promise<void> {
    await place(this.#records, key, index);
    if (expiresAt === undefined) await erase(this.#expiries, key);
    else await place(this.#expiries, key, { dueAt: expiresAt });
  }

  async drop(key: string): Promise<void> {
    await erase(this.#records, key);
    await erase(this.#expiries, key);
  }

  list(query: Parameters<Store["list"]>[0]): Promise<Page> {
    return this.#records.list(query);
  }

  due(...[before, query]: Parameters<Store["due"]>): Promise<Page> {
    return this.#records.due(before, query);
  }

  /** A few of the keys whose records have expired. */
  async expired(now: number): Promise<string[]> {
    const { items } = await this.#expiries.due(now, { limit: 16 });
    return items.map((item) => item.key);
  }
}

async function place(store: Store, key: string, index: Index): Promise<void> {
  const present = await store.read(key);
  await store.write(key, "", { ifVersion: present?.version ?? "absent", index });
}

async function erase(store: Store, key: string): Promise<void> {
  const present = await store.read(key);
  if (present) await store.remove(key, { ifVersion: present.version });
}
