import type { Front } from "./front.ts";
import type { FromWorker } from "./messages.ts";

/** What workers told, added up. */
export interface Tally {
  served: number;
  verified: number;
  stale: number;
  /** Tokens that were another connection's. */
  wrong: number;
  readonly failed: Record<string, number>;
  readonly unhandled: string[];
  hear(message: FromWorker): void;
}

export function createTally(): Tally {
  const tally: Tally = {
    served: 0,
    verified: 0,
    stale: 0,
    wrong: 0,
    failed: {},
    unhandled: [],
    hear(message) {
      if (message.say === "wrong") tally.wrong++;
      if (message.say === "unhandled") tally.unhandled.push(message.error);
      if (message.say !== "counts") return;
      tally.served += message.counts.served;
      tally.verified += message.counts.verified;
      tally.stale += message.counts.stale;
      for (const [kind, count] of Object.entries(message.counts.failed))
        tally.failed[kind] = (tally.failed[kind] ?? 0) + count;
    },
  };
  return tally;
}

/** Sets of tokens that the server issued, each counted once however often it was answered. */
export interface Expiries {
  readonly total: number;
  /** When the newest fresh set of a grant was handed over. */
  newest(grant: number): number;
}

export function countExpiries(front: Front, met: (total: number) => void): Expiries {
  const seen = new Set<string>();
  const newest = new Map<number, number>();
  front.onPresentation((presentation, over) => {
    void over.then(() => {
      const { accessToken, token, deliveredAt } = presentation;
      if (accessToken === undefined || seen.has(accessToken)) return;
      seen.add(accessToken);
      const grant = front.grantOf(token);
      if (grant !== undefined && deliveredAt !== undefined) newest.set(grant, deliveredAt);
      met(seen.size);
    });
  });
  return {
    get total() {
      return seen.size;
    },
    newest: (grant) => newest.get(grant) ?? 0,
  };
}
