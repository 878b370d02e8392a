import type { GrantCounters } from "@linkwright/testing";
import type { Front } from "./front.ts";
import type { TortureOptions } from "./options.ts";
import { judge, type Loss, type TortureReport } from "./report.ts";
import type { Tally } from "./tally.ts";
import type { LostGrant } from "./users.ts";
import { type Again, type Evidence, lossCause, presentedAgain } from "./verdict.ts";

/** All that was seen and told in a run. */
export interface Witnessed {
  readonly options: TortureOptions;
  readonly evidence: Evidence;
  readonly front: Front;
  readonly counters: GrantCounters;
  readonly tally: Tally;
  readonly lost: readonly LostGrant[];
  readonly stuck: readonly number[];
  readonly unruly: readonly string[];
  readonly expiries: number;
  readonly outages: number;
}

/** Makes a report of it, and judges it. */
export function account(witnessed: Witnessed): TortureReport {
  const { options, evidence, front, counters, tally, stuck, unruly, expiries, outages } = witnessed;
  const { presentations, incidents } = evidence;
  // One that never rotates is presented at every renewal, and that tells nothing.
  const again = options.server === "fixed" ? [] : presentedAgain(evidence);
  const times = new Map<string, number>();
  for (const { token } of presentations) times.set(token, (times.get(token) ?? 0) + 1);
  const lost = witnessed.lost.map(({ connection, grant, reason }): Loss => {
    const own = presentations.filter(({ token }) => front.grantOf(token) === grant);
    const { excused, told } = lossCause(own, evidence);
    return { connection, reason, excused, cause: told };
  });
  const happened = (kind: string) => incidents.filter((one) => one.kind === kind).length;
  const report = {
    options,
    expiries,
    tokenRequests: presentations.length,
    presentations: countBy([...times.values()].sort((a, b) => a - b).map(String)),
    presentedAgain: countBy(again.map(({ cause }) => cause)),
    unexplained: again.filter(({ cause }) => cause === "none").map(described),
    reuses: counters.reuses,
    replays: counters.replays,
    familiesRevoked: counters.familiesRevoked,
    lost,
    stuck,
    unruly,
    wrongTokens: tally.wrong,
    callers: { served: tally.served, verified: tally.verified, stale: tally.stale, failed: tally.failed },
    kills: happened("killed"),
    freezes: happened("frozen"),
    outages,
    faults: countBy(presentations.flatMap(({ fault }) => fault ?? [])),
    unhandled: tally.unhandled,
  };
  return { ...report, failures: judge(report) };
}

function described({ presentation, before }: Again): string {
  const later = presentation.at - before.at;
  const answered = before.deliveredAt === undefined ? "never" : `after ${before.deliveredAt - before.at} ms`;
  const first = `process ${before.worker} (${before.fault ?? "no fault"}; answered ${answered})`;
  return `by process ${presentation.worker}, ${later} ms after ${first}`;
}

function countBy(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
