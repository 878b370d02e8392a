// #region store
import { randomUUID } from "node:crypto";
import { access, open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { type Clock, type Index, type Page, type Store, type StoredItem, systemClock } from "@linkwright/core";

type Entry = StoredItem & { readonly index: Index };

/**
 * Everything in one JSON file, written anew at each change: for a few hundred connections of one process, which opens the
 * file once. Another process would not be bound by what this one compares, so the reach is `process`.
 */
export function jsonFileStore(path: string, clock: Clock = systemClock): Store & { readonly reach: "process" } {
  let entries: Promise<ReadonlyMap<string, Entry>> | undefined;
  let turn: Promise<unknown> = Promise.resolve();
  let closed = false;

  /** The file as it was last written; read once. A failure is thrown and not kept: the next call looks again. */
  async function current(): Promise<ReadonlyMap<string, Entry>> {
    if (closed) throw new Error(`The store ${path} is closed. Close it after the last call.`);
    entries ??= load(path).catch((error: unknown) => {
      entries = undefined;
      throw error;
    });
    return entries;
  }

  /** The one primitive: of all changes, one at a time compares, writes, and only then becomes what others see. */
  function change<T>(
    decide: (entries: ReadonlyMap<string, Entry>) => { next?: Map<string, Entry>; answer: T },
  ): Promise<T> {
    const mine = turn.then(async () => {
      const { next, answer } = decide(await current());
      if (next) {
        await save(path, next);
        entries = Promise.resolve(next);
      }
      return answer;
    });
    turn = mine.catch(() => {});
    return mine;
  }

  const live = (entry: Entry | undefined) =>
    entry?.index.expiresAt !== undefined && entry.index.expiresAt <= clock.now() ? undefined : entry;

  return {
    reach: "process",

    async read(key) {
      const found = live((await current()).get(key));
      return found && { value: found.value, version: found.version };
    },

    async write(key, value, { ifVersion, index = {} }) {
      check(key, index);
      return change<string>((before) => {
        if ((live(before.get(key))?.version ?? "absent") !== ifVersion) return { answer: "conflict" };
        // Random, so that no version ever comes back, not even for a record that was removed and written anew.
        const version = randomUUID();
        const kept = [...before].filter(([, entry]) => live(entry));
        return { next: new Map([...kept, [key, { key, value, version, index }]]), answer: version };
      });
    },

    remove: (key, { ifVersion }) =>
      change<boolean>((before) => {
        if (live(before.get(key))?.version !== ifVersion) return { answer: false };
        const next = new Map(before);
        next.delete(key);
        return { next, answer: true };
      }),

    async list({ prefix, owner, registration, ref, cursor, limit }) {
      const found = [...(await current()).values()].filter(
        (entry) =>
          live(entry) &&
          entry.key.startsWith(prefix) &&
          (owner === undefined || entry.index.owner === owner) &&
          (registration === undefined || entry.index.registration === registration) &&
          (ref === undefined || entry.index.refs?.includes(ref)) &&
          (cursor === undefined || byKey(entry.key, cursor) > 0),
      );
      return page(
        found.sort((a, b) => byKey(a.key, b.key)),
        limit,
        ({ key }) => key,
      );
    },

    async due(before, { cursor, limit }) {
      const [at, last] =
        cursor === undefined ? [Number.NEGATIVE_INFINITY, ""] : (JSON.parse(cursor) as [number, string]);
      const order = (a: Entry, b: Entry) => dueAt(a) - dueAt(b) || byKey(a.key, b.key);
      const behind = (entry: Entry) => dueAt(entry) > at || (dueAt(entry) === at && byKey(entry.key, last) > 0);
      const found = [...(await current()).values()].filter(
        (entry) => live(entry) && dueAt(entry) <= before && behind(entry),
      );
      return page(found.sort(order), limit, (entry) => JSON.stringify([dueAt(entry), entry.key]));
    },

    async close() {
      closed = true;
      await turn;
    },
  };
}

const byKey = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b)); // byte order, not UTF-16's

const dueAt = ({ index }: Entry) => index.dueAt ?? Number.NaN; // NaN is neither before nor after anything

function page(entries: readonly Entry[], limit: number, cursorOf: (entry: Entry) => string): Page {
  const items = entries.slice(0, limit).map(({ key, value, version }) => ({ key, value, version }));
  const last = entries[limit - 1];
  return last && entries.length > limit ? { items, cursor: cursorOf(last) } : { items };
}

/** JSON would turn NaN into null, and a file half of a surrogate pair into another character: refused, not changed. */
function check(key: string, { dueAt = 0, expiresAt = 1 }: Index): void {
  if (!key.isWellFormed()) throw new TypeError("The key is not well-formed text.");
  if (!Number.isFinite(dueAt)) throw new TypeError("index.dueAt must be epoch milliseconds.");
  if (!(Number.isFinite(expiresAt) && expiresAt > 0))
    throw new TypeError("index.expiresAt must be epoch milliseconds.");
}

async function load(path: string): Promise<Map<string, Entry>> {
  const text = await readFile(path, "utf8").catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
    await access(dirname(path)); // no file is a beginning, no directory is a failure
    return "[]";
  });
  return new Map((JSON.parse(text) as Entry[]).map((entry) => [entry.key, entry]));
}

/** Whole or not at all: a crash leaves the file of before. */
async function save(path: string, entries: ReadonlyMap<string, Entry>): Promise<void> {
  const file = await open(`${path}.new`, "w", 0o600);
  try {
    await file.writeFile(JSON.stringify([...entries.values()]));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
}
// #endregion
