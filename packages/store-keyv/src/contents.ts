import { hash } from "node:crypto";
import type { Backend } from "./backend.ts";
import { Catalogue } from "./catalogue.ts";
import { Shelf } from "./shelf.ts";

/** So many lists of keys: a new record rewrites the one it is on, so with 10,000 records some 160 keys. */
const shelfCount = 64;

/** Says that there is a store, and how it is laid out; written last when it is set up. */
const layout = JSON.stringify({ linkwright: "store-keyv", format: 1, shelves: shelfCount });

/** Everything that one Keyv has under one prefix, as this process knows it. */
export class Contents {
  readonly catalogue = new Catalogue();
  readonly #backend: Backend;
  readonly #prefix: string;
  readonly #shelves: readonly Shelf[];
  #opened: Promise<void> | undefined;

  constructor(backend: Backend, prefix: string) {
    this.#backend = backend;
    this.#prefix = prefix;
    this.#shelves = Array.from({ length: shelfCount }, (_, n) => new Shelf(backend, this.catalogue, prefix, n));
  }

  /** The shelf on which a record with this key is, or would be. */
  async shelfOf(key: string): Promise<Shelf> {
    await this.#open();
    const [first = 0] = hash("sha256", key, "buffer");
    return this.#shelves[first % shelfCount] as Shelf;
  }

  /** Reads the index of every record that is not known yet. */
  async loadAll(): Promise<void> {
    await this.#open();
    await Promise.all(this.#shelves.map((shelf) => shelf.load()));
  }

  async #open(): Promise<void> {
    this.#opened ??= this.#setUp().catch((error: unknown) => {
      this.#opened = undefined;
      throw error;
    });
    await this.#opened;
  }

  async #setUp(): Promise<void> {
    const root = `${this.#prefix}-root`;
    if (await this.#isSetUp(root)) return;
    await this.#backend.prove(`${this.#prefix}-probe`);
    if (await this.#isSetUp(root)) return;
    const shelves = Array.from({ length: shelfCount }, (_, n) => Shelf.nameOf(this.#prefix, n));
    const found = await Promise.all(shelves.map((name) => this.#backend.get(name)));
    // Empty lists are those of a set-up that was interrupted.
    if (found.some((listed) => listed !== undefined && listed !== "[]")) {
      throw new Error(
        `The Keyv store's backend has lists of keys, and has lost the entry ${root} that was beside them. It drops what it ` +
          "is given (an eviction policy, a size limit, a time to live); restore a backup.",
      );
    }
    await Promise.all(shelves.map((name) => this.#backend.set(name, "[]")));
    await this.#backend.set(root, layout);
  }

  async #isSetUp(root: string): Promise<boolean> {
    const found = await this.#backend.get(root);
    if (found === undefined || found === layout) return found === layout;
    throw new Error(
      `The Keyv store found another layout than its own under ${root}, written by a newer @linkwright/store-keyv or by ` +
        "another application. Update the package, or choose another prefix. Nothing was changed.",
    );
  }
}
