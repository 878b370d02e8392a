import type { Held } from "../../src/lifecycle.ts";
import { type Place, ticks, type World } from "./model.ts";

/** Names for the worlds of `model.ts`, so that each is gone through once. */

/** How old a thing can grow until its age makes no difference any more: each is compared with nothing longer. */
const oldest = {
  /** A claim is made young again before a request, where it was acknowledged longer ago than half its length. */
  acknowledged: ticks.claimLength / 2 + 1,
  /** A refusal is watched for a claim's length. */
  refused: ticks.claimLength,
  /** Silence is compared with a claim's length and the wait in doubt. */
  silence: ticks.claimLength + ticks.doubtWait,
  /** A look is followed by the next one in time, or there is a gap. */
  look: ticks.claimLength / 2 + 1,
};

/**
 * A name that two worlds share where nothing that can follow tells them apart: waits count by their age, access tokens by which
 * is older, as claims do, generations and refresh tokens by how far behind the newest they are, beats by whether they were seen, and
 * holders by where they are and not by who they are. Short, as there are millions.
 */
export function nameOf(world: World): string {
  const { now, up, row, grant, server, holders, left, lost, frozen } = world;
  const { claim, lineage } = row;
  const relative = relations(world);
  const places = holders.map(({ place, paused, seen }) => {
    const watched =
      claim && seen?.holder === claim.holder && seen.beat === claim.beat
        ? `${age(now, seen.since, oldest.silence)},${age(now, seen.from, oldest.silence)},${age(now, seen.last, oldest.look)}`
        : "";
    const claims = place.at !== "idle" && place.at !== "done" && place.held.holder === claim?.holder;
    return `${nameOfPlace(place, now, relative)};${flag(claims)}${flag(paused)};${watched}`;
  });
  return [
    `${flag(up)}${flag(lost > 0)}${flag(frozen > 0)}${flag(row.generation > 1)}${flag(server.dead)}`,
    `${claim && relative.token(Number(claim.presenting))},${row.state},${row.reason},${lineage && row.generation - lineage.generation},${row.doubt?.cause}`,
    `${row.token && relative.issued(row.token.issuedAt)},${flag(row.token?.expiresAt === -1)},${Math.max((row.failure?.retryAt ?? 0) - now, 0)}`,
    `${relative.token(grant.refreshToken)},${relative.token(grant.spare)},${relative.token(server.before)}`,
    ...places.sort(),
    `${left.crashes},${left.outages},${left.losses},${left.pauses},${left.expiries}`,
  ].join("|");
}

function nameOfPlace(place: Place, now: number, relative: Relations): string {
  if (place.at === "idle") return "i";
  if (place.at === "done") return `d${place.outcome}`;
  const { held, doubt } = place;
  const presenting = relative.token(Number(held.presenting));
  const holding = `${relative.claim(held)},${presenting},${relative.token(place.token)},${flag(doubt)}`;
  if (place.at === "claimed") return `c${holding},${age(now, place.acknowledged, oldest.acknowledged)},${place.tries}`;
  const { answer, since, lostBefore } = place;
  const said =
    answer === "refused"
      ? `no,${age(now, since, oldest.refused)},${flag(lostBefore)}`
      : `${relative.token(answer.refreshToken)},${relative.issued(answer.issuedAt)}`;
  return `a${holding},${said}`;
}

const age = (now: number, at: number, limit: number): number => Math.min(now - at, limit);

interface Relations {
  token(one: number | undefined): number | "";
  issued(at: number): number;
  claim(held: Held): string;
}

function relations({ now, row, server, holders }: World): Relations {
  const issued = [now, row.token?.issuedAt ?? now];
  const claims = [{ generation: row.generation, number: row.claims }];
  if (row.lineage) claims.push({ generation: row.lineage.generation, number: row.lineage.claim });
  for (const { place } of holders) {
    if (place.at === "claimed" || place.at === "answered") claims.push(place.held);
    if (place.at === "answered" && place.answer !== "refused") issued.push(place.answer.issuedAt);
  }
  return {
    token: (one) => (one === undefined ? "" : server.newest - one),
    issued: (at) => issued.filter((other) => other > at).length,
    claim: ({ generation, number }) => {
      const later = claims.filter((other) => other.generation === generation && other.number > number);
      return `${row.generation - generation},${later.length}`;
    },
  };
}

const flag = (is: boolean): number => (is ? 1 : 0);
