import type { Incident } from "./crew.ts";
import type { Presentation } from "./front.ts";
import { idleFaults, losingFaults, type Outage } from "./mayhem.ts";

/** Why a refresh token was presented again, or a grant was lost: told from what was seen in front of the server. */

export interface Evidence {
  readonly presentations: readonly Presentation[];
  readonly incidents: readonly Incident[];
  readonly outages: readonly Outage[];
  readonly givenUp: readonly GivenUp[];
  /** Milliseconds. */
  readonly claimLength: number;
  /** Milliseconds after which whoever presents gives up waiting for the answer. */
  readonly requestDeadline: number;
}

/** A request whose answer was not waited for any longer, as the process that sent it told. */
export interface GivenUp {
  readonly worker: string;
  readonly attempt: number;
  /** Epoch milliseconds. */
  readonly at: number;
  /** For how many milliseconds it had waited. */
  readonly waited: number;
}

export type Cause =
  | "its answer was lost"
  | "the server answered with an error"
  | "its holder was killed"
  | "its holder was frozen"
  | "its holder had no turn on this machine"
  | "the store was away"
  | "its sender was frozen before it sent"
  | "none";

/** One presentation of a token that had been presented before. */
export interface Again {
  readonly presentation: Presentation;
  readonly before: Presentation;
  readonly cause: Cause;
  /** The fault that the server committed on the presentation before. */
  readonly fault?: string | undefined;
}

/** Every presentation after a token's first, each with its cause. */
export function presentedAgain(evidence: Evidence): Again[] {
  const last = new Map<string, Presentation>();
  const found: Again[] = [];
  for (const presentation of evidence.presentations) {
    const before = last.get(presentation.token);
    last.set(presentation.token, presentation);
    if (before)
      found.push({ presentation, before, cause: causeOf(before, presentation, evidence), fault: before.fault });
  }
  return found;
}

/** Why a token was presented again at `next`, its presentation before being `before`. */
function causeOf(before: Presentation, next: Presentation, evidence: Evidence): Cause {
  const holder = causeAtHolder(before, next, evidence);
  if (holder !== "none") return holder;
  const { outages, incidents, claimLength } = evidence;
  if (outages.some((outage) => overlaps(outage, before.at - claimLength, next.at))) return "the store was away";
  const paused = incidents.some(
    (one) =>
      one.worker === next.worker &&
      one.kind !== "killed" &&
      overlaps(one, next.at - 2 * claimLength, next.at + claimLength),
  );
  return paused ? "its sender was frozen before it sent" : "none";
}

/** How long word travels between a caller and the front on a busy machine: milliseconds. */
const hearing = 250;

/** Whether the answer never came to its caller, or came when that one had waited for as long as it may. */
function answerLost(before: Presentation, next: Presentation, { givenUp, requestDeadline }: Evidence): boolean {
  const { worker, attempt, fault = "", brokenAt = Number.POSITIVE_INFINITY } = before;
  if (losingFaults.has(fault) && brokenAt - hearing <= next.at) return true;
  // One that hangs up before its time, on a server at its work, has no excuse.
  return givenUp.some(
    (one) =>
      one.worker === worker && one.attempt === attempt && one.waited >= requestDeadline - hearing && one.at <= next.at,
  );
}

/** What kept the one who presented first from bringing in and saving an answer. */
function causeAtHolder(before: Presentation, next: Presentation, evidence: Evidence): Cause {
  const { incidents, claimLength } = evidence;
  if (before.status !== undefined && before.status >= 500) return "the server answered with an error";
  // Who had an answer and lived on for a claim's length had saved it, whatever happened later.
  const end = Math.min(next.at, (before.deliveredAt ?? Number.POSITIVE_INFINITY) + claimLength);
  const own = (kind: Incident["kind"]) =>
    incidents.some(
      (one) => one.worker === before.worker && one.kind === kind && overlaps(one, before.at - claimLength, end),
    );
  if (own("killed")) return "its holder was killed";
  if (own("frozen")) return "its holder was frozen";
  if (answerLost(before, next, evidence)) return "its answer was lost";
  return own("stood") ? "its holder had no turn on this machine" : "none";
}

const overlaps = ({ from, to }: { readonly from: number; readonly to: number }, begin: number, end: number) =>
  from <= end && to >= begin;

/** Why a grant is gone, from all presentations of its tokens. */
export interface LossCause {
  /** `false`: not even a server that kills families and the worst of luck excuse it. */
  readonly excused: boolean;
  readonly told: string;
}

export function lossCause(presentations: readonly Presentation[], evidence: Evidence): LossCause {
  const refused = presentations.find(({ status }) => status === 400);
  if (!refused) return { excused: false, told: "the server refused none of its tokens" };
  const others = presentations.filter((one) => one.token === refused.token && one !== refused);
  const spent = others.find(
    ({ status, fault = "" }) => status === 200 || (losingFaults.has(fault) && !idleFaults.has(fault)),
  );
  if (!spent) return { excused: false, told: "the server refused a token that nobody had spent" };
  // The one that came first may have been handled last.
  const [first, second] = spent.number < refused.number ? [spent, refused] : [refused, spent];
  const fault = first.fault === undefined ? "" : ` (${first.fault})`;
  const cause = causeAtHolder(first, second, evidence);
  const answered =
    first.deliveredAt === undefined ? "was not answered" : `was answered after ${first.deliveredAt - first.at} ms`;
  const again = `process ${second.worker} presented it again after ${second.at - first.at} ms`;
  const who = `process ${first.worker} presented it and ${answered}; ${again}`;
  const excused = cause !== "none" && cause !== "the server answered with an error";
  const whole = cause === "none" ? causeOf(first, second, evidence) : cause;
  return { excused, told: `${whole}${fault}: ${who}` };
}
