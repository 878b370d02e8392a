import { tell } from "./events.ts";
import { isConnectorError } from "./faults.ts";
import { type StoredRow, storeCall } from "./rows.ts";
import type { Runtime } from "./runtime.ts";

/**
 * Sealing again with the newest key what an older one sealed, so that the older one can be taken out of the ring. A sweep by
 * compare-and-set, beside renewals; killed midway it loses nothing, and the next one passes over what is done.
 */
export interface ResealOptions {
  /** Stops between two records. */
  readonly signal?: AbortSignal;
  /** Where an earlier sweep stopped, as its report names it; from the beginning where left out. */
  readonly cursor?: string;
  /** Called after every page of records. */
  readonly onProgress?: (progress: ResealReport) => unknown;
}

/** What a sweep over the keys came to. Numbers of records. */
export interface ResealReport {
  readonly resealed: number;
  /** Sealed with the newest key already. */
  readonly current: number;
  /** Of registrations that are not configured here, left as they are: to be sealed anew where they are. */
  readonly elsewhere: number;
  /** Records that could not be opened, left as they are: the key that sealed them is missing, or they were tampered with. */
  readonly failed: readonly { readonly record: string; readonly message: string }[];
  /** Where the next sweep may go on; absent when everything was looked at. */
  readonly cursor?: string;
}

/** Records that hold grants, in the order of their keys. */
const prefixes = ["application:", "connection:"] as const;

export async function reseal(runtime: Runtime, options: ResealOptions = {}): Promise<ResealReport> {
  const { clock, store } = runtime;
  let resealed = 0;
  let current = 0;
  let elsewhere = 0;
  const failed: { record: string; message: string }[] = [];
  let [prefix = prefixes[0] as string, cursor] = parseCursor(options.cursor);
  for (;;) {
    const query = { prefix, limit: 100, ...(cursor !== undefined && { cursor }) };
    const page = await storeCall(clock, "listing of records", () => store.list(query));
    for (const item of page.items) {
      try {
        const stored = runtime.rows.parse(item);
        // What is written is indexed anew, and when such a row is due is known where its registration is.
        if (!runtime.registrations.has(stored.row.registration)) elsewhere++;
        else if (await resealRow(runtime, stored)) resealed++;
        else current++;
      } catch (error) {
        if (!isConnectorError(error)) throw error;
        failed.push({ record: item.key, message: error.message });
      }
    }
    cursor = page.cursor;
    if (cursor === undefined) {
      const next = prefixes[prefixes.indexOf(prefix as (typeof prefixes)[number]) + 1];
      if (next === undefined) break;
      prefix = next;
    }
    const report = { resealed, current, elsewhere, failed, cursor: JSON.stringify([prefix, cursor ?? null]) };
    tell(options.onProgress, report);
    if (options.signal?.aborted) return report;
  }
  const report = { resealed, current, elsewhere, failed };
  tell(options.onProgress, report);
  return report;
}

/** @returns Whether it was sealed anew. */
async function resealRow({ rows, seal }: Runtime, stored: StoredRow): Promise<boolean> {
  const changed = await rows.change(
    stored.key,
    async (row) => {
      if (row.grant === undefined || (await seal.isNewest(row.grant))) return undefined;
      const grant = await rows.open({ key: stored.key, row });
      return grant && { row, grant };
    },
    stored,
  );
  return changed?.written ?? false;
}

function parseCursor(cursor: string | undefined): [prefix?: string, cursor?: string] {
  if (cursor === undefined) return [];
  const [prefix, at] = JSON.parse(cursor) as [string, string | null];
  return at === null ? [prefix] : [prefix, at];
}
