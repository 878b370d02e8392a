import type { Fault, ReauthorizeReason } from "./faults.ts";
import type { Policy, Timing } from "./policy.ts";
import type { Claim, Doubt, Row, RowState, TokenTimes } from "./record.ts";
import { spread } from "./spread.ts";

/**
 * What happens next to a row: pure functions of the row, the request and the time. `renewal.ts` performs what they say.
 * See docs/renewal.md for the protocol and the counterexamples behind its rules.
 */

/** What is asked of a row. */
export interface Ask {
  readonly now: number;
  /** `use` a token; `revoke`: one for letting go, also while the row is ending. */
  readonly purpose: "use" | "revoke";
  /** Milliseconds of validity that the caller needs. */
  readonly minValidity?: number | undefined;
  /** The generation whose access token is not good enough: refused by the API, or to be renewed. */
  readonly refused?: number | undefined;
  /** For what, where it is not the default: see `audienceOf`. */
  readonly audience?: string | undefined;
  /** How the asker has seen the row's claim. */
  readonly watch: Watch;
}

/** How a claim was seen, by the watcher's own monotonic clock. Milliseconds; both 0 for a claim just seen, and for none. */
export interface Watch {
  /** Since its last new beat. */
  readonly silence: number;
  /**
   * For how long it has been looked at without a gap up to now. Who looks away cannot tell a dead holder from one that could
   * not reach the store, and that one saves first when it can.
   */
  readonly watched: number;
}

/** What of a row is looked at to decide. */
export type Situation = Pick<
  Row,
  "id" | "state" | "reason" | "generation" | "claim" | "doubt" | "failure" | "token" | "others"
> & { readonly refresh?: { readonly fingerprint?: string } };

export const unwatched: Watch = { silence: 0, watched: 0 };

export type Decision =
  /** Hand out the token; with `ahead`, renew it meanwhile. */
  | { readonly do: "use"; readonly ahead: boolean }
  /** Claim the row and renew. `doubt`: the token that will be presented may have been used up. */
  | { readonly do: "claim"; readonly doubt?: Doubt["cause"] }
  /** Somebody renews: watch the row. */
  | { readonly do: "wait" }
  /** No token is to be had; `mark`: record that first. */
  | { readonly do: "fail"; readonly fault: Fault; readonly mark?: ReauthorizeReason };

export function decide(row: Situation, ask: Ask, policy: Policy, timing: Timing): Decision {
  if (row.state === "ended") return fail({ kind: "reauthorize", reason: row.reason ?? "consent_ended" });
  if (row.state === "ending" && ask.purpose !== "revoke") return fail({ kind: "gone", reason: "disconnected" });
  if (row.state === "pending") return fail({ kind: "retry", retryAt: row.failure?.retryAt ?? ask.now });

  const held = row.claim !== undefined && Math.min(ask.watch.silence, ask.watch.watched) < timing.claimLength;
  if (usable(row, ask, timing)) return { do: "use", ahead: dueAhead(row, ask, policy, timing) };

  if (row.state === "reauthorize" || row.reason !== undefined)
    return fail({ kind: "reauthorize", reason: row.reason ?? "revoked" });
  if (!renewable(row, policy)) return withoutRenewal(row, ask, timing);
  if (held) return { do: "wait" };
  const left = takeoverIn(row, ask, policy, timing);
  if (left > 0) return fail({ kind: "retry", retryAt: ask.now + left });
  if (row.failure && row.failure.retryAt > ask.now) return fail({ kind: "retry", retryAt: row.failure.retryAt });
  const doubt = row.doubt?.cause ?? (presents(row) && policy.rotates ? "lapsed_claim" : undefined);
  return doubt ? { do: "claim", doubt } : { do: "claim" };
}

/** Nothing renews the row. It is over with its token; that the token is not what was asked for ends nothing. */
function withoutRenewal(row: Situation, { now, refused, audience }: Ask, timing: Timing): Decision {
  const fault: Fault = { kind: "reauthorize", reason: "expired" };
  if (!usable(row, { now, refused }, timing)) return fail(fault, "expired");
  return fail(audience === undefined ? fault : { kind: "permission" });
}

/**
 * Milliseconds until the row may be claimed, as far as the claim on it goes. A claim that lapsed may have used up a token that
 * rotates, and its holder may only be slow: the token is left alone a while longer, unless the server forgives.
 */
function takeoverIn(row: Situation, ask: Ask, policy: Policy, timing: Timing): number {
  if (!row.claim) return 0;
  const patience = policy.rotates && policy.reuseGrace === undefined && presents(row) ? timing.doubtWait : 0;
  return Math.max(timing.claimLength + patience - ask.watch.silence, timing.claimLength - ask.watch.watched);
}

/** Whether the claim is on the refresh token that the row holds, and not on one that was succeeded meanwhile. */
function presents({ claim, refresh }: Situation): boolean {
  return claim !== undefined && (claim.presenting === undefined || claim.presenting === refresh?.fingerprint);
}

function fail(fault: Fault, mark?: ReauthorizeReason): Decision {
  return mark ? { do: "fail", fault, mark } : { do: "fail", fault };
}

/** Whether the row's access token can be handed out. */
export function usable(
  row: Situation,
  ask: Pick<Ask, "now" | "minValidity" | "refused" | "audience">,
  timing: Timing,
): boolean {
  const token = tokenFor(row, ask.audience);
  if (!token || (token.generation ?? row.generation) <= (ask.refused ?? -1)) return false;
  const { issuedAt, expiresAt } = token;
  return expiresAt === undefined || expiresAt - ask.now > validity(expiresAt - issuedAt, ask.minValidity, timing);
}

export const tokenFor = (row: Situation, audience: string | undefined): TokenTimes | undefined =>
  audience === undefined ? row.token : row.others?.[audience];

/** The validity that a token must have left: what was asked, within what its lifetime allows. */
function validity(lifetime: number, asked: number | undefined, timing: Timing): number {
  return asked === undefined ? Math.min(timing.minValidity, 0.05 * lifetime) : Math.min(asked, 0.9 * lifetime);
}

/** From when on the row's token is renewed ahead of need: earlier for some rows than for others, stably. */
export function aheadAt(row: Situation, timing: Timing, audience?: string): number {
  const token = tokenFor(row, audience);
  if (token?.expiresAt === undefined) return Number.POSITIVE_INFINITY;
  const lifetime = token.expiresAt - token.issuedAt;
  const ahead = Math.min(timing.renewAhead, 0.1 * lifetime);
  return token.expiresAt - Math.max(ahead * (0.8 + 0.2 * spread(row.id)), validity(lifetime, undefined, timing));
}

function dueAhead(row: Situation, ask: Ask, policy: Policy, timing: Timing): boolean {
  return (
    ask.purpose === "use" &&
    row.state === "active" &&
    ask.now >= aheadAt(row, timing, ask.audience) &&
    ask.now >= (row.failure?.retryAt ?? 0) &&
    renewable(row, policy) &&
    takeoverIn(row, ask, policy, timing) <= 0
  );
}

export function renewable(row: Pick<Situation, "refresh">, policy: Policy): boolean {
  return policy.renewal === "mint" || (policy.renewal === "refresh" && row.refresh !== undefined);
}

/** The row with a claim on it. */
export function claimed(
  row: Row,
  claim: { holder: string; now: number; doubt?: Doubt["cause"] | undefined },
  timing: Timing,
): Row {
  const next: Claim = {
    holder: claim.holder,
    number: row.claims + 1,
    beat: 0,
    until: claim.now + timing.claimLength,
    ...(row.refresh && { presenting: row.refresh.fingerprint }),
  };
  const doubt = claim.doubt && (row.doubt ?? { since: claim.now, cause: claim.doubt });
  return { ...row, claims: next.number, claim: next, ...(doubt && { doubt }) };
}

/** The row with its claim alive for another length; `undefined` where the claim is another's by now. */
export function extended(row: Row, holder: string, now: number, timing: Timing): Row | undefined {
  if (row.claim?.holder !== holder) return undefined;
  return { ...row, claim: { ...row.claim, beat: row.claim.beat + 1, until: now + timing.claimLength } };
}

/** Under what a renewal was begun. */
export interface Held {
  readonly holder: string;
  readonly generation: number;
  readonly number: number;
  /** Fingerprint of the refresh token that was presented. */
  readonly presenting?: string | undefined;
}

/** How an attempt ended that brought no tokens. */
export type Miss =
  /** The server refused the grant; `suspected`: in a way not to be believed alone. */
  | {
      readonly miss: "refused";
      readonly retryAt?: undefined;
      readonly reason?: ReauthorizeReason | undefined;
      readonly suspected?: boolean | undefined;
      readonly code?: string | undefined;
    }
  /** Nothing was sent, or the server said that it did nothing. */
  | { readonly miss: "unsent" | "declined"; readonly retryAt?: number | undefined; readonly code?: string | undefined }
  /** An answer may have been lost, or the server failed midway. */
  | {
      readonly miss: "lost" | "server_error";
      readonly retryAt?: number | undefined;
      readonly code?: string | undefined;
    }
  /** The client was refused: no fault of the grant, and mended elsewhere. */
  | { readonly miss: "misconfigured"; readonly retryAt?: number | undefined; readonly code?: string | undefined };

/** How far apart two refusals must be for a suspected one to be believed. */
const suspicionSpan = 60_000;

/** The row after an attempt without tokens; where it has moved on, at most without the claim. `undefined`: nothing is to be written. */
export function missed(row: Row, held: Held, miss: Miss, now: number, policy: Policy, timing: Timing): Row | undefined {
  const rest = withoutClaim(row, held.holder);
  if (row.generation !== held.generation || row.state === "ended") return rest === row ? undefined : rest;
  const repeated = now - (row.suspected ?? now) >= suspicionSpan;
  if (miss.miss === "misconfigured") return rest === row ? undefined : rest;
  if (miss.miss === "refused" && (!miss.suspected || repeated))
    return refused(rest, refusalReason(row, miss.reason, now, policy), now);
  if (miss.miss === "lost" && policy.rotates && policy.lostResponse === "reauthorize")
    return refused(rest, "rotation_lost", now);
  const unanswered = miss.miss === "lost" || miss.miss === "server_error";
  const cause = miss.miss === "lost" ? "lost_answer" : "server_error";
  const doubt = policy.rotates && unanswered ? (row.doubt ?? { since: now, cause }) : row.doubt;
  const count = (row.failure?.count ?? 0) + 1;
  const suspected = miss.miss === "refused" ? (row.suspected ?? now) : row.suspected;
  const earliest = suspected === undefined ? 0 : suspected + suspicionSpan;
  return {
    ...rest,
    ...(doubt && { doubt }),
    ...(suspected !== undefined && { suspected }),
    failure: {
      at: now,
      count,
      retryAt: Math.max(now + pause(row, count, timing), miss.retryAt ?? 0, earliest),
      ...(miss.code !== undefined && { code: miss.code }),
    },
  };
}

function refused(row: Row, reason: ReauthorizeReason, now: number): Row {
  const { doubt: _doubt, failure: _failure, suspected: _suspected, ...rest } = row;
  // A row that was being let go has nothing left to let go of.
  return { ...rest, state: row.state === "ending" ? "ended" : "reauthorize", reason, since: now };
}

function refusalReason(row: Row, told: ReauthorizeReason | undefined, now: number, policy: Policy): ReauthorizeReason {
  if (row.doubt) return "rotation_lost";
  if (told && told !== "revoked") return told;
  const idle = now - (row.refresh?.usedAt ?? now) >= (policy.idleTimeout ?? Number.POSITIVE_INFINITY);
  return idle ? "idle_timeout" : (told ?? "revoked");
}

/** The pause before the next attempt: doubling, bounded, spread over the upper half. Never ends trying. */
function pause(row: Row, count: number, timing: Timing): number {
  const full = Math.min(timing.backoff.first * 2 ** Math.min(count - 1, 30), timing.backoff.longest);
  return Math.ceil(full * (0.5 + 0.5 * spread(`${row.id}:${count}`)));
}

/**
 * The row after something other than a renewal failed: to be tried again later.
 *
 * @param earliest - Not before then, as the server asked.
 */
export function postponed(row: Row, now: number, timing: Timing, earliest = 0): Row {
  const count = (row.failure?.count ?? 0) + 1;
  return { ...row, failure: { at: now, count, retryAt: Math.max(now + pause(row, count, timing), earliest) } };
}

/** How long a connection may stay pending: a day. */
export const longestPending = 86_400_000;

/** The pending row after the provider did not confirm it yet; ended, when its time is up. */
export function stillPending(row: Row, now: number, timing: Timing): Row {
  if (now - row.since <= longestPending) return postponed(row, now, timing);
  return moved(row, "ended", now, "expired");
}

/** The row with its consent to be looked at again at `checkAt`, since it is said to go on beyond its end, or nobody can be asked. */
export function recheck(row: Row, checkAt: number): Row {
  return row.consent ? { ...row, consent: { ...row.consent, checkAt } } : row;
}

/** The row after its claim was given back unused. */
export function withoutClaim(row: Row, holder: string): Row {
  if (row.claim?.holder !== holder) return row;
  const { claim: _claim, ...rest } = row;
  return rest;
}

/**
 * The row as over: by the user or the bank, learned elsewhere. Beats a renewal in flight.
 *
 * @param givenUp - Also where it is being let go of, which then is not tried any more.
 */
export function ended(row: Row, reason: ReauthorizeReason, now: number, givenUp = false): Row | undefined {
  if (row.state === "ended" || (row.state === "ending" && !givenUp)) return undefined;
  return moved(row, "ended", now, reason);
}

/** The row as being disconnected. */
export function ending(row: Row, now: number): Row {
  return row.state === "ending" ? row : moved(row, "ending", now);
}

/** The row as in need of the user. */
export function marked(row: Row, reason: ReauthorizeReason, now: number): Row | undefined {
  return row.state === "active" ? moved(row, "reauthorize", now, reason) : undefined;
}

function moved(row: Row, state: RowState, now: number, reason?: ReauthorizeReason): Row {
  const { claim: _claim, doubt: _doubt, failure: _failure, suspected: _suspected, reason: _reason, ...rest } = row;
  // What was known of a grant that is being let go still tells whether there is anything to revoke, and who presents it.
  const kept =
    state === "ending"
      ? {
          ...rest,
          ...(row.claim && { claim: row.claim }),
          ...(row.doubt && { doubt: row.doubt }),
          ...(row.reason && { reason: row.reason }),
        }
      : rest;
  return { ...kept, state, since: now, ...(reason && { reason }) };
}
