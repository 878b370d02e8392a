import { sleep, within } from "./clock.ts";
import { isConnectorError } from "./faults.ts";
import type { Grant, Row } from "./record.ts";
import type { Change, StoredRow } from "./rows.ts";
import type { Runtime } from "./runtime.ts";
import type { Grantable } from "./succession.ts";
import { type CacheEntry, cacheEntry } from "./token-cache.ts";

/**
 * Saving new tokens, which must not be lost: a save that fails is tried again until it succeeds. Meanwhile the tokens in hand
 * serve, and nothing is requested for that row.
 */
export interface Saves {
  save(save: Save): Promise<Saved>;
  /** What is in hand and not saved. */
  pending(key: string): CacheEntry | undefined;
  /** Tries a pending save now. */
  attempt(key: string): Promise<boolean>;
  /** Tries what is pending once more, and then no more. */
  drain(): Promise<void>;
}

type Keep = Grantable["keep"];

export interface Save {
  readonly key: string;
  /** The row as last seen. */
  readonly from: StoredRow;
  /** What the row becomes, and what of the answer it keeps by that. */
  readonly transition: (row: Row) => Promise<{ readonly keep: Keep; readonly change?: Change }>;
  /** Called with the row once it is in the store. */
  readonly saved: (keep: Keep, row: Row) => void;
}

export interface Saved {
  /** `nothing` where there is no row. */
  readonly keep: Keep;
  /** The row as written, by an earlier try or this one, or, where the store fails, as it will be; absent where nothing was. */
  readonly stored?: StoredRow;
  /** The secrets in it. */
  readonly grant?: Grant;
}

export function createSaves(runtime: Runtime): Saves {
  const { rows, clock, cache, timing, events } = runtime;
  const waiting = new Map<string, Save & { readonly entry: CacheEntry }>();
  /** Often enough that whoever watches the claim sees the save before it thinks of taking over. */
  const longest = timing.claimLength / 3;

  /** One try. A store that hangs is asked again: what is written twice is written once. */
  async function change({ key, transition }: Save, from?: StoredRow): Promise<Saved> {
    let kept: Saved = { keep: "nothing" };
    const changing = rows.change(
      key,
      async (row) => {
        const { keep, change } = await transition(row);
        kept = { keep, ...(change?.grant && { grant: change.grant }) };
        return change;
      },
      from,
    );
    const changed = await within(clock, longest, changing);
    const there = changed?.written || kept.keep === "written";
    return changed && there ? { ...kept, stored: changed.stored } : kept;
  }

  async function attempt(key: string): Promise<boolean> {
    const held = waiting.get(key);
    if (!held) return true;
    try {
      const { keep, stored } = await change(held);
      if (!waiting.delete(key)) return true;
      cache.delete(key);
      if (stored) held.saved(keep, stored.row);
      return true;
    } catch {
      return false;
    }
  }

  const closing = new AbortController();

  async function persist(key: string): Promise<void> {
    for (let pause = longest / 8; !(await attempt(key)); pause = Math.min(pause * 2, longest)) {
      await sleep(clock, pause, closing.signal).catch(() => {});
      if (closing.signal.aborted) return;
    }
  }

  return {
    async save(save) {
      const { key, from, transition } = save;
      for (let tries = 0; ; tries++) {
        try {
          const done = await change(save, tries === 0 ? from : undefined);
          if (done.stored) save.saved(done.keep, done.stored.row);
          return done;
        } catch (error) {
          const { registration, provider, id } = from.row;
          const message = isConnectorError(error) ? error.message : "the store failed";
          events.emit("store.failed", { registration, provider, connection: id, during: "save", message });
          if (tries < 2) continue;
        }
        const { keep, change: unsaved } = await transition(from.row);
        if (!unsaved) return { keep };
        const stored = { key, row: unsaved.row, version: from.version };
        waiting.set(key, { ...save, entry: cacheEntry(runtime, stored, unsaved.grant) });
        void persist(key);
        return { keep, stored, ...(unsaved.grant && { grant: unsaved.grant }) };
      }
    },
    pending: (key) => waiting.get(key)?.entry,
    attempt,
    async drain() {
      await Promise.all([...waiting.keys()].map(attempt));
      // What could not be saved by now must not keep the process from ending.
      closing.abort();
    },
  };
}
