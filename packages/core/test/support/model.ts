import {
  claimed,
  type Decision,
  decide,
  extended,
  type Held,
  missed,
  unwatched,
  withoutClaim,
} from "../../src/lifecycle.ts";
import type { Policy, Timing } from "../../src/policy.ts";
import type { Row } from "../../src/record.ts";
import { granted } from "../../src/succession.ts";
import { freshRow } from "./rows.ts";

/**
 * A small world in which every interleaving is tried: holders that renew one row by the functions of `lifecycle.ts`, a
 * server, and what can go wrong. It performs what `renewal.ts` and `redemption.ts` perform, a step at a time; a step is what
 * a process does between two points at which another may act. Time is counted in ticks.
 */

/** `careless`: a rotating server, and holders that count time in which they did not look. */
export type ServerKind = "rotating" | "grace" | "fixed" | "careless";

export interface Budget {
  readonly holders: number;
  readonly crashes: number;
  readonly outages: number;
  readonly losses: number;
  readonly pauses: number;
  /** How often the token expires once more after it was renewed. */
  readonly expiries: number;
}

/** Lengths in ticks: a claim stands for 2, is left alone for 2 more where its token may be used up. */
export const ticks: Timing = {
  claimLength: 2,
  claimCap: 8,
  requestDeadline: 2,
  callDeadline: 8,
  doubtWait: 2,
  minValidity: 0,
  renewAhead: 0,
  backoff: { first: 1, longest: 1 },
  consentNotice: 0,
};

/** Of an access token: longer than any path through the worlds. */
const lifetime = 1_000_000;

export const policies: Readonly<Record<ServerKind, Policy>> = {
  rotating: { renewal: "refresh", rotates: true, lostResponse: "retry" },
  grace: { renewal: "refresh", rotates: true, reuseGrace: 1_000, lostResponse: "retry" },
  fixed: { renewal: "refresh", rotates: false, lostResponse: "retry" },
  careless: { renewal: "refresh", rotates: true, lostResponse: "retry" },
};

interface Tokens {
  readonly refreshToken: number;
  readonly issuedAt: number;
}

/** Where one holder is. */
export type Place =
  | { readonly at: "idle" }
  | {
      readonly at: "claimed";
      readonly held: Held;
      readonly token: number;
      readonly acknowledged: number;
      readonly doubt: boolean;
      readonly tries: number;
    }
  | {
      readonly at: "answered";
      readonly held: Held;
      readonly token: number;
      readonly answer: Tokens | "refused";
      readonly doubt: boolean;
      readonly since: number;
      readonly lostBefore: boolean;
    }
  | { readonly at: "done"; readonly outcome: "token" | "reauthorize" };

interface Holder {
  readonly place: Place;
  readonly paused: boolean;
  readonly seen?: Seen;
}

/** How a holder saw a claim: `claim.ts` keeps the same. */
interface Seen {
  readonly holder: string;
  readonly beat: number;
  readonly since: number;
  readonly from: number;
  readonly last: number;
}

export interface World {
  readonly now: number;
  readonly up: boolean;
  readonly row: Row;
  /** What is sealed in the row. */
  readonly grant: { readonly refreshToken: number; readonly spare?: number };
  readonly server: { readonly newest: number; readonly before: number; readonly dead: boolean };
  readonly holders: readonly Holder[];
  readonly left: {
    readonly crashes: number;
    readonly outages: number;
    readonly losses: number;
    readonly pauses: number;
    readonly expiries: number;
  };
  /** Answers with tokens that never reached their holder, or died with it. */
  readonly lost: number;
  /** Holders that were paused between an answer and its commit. */
  readonly frozen: number;
  /** Broken promises, if any. */
  readonly broken?: string;
}

export function beginning(budget: Budget): World {
  const row: Row = {
    ...freshRow,
    generation: 1,
    token: { issuedAt: -1_000, expiresAt: -1 },
    refresh: { fingerprint: "1", usedAt: -1_000 },
  };
  return {
    now: 0,
    up: true,
    row,
    grant: { refreshToken: 1 },
    server: { newest: 1, before: 0, dead: false },
    holders: Array.from({ length: budget.holders }, () => ({ place: { at: "idle" as const }, paused: false })),
    left: {
      crashes: budget.crashes,
      outages: budget.outages,
      losses: budget.losses,
      pauses: budget.pauses,
      expiries: budget.expiries,
    },
    lost: 0,
    frozen: 0,
  };
}

/** Every world that one step leads to. */
export function steps(world: World, kind: ServerKind): World[] {
  const next: World[] = [];
  world.holders.forEach((holder, index) => {
    const { place, paused } = holder;
    if (place.at === "done") return;
    const midway = place.at !== "idle";
    if (!paused) next.push(...act(world, index, kind));
    if (midway && world.left.crashes > 0) next.push(crash(world, index));
    if (midway && !paused && world.left.pauses > 0) next.push(pause(world, index));
    if (paused) next.push(put(world, index, { ...holder, paused: false }));
  });
  if (world.up && world.left.outages > 0)
    next.push({ ...world, up: false, left: { ...world.left, outages: world.left.outages - 1 } });
  if (!world.up) next.push({ ...world, up: true });
  if (world.left.expiries > 0 && world.row.generation > 1 && world.row.state === "active") next.push(expire(world));
  if (!world.up || !world.holders.some(saves)) next.push(tick(world));
  return next;
}

/** Tokens in the hand of a holder that lives are saved before time passes, where the store answers: saves are tried often. */
function saves({ place, paused }: Holder): boolean {
  return !paused && place.at === "answered" && place.answer !== "refused";
}

/** A tick: time passes, and every claim whose holder lives is kept alive, where the store answers. */
function tick(world: World): World {
  let after: World = { ...world, now: world.now + 1 };
  world.holders.forEach((holder, index) => {
    const { place } = holder;
    if (holder.paused || !world.up || (place.at !== "claimed" && place.at !== "answered")) return;
    const row = extended(after.row, place.held.holder, after.now, ticks);
    if (!row) return;
    after = { ...after, row };
    if (place.at === "claimed") after = put(after, index, { ...holder, place: { ...place, acknowledged: after.now } });
  });
  return after;
}

function act(world: World, index: number, kind: ServerKind): World[] {
  const { place } = world.holders[index] as Holder;
  switch (place.at) {
    case "idle":
      return world.up ? look(world, index, kind) : [];
    case "claimed":
      return send(world, index, kind);
    case "answered":
      return world.up ? settle(world, index, kind) : [];
    case "done":
      return [];
  }
}

function look(world: World, index: number, kind: ServerKind): World[] {
  const holder = world.holders[index] as Holder;
  const { claim } = world.row;
  const seen = claim && see(holder.seen, claim, world.now);
  const from = kind === "careless" ? seen?.since : seen?.from;
  const watch = seen ? { silence: world.now - seen.since, watched: world.now - (from ?? world.now) } : unwatched;
  const decision: Decision = decide(world.row, { now: world.now, purpose: "use", watch }, policies[kind], ticks);
  const { seen: _seen, ...rest } = holder;
  const watching: Holder = { ...rest, ...(seen && { seen }) };
  switch (decision.do) {
    case "use":
      return [put(world, index, { ...watching, place: { at: "done", outcome: "token" } })];
    case "fail":
      if (decision.fault.kind === "reauthorize")
        return [put(world, index, { ...watching, place: { at: "done", outcome: "reauthorize" } })];
      return [put(world, index, watching)];
    case "wait":
      return [put(world, index, watching)];
    case "claim": {
      // Unique per claim and free of who holds it, so that holders can change places.
      const name = `${world.row.generation}.${world.row.claims}`;
      const row = claimed(world.row, { holder: name, now: world.now, doubt: decision.doubt }, ticks);
      const presenting = row.claim?.presenting;
      const held: Held = { holder: name, generation: row.generation, number: row.claims, presenting };
      const place: Place = {
        at: "claimed",
        held,
        token: world.grant.refreshToken,
        acknowledged: world.now,
        doubt: row.doubt !== undefined,
        tries: 0,
      };
      return [put({ ...world, row }, index, { ...watching, place })];
    }
  }
}

function see(before: Seen | undefined, { holder, beat }: { holder: string; beat: number }, now: number): Seen {
  const same = before?.holder === holder && before.beat === beat ? before : undefined;
  const gap = same === undefined || now - same.last > ticks.claimLength / 2;
  return { holder, beat, since: same?.since ?? now, from: gap ? now : (same?.from ?? now), last: now };
}

/** Presents the token, where the claim is young enough or can be made so; the answer arrives, or is lost. */
function send(world: World, index: number, kind: ServerKind): World[] {
  const holder = world.holders[index] as Holder;
  const place = holder.place as Extract<Place, { at: "claimed" }>;
  let before = world;
  let { acknowledged } = place;
  if (world.now - place.acknowledged > ticks.claimLength / 2) {
    const extension = world.up ? extended(world.row, place.held.holder, world.now, ticks) : undefined;
    const row = extension?.generation === place.held.generation ? extension : undefined;
    // Too late: somebody else may be presenting the token. What was lost before is known to have been lost.
    if (!row)
      return [
        put(place.tries > 0 ? inDoubt(world, place, kind) : given(world, place), index, {
          ...holder,
          place: { at: "idle" },
        }),
      ];
    before = { ...world, row };
    acknowledged = world.now;
  }
  const doubt = place.doubt || place.tries > 0;
  const { world: presented, answer } = present(before, place.token, doubt, kind);
  const arrived = put(presented, index, {
    ...holder,
    place: {
      at: "answered",
      held: place.held,
      token: place.token,
      answer,
      doubt,
      since: world.now,
      lostBefore: place.tries > 0,
    },
  });
  if (world.left.losses === 0 || answer === "refused") return [arrived];
  const less: World = {
    ...presented,
    left: { ...presented.left, losses: presented.left.losses - 1 },
    lost: presented.lost + 1,
  };
  const again: World =
    place.tries === 0
      ? put(less, index, { ...holder, place: { ...place, tries: 1, acknowledged } })
      : put(inDoubt(less, place, kind), index, { ...holder, place: { at: "idle" } });
  return [arrived, again];
}

/** What the server does with a refresh token. */
function present(
  world: World,
  token: number,
  doubt: boolean,
  kind: ServerKind,
): { world: World; answer: Tokens | "refused" } {
  const { newest, before, dead } = world.server;
  const issuedAt = world.now;
  if (kind === "fixed") return { world, answer: { refreshToken: token, issuedAt } };
  if (dead) return { world, answer: "refused" };
  if (token === newest) {
    const server = { newest: newest + 1, before: newest, dead };
    return { world: { ...world, server }, answer: { refreshToken: newest + 1, issuedAt } };
  }
  if (kind === "grace" && token === before)
    return { world: checked(world, doubt), answer: { refreshToken: newest, issuedAt } };
  return { world: { ...checked(world, doubt), server: { newest, before, dead: true } }, answer: "refused" };
}

/** A token that may rotate is presented once outside doubt. */
function checked(world: World, doubt: boolean): World {
  return doubt || world.broken ? world : { ...world, broken: "a spent token was presented outside doubt" };
}

/** Commits tokens; or, for a refusal, looks again, watches for a claim's length, tries the spare, and marks. */
function settle(world: World, index: number, kind: ServerKind): World[] {
  const holder = world.holders[index] as Holder;
  const place = holder.place as Extract<Place, { at: "answered" }>;
  const idle: Holder = { place: { at: "idle" }, paused: false };
  if (place.answer !== "refused") return [put(commit(world, place, place.answer, kind), index, idle)];
  if (world.row.generation !== place.held.generation || world.row.state !== "active")
    return [put(given(world, place), index, idle)];
  if (world.now - place.since < ticks.claimLength) return [];
  const { spare } = world.grant;
  if (spare !== undefined && spare !== place.token) {
    const { world: presented, answer } = present(world, spare, true, kind);
    const since = world.now - ticks.claimLength;
    return [put(presented, index, { ...holder, place: { ...place, token: spare, answer, since } })];
  }
  const reason = place.lostBefore ? ("rotation_lost" as const) : undefined;
  const row = missed(world.row, place.held, { miss: "refused", reason }, world.now, policies[kind], ticks);
  return [put(row ? { ...world, row } : world, index, idle)];
}

function commit(world: World, { held, token }: { held: Held; token: number }, tokens: Tokens, kind: ServerKind): World {
  const received = {
    issuedAt: tokens.issuedAt,
    expiresAt: tokens.issuedAt + lifetime,
    fingerprint: String(tokens.refreshToken),
  };
  const outcome = granted(world.row, held, received, policies[kind]);
  switch (outcome.keep) {
    case "received": {
      const unused = world.grant.spare === token ? undefined : world.grant.spare;
      const spare = outcome.spare ? world.grant.refreshToken : unused;
      return {
        ...world,
        row: outcome.row,
        grant: { refreshToken: tokens.refreshToken, ...(spare !== undefined && { spare }) },
      };
    }
    case "spare":
      return { ...world, row: outcome.row, grant: { ...world.grant, spare: tokens.refreshToken } };
    case "row":
      return { ...world, row: outcome.row };
    default:
      return world;
  }
}

function given(world: World, { held }: { held: Held }): World {
  return world.up ? { ...world, row: withoutClaim(world.row, held.holder) } : world;
}

function inDoubt(world: World, { held }: { held: Held }, kind: ServerKind): World {
  const row = world.up ? missed(world.row, held, { miss: "lost" }, world.now, policies[kind], ticks) : undefined;
  return row ? { ...world, row } : world;
}

function crash(world: World, index: number): World {
  const { place } = world.holders[index] as Holder;
  const died = place.at === "answered" && place.answer !== "refused";
  const after = put(world, index, { place: { at: "idle" }, paused: false });
  return { ...after, left: { ...world.left, crashes: world.left.crashes - 1 }, lost: world.lost + (died ? 1 : 0) };
}

function pause(world: World, index: number): World {
  const holder = world.holders[index] as Holder;
  const frozen = holder.place.at === "answered" && holder.place.answer !== "refused";
  const after = put(world, index, { ...holder, paused: true });
  return { ...after, left: { ...world.left, pauses: world.left.pauses - 1 }, frozen: world.frozen + (frozen ? 1 : 0) };
}

/** The row's access token is over, and those who had one want the next. */
function expire(world: World): World {
  const { token } = world.row;
  const holders = world.holders.map((holder) =>
    holder.place.at === "done" && holder.place.outcome === "token"
      ? { ...holder, place: { at: "idle" as const } }
      : holder,
  );
  const row = { ...world.row, ...(token && { token: { ...token, expiresAt: -1 } }) };
  return { ...world, row, holders, left: { ...world.left, expiries: world.left.expiries - 1 } };
}

function put(world: World, index: number, holder: Holder): World {
  return { ...world, holders: world.holders.with(index, holder) };
}
