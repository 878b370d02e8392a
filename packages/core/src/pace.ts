import { sleep } from "./clock.ts";
import { ConnectorError } from "./faults.ts";
import { isObject, parseRecord } from "./record.ts";
import { storeCall } from "./rows.ts";
import type { Runtime } from "./runtime.ts";

/**
 * How fast maintenance asks one provider for tokens, all processes together: a record per registration counts what was taken
 * of the present second, changed by the same compare-and-set as everything else. Shares are taken several at a time, so the
 * record is written a few times a second at most.
 */
export interface Pace {
  /** Resolves when one more request may go. */
  take(registration: string, signal: AbortSignal | undefined): Promise<void>;
}

const paceFormat = 1;

/** @param rate - Requests per second and registration. */
export function createPace({ store, clock }: Runtime, rate: number): Pace {
  const share = Math.max(1, Math.floor(rate / 10));
  const shares = new Map<string, { second: number; left: number }>();
  const queues = new Map<string, Promise<void>>();

  async function take(registration: string, signal: AbortSignal | undefined): Promise<void> {
    for (;;) {
      const second = Math.floor(clock.now() / 1000);
      const held = shares.get(registration);
      if (held && held.second === second && held.left > 0) {
        held.left--;
        return;
      }
      const taken = await reserve(registration, second);
      if (taken > 0) shares.set(registration, { second, left: taken });
      else await sleep(clock, (second + 1) * 1000 - clock.now(), signal);
    }
  }

  /** Takes a share of the second; 0 where it is used up. */
  async function reserve(registration: string, second: number): Promise<number> {
    const key = `pace:${registration}`;
    for (let attempt = 0; attempt < 100; attempt++) {
      const found = await storeCall(clock, `reading of record ${key}`, () => store.read(key));
      const { at, used } = countOf(found?.value, second);
      const taken = Math.min(share, rate - used);
      if (taken <= 0) return 0;
      const value = JSON.stringify({ format: paceFormat, second: at, used: used + taken });
      const expiresAt = (second + 3600) * 1000;
      const written = await storeCall(clock, `writing of record ${key}`, () =>
        store.write(key, value, { ifVersion: found?.version ?? "absent", index: { dueAt: expiresAt, expiresAt } }),
      );
      if (written !== "conflict") return taken;
    }
    throw new ConnectorError({ kind: "store" }, `Record ${key} changed 100 times before this write; try again.`);
  }

  return {
    take(registration, signal) {
      // One at a time, so that a share is used up before the next is taken.
      const turn = (queues.get(registration) ?? Promise.resolve())
        .catch(() => {})
        .then(() => take(registration, signal));
      queues.set(registration, turn);
      return turn;
    },
  };
}

/** How far another's clock may be ahead for its seconds to count here, too: seconds. */
const longestLead = 60;

/** What was taken of the present second: of the record's own, where another clock is ahead, so that none begins anew for each. */
function countOf(value: string | undefined, second: number): { readonly at: number; readonly used: number } {
  const record: unknown = value === undefined ? undefined : parseRecord(value, paceFormat);
  if (!isObject(record) || typeof record.second !== "number" || typeof record.used !== "number")
    return { at: second, used: 0 };
  const lead = record.second - second;
  return lead >= 0 && lead <= longestLead ? { at: record.second, used: record.used } : { at: second, used: 0 };
}
