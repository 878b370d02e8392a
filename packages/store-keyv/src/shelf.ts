import { randomUUID } from "node:crypto";
import type { Index, StoredValue, Version } from "@linkwright/core";
import type { Backend } from "./backend.ts";
import type { Catalogue } from "./catalogue.ts";

/** A record, as it stands in the backend. */
interface Envelope extends StoredValue {
  readonly key: string;
  readonly index: Index;
}

/** What this process knows of a record: where the backend has it, and its version there. */
interface Entry {
  readonly name: string;
  readonly version: Version;
}

/**
 * Some of the records. Keyv can neither list nor tell absence from failure, so the keys stand in a list of their own, beside
 * the records: what it lists is there, and if the backend says otherwise it has failed. A record is written before it is
 * listed, and taken off the list before it is deleted, so whatever happens in between leaves nothing but unlisted waste.
 *
 * One call at a time: that is the compare-and-set, and it holds in this process alone. After anything went wrong the list
 * and its records are read again, so what is known here is never a guess.
 */
export class Shelf {
  readonly #backend: Backend;
  readonly #catalogue: Catalogue;
  readonly #name: string;
  readonly #prefix: string;
  #entries: ReadonlyMap<string, Entry> = new Map();
  /** Whether the entries are what the backend has, as far as this process knows. */
  #isKnown = false;
  /** The list as the backend has it. */
  #listed = "";
  #last: Promise<unknown> = Promise.resolve();

  constructor(backend: Backend, catalogue: Catalogue, prefix: string, number: number) {
    this.#backend = backend;
    this.#catalogue = catalogue;
    this.#prefix = prefix;
    this.#name = Shelf.nameOf(prefix, number);
  }

  /** Where the list of keys is. */
  static nameOf(prefix: string, number: number): string {
    return `${prefix}-shelf-${String(number).padStart(2, "0")}`;
  }

  load(): Promise<void> {
    return this.#alone(async () => {
      await this.#known();
    });
  }

  /** The present record, if it has not expired. */
  read(key: string, now: number): Promise<StoredValue | undefined> {
    return this.#alone(async () => {
      const found = await this.#present(key, now);
      return found && { value: found.value, version: found.version };
    });
  }

  write(
    key: string,
    value: string,
    ifVersion: Version | "absent",
    index: Index,
    now: number,
  ): Promise<Version | "conflict"> {
    return this.#alone(async () => {
      const present = await this.#present(key, now);
      if ((present?.version ?? "absent") !== ifVersion) return "conflict";
      // Also over a record that has expired.
      const known = (await this.#known()).get(key);
      const version = randomUUID();
      // A name of its own for each new record, so that a late deletion of the one before cannot meet it.
      const name = known?.name ?? `${this.#prefix}-record-${randomUUID()}`;
      await this.#backend.set(name, JSON.stringify({ key, version, value, index } satisfies Envelope));
      const entries = new Map(await this.#known()).set(key, { name, version });
      if (!known) await this.#list(entries);
      this.#entries = entries;
      await this.#catalogue.put(key, index);
      return version;
    });
  }

  remove(key: string, ifVersion: Version, now: number): Promise<boolean> {
    return this.#alone(async () => {
      const present = await this.#present(key, now);
      if (present?.version !== ifVersion) return false;
      await this.#unlist(key);
      return true;
    });
  }

  /** Removes the record if it has expired. */
  sweep(key: string, now: number): Promise<void> {
    return this.#alone(async () => {
      const envelope = await this.#envelope(key);
      if (envelope && hasExpired(envelope, now)) await this.#unlist(key);
    });
  }

  async #present(key: string, now: number): Promise<Envelope | undefined> {
    const envelope = await this.#envelope(key);
    return envelope && !hasExpired(envelope, now) ? envelope : undefined;
  }

  async #envelope(key: string): Promise<Envelope | undefined> {
    const entry = (await this.#known()).get(key);
    if (!entry) return undefined;
    const envelope = await this.#fetch(key, entry.name);
    if (envelope.version === entry.version) return envelope;
    throw changedElsewhere();
  }

  async #fetch(key: string, name: string): Promise<Envelope> {
    const text = await this.#backend.get(name);
    if (text === undefined) {
      throw new Error(
        `The Keyv store's backend has not got the record ${JSON.stringify(key)}, which was written to it. Either it failed ` +
          "and did not say so, or it drops what it is given (an eviction policy, a size limit, a time to live).",
      );
    }
    const envelope = JSON.parse(text) as Envelope;
    if (envelope.key !== key) throw changedElsewhere();
    return envelope;
  }

  async #known(): Promise<ReadonlyMap<string, Entry>> {
    if (this.#isKnown) return this.#entries;
    const listed = await this.#readList();
    const entries = new Map<string, Entry>();
    const pairs = JSON.parse(listed) as [key: string, name: string][];
    await Promise.all(
      pairs.map(async ([key, name]) => {
        const { version, index } = await this.#fetch(key, name);
        entries.set(key, { name, version });
        await this.#catalogue.put(key, index);
      }),
    );
    for (const key of this.#entries.keys()) if (!entries.has(key)) await this.#catalogue.drop(key);
    this.#listed = listed;
    this.#entries = entries;
    this.#isKnown = true;
    return entries;
  }

  async #readList(): Promise<string> {
    const listed = await this.#backend.get(this.#name);
    if (listed !== undefined) return listed;
    throw new Error(
      "The Keyv store's backend has not got the store's list of keys, which was written to it. Either it failed and did " +
        "not say so, or it drops what it is given (an eviction policy, a size limit, a time to live).",
    );
  }

  async #list(entries: ReadonlyMap<string, Entry>): Promise<void> {
    // Or the records that another process listed would be forgotten.
    if ((await this.#readList()) !== this.#listed) throw changedElsewhere();
    const listed = JSON.stringify([...entries].map(([key, { name }]) => [key, name]));
    await this.#backend.set(this.#name, listed);
    this.#listed = listed;
  }

  async #unlist(key: string): Promise<void> {
    const entries = new Map(await this.#known());
    const name = entries.get(key)?.name ?? "";
    entries.delete(key);
    await this.#list(entries);
    this.#entries = entries;
    await this.#catalogue.drop(key);
    // It is gone already; what is left over where this fails is waste.
    await this.#backend.delete(name).catch(() => {});
  }

  /** Runs `work` when all before it is done: also what the adapter may yet do of a call that was given up on. */
  async #alone<Answer>(work: () => Promise<Answer>): Promise<Answer> {
    const before = this.#last;
    let done: (until: Promise<unknown>) => void = () => {};
    this.#last = new Promise((resolve) => {
      done = resolve;
    });
    try {
      await this.#backend.waitFor(before);
      return await work().catch((error: unknown) => {
        this.#isKnown = false;
        throw error;
      });
    } finally {
      done(before.then(() => this.#backend.settled()));
    }
  }
}

function hasExpired({ index: { expiresAt } }: Envelope, now: number): boolean {
  return expiresAt !== undefined && expiresAt <= now;
}

function changedElsewhere(): Error {
  return new Error(
    "The Keyv store was changed by another process, or through another Keyv, since this one read it. Its compare-and-set " +
      "holds within one process and one Keyv: let only one use it, or take a store of reach cluster. What was changed is " +
      "read again at the next call.",
  );
}
