import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import {
  type Ask,
  aheadAt,
  claimed,
  decide,
  ended,
  ending,
  extended,
  type Held,
  type Miss,
  marked,
  missed,
  recheck,
  renewable,
  stillPending,
  unwatched,
  usable,
  withoutClaim,
} from "../src/lifecycle.ts";
import { defaultTiming, type Policy } from "../src/policy.ts";
import type { Row } from "../src/record.ts";
import { applicationPolicy } from "../src/registration.ts";
import { granted, type Received } from "../src/succession.ts";
import { freshRow as fresh, issued as now } from "./support/rows.ts";

/** Every situation of a row and every outcome, by name. The tables of docs/renewal.md are made of these, and compared. */

const rotating: Policy = { renewal: "refresh", rotates: true, lostResponse: "retry" };
const fixed: Policy = { renewal: "refresh", rotates: false, lostResponse: "retry", idleTimeout: 30 * 86_400_000 };
const forgiving: Policy = { ...rotating, reuseGrace: 30_000 };
const none: Policy = { renewal: "none", rotates: false, lostResponse: "retry" };

const old: Row = { ...fresh, token: { issuedAt: now - 301_000, expiresAt: now - 1_000 } };
const claim = { holder: "h", number: 1, beat: 3, until: now + 4_000, presenting: "five" };
const seconds = (silence: number, watched = silence) => ({
  watch: { silence: silence * 1000, watched: watched * 1000 },
});

const others = { one: { issuedAt: now, expiresAt: now + 300_000, generation: 5 } };
/** Its newest generation came with a token for one resource; the default token is older. */
const partly: Row = { ...fresh, others, token: { issuedAt: now, expiresAt: now + 300_000, generation: 4 } };

type Situation = readonly [name: string, row: Row, ask: Partial<Ask>, policy: Policy, decision: string];

const situations: readonly Situation[] = [
  ["fresh", fresh, {}, rotating, "use"],
  ["valid, lifetime unknown", { ...fresh, token: { issuedAt: 0 } }, {}, rotating, "use"],
  [
    "renewable ahead",
    { ...fresh, token: { issuedAt: now - 275_000, expiresAt: now + 25_000 } },
    {},
    rotating,
    "use, renew ahead",
  ],
  [
    "renewable ahead, somebody renews",
    { ...fresh, claim, token: { issuedAt: now - 275_000, expiresAt: now + 25_000 } },
    {},
    rotating,
    "use",
  ],
  [
    "renewable ahead, the last attempt failed",
    {
      ...fresh,
      token: { issuedAt: now - 275_000, expiresAt: now + 25_000 },
      failure: { at: now, count: 1, retryAt: now + 5 },
    },
    {},
    rotating,
    "use",
  ],
  ["valid, but not for as long as asked", fresh, { minValidity: 299_999 }, rotating, "use"],
  ["valid, refused by the API", fresh, { refused: 5 }, rotating, "claim"],
  ["an older generation was refused", fresh, { refused: 4 }, rotating, "use"],
  ["valid, grant refused", { ...fresh, state: "reauthorize", reason: "revoked" }, {}, rotating, "use"],
  ["fresh, a token for one resource is wanted and there is none", fresh, { audience: "one" }, rotating, "claim"],
  ["expired, the token wanted is for one resource and fresh", { ...old, others }, { audience: "one" }, rotating, "use"],
  ["fresh, the token wanted was refused, and another came since", partly, { refused: 4 }, rotating, "claim"],
  ["expired", old, {}, rotating, "claim"],
  ["expired, the application's own", { ...old, kind: "application" }, {}, applicationPolicy, "claim"],
  [
    "no token yet, the application's own",
    { ...old, kind: "application", generation: 0, token: undefined as never },
    {},
    applicationPolicy,
    "claim",
  ],
  ["expired, nothing renews it", { ...old, refresh: undefined as never }, {}, none, "fail reauthorize expired, mark"],
  [
    "expired, grant refused",
    { ...old, state: "reauthorize", reason: "revoked" },
    {},
    rotating,
    "fail reauthorize revoked",
  ],
  ["expired, claimed by another who lives", { ...old, claim }, seconds(2), rotating, "wait"],
  ["expired, claimed, seen for the first time", { ...old, claim }, { watch: unwatched }, rotating, "wait"],
  ["expired, claim silent for long, not watched", { ...old, claim }, seconds(500, 0), rotating, "wait"],
  ["claim lapsed, token fixed", { ...old, claim }, seconds(6), fixed, "claim"],
  ["claim lapsed, token rotates", { ...old, claim }, seconds(6), rotating, "fail retry +60 s"],
  [
    "claim lapsed a minute ago, token rotates",
    { ...old, claim },
    seconds(66),
    rotating,
    "claim in doubt: lapsed_claim",
  ],
  [
    "a lapsed claim is on the token before, which a slow answer succeeded",
    { ...old, claim: { ...claim, presenting: "four" } },
    seconds(6),
    rotating,
    "claim",
  ],
  ["claim lapsed, the server forgives", { ...old, claim }, seconds(6), forgiving, "claim in doubt: lapsed_claim"],
  [
    "expired, an answer was lost",
    { ...old, doubt: { since: 0, cause: "lost_answer" } },
    {},
    rotating,
    "claim in doubt: lost_answer",
  ],
  [
    "expired, the last attempt failed a moment ago",
    { ...old, failure: { at: now, count: 1, retryAt: now + 7_000 } },
    {},
    rotating,
    "fail retry +7 s",
  ],
  [
    "pending",
    { ...fresh, state: "pending", failure: { at: now, count: 1, retryAt: now + 7_000 } },
    {},
    rotating,
    "fail retry +7 s",
  ],
  ["ending", { ...fresh, state: "ending" }, {}, rotating, "fail gone disconnected"],
  ["ending, a token for revoking", { ...fresh, state: "ending" }, { purpose: "revoke" }, rotating, "use"],
  ["ending, expired, a token for revoking", { ...old, state: "ending" }, { purpose: "revoke" }, rotating, "claim"],
  [
    "ending, refused before, a token for revoking",
    { ...old, state: "ending", reason: "revoked" },
    { purpose: "revoke" },
    rotating,
    "fail reauthorize revoked",
  ],
  ["ended", { ...fresh, state: "ended", reason: "consent_ended" }, {}, rotating, "fail reauthorize consent_ended"],
  [
    "valid, nothing renews it, more validity asked",
    { ...fresh, token: { issuedAt: now - 200_000, expiresAt: now + 100_000 } },
    { minValidity: 150_000 },
    none,
    "fail reauthorize expired",
  ],
  ["valid, nothing renews it, one for a resource asked", fresh, { audience: "two" }, none, "fail permission"],
];

function named(row: Row, ask: Partial<Ask>, policy: Policy): string {
  const decision = decide(row, { now, purpose: "use", watch: unwatched, ...ask }, policy, defaultTiming);
  switch (decision.do) {
    case "use":
      return decision.ahead ? "use, renew ahead" : "use";
    case "claim":
      return decision.doubt ? `claim in doubt: ${decision.doubt}` : "claim";
    case "wait":
      return "wait";
    case "fail": {
      const { fault } = decision;
      const what =
        "reason" in fault ? ` ${fault.reason}` : "retryAt" in fault ? ` +${(fault.retryAt - now) / 1000} s` : "";
      return `fail ${fault.kind}${what}${decision.mark ? ", mark" : ""}`;
    }
  }
}

test.each(situations)("decide: %s", (_name, row, ask, policy, decision) => {
  expect(named(row, ask, policy)).toBe(decision);
});

const held: Held = { holder: "h", generation: 5, number: 1, presenting: "five" };
const received: Received = { issuedAt: now, expiresAt: now + 300_000, fingerprint: "six" };
const mine: Row = { ...old, claim, claims: 1 };
const taken: Row = { ...mine, claim: { ...claim, holder: "other" } };
/** The row after claim 1 on generation 5 brought tokens. */
const succeeded: Row = {
  ...fresh,
  generation: 6,
  lineage: { generation: 5, claim: 1 },
  refresh: { fingerprint: "six", usedAt: now },
};

type Arrival = readonly [name: string, row: Row, held: Held, received: Received, policy: Policy, kept: string];
const arrivals: readonly Arrival[] = [
  ["the claimed generation stands", mine, held, received, rotating, "received: active, generation 6"],
  [
    "… although the claim lapsed and is another's, which stands",
    taken,
    held,
    received,
    rotating,
    "received: active, generation 6, claimed still",
  ],
  [
    "… although it was marked meanwhile: it heals",
    { ...mine, state: "reauthorize", reason: "revoked" },
    held,
    received,
    rotating,
    "received: active, generation 6",
  ],
  [
    "… although it is being disconnected",
    { ...mine, state: "ending" },
    held,
    received,
    rotating,
    "received: ending, generation 6",
  ],
  ["the same answer was written before", succeeded, held, received, rotating, "written"],
  [
    "an earlier claim's answer stands",
    succeeded,
    { ...held, number: 2 },
    { ...received, fingerprint: "six-b" },
    rotating,
    "received, the other as spare: active, generation 7",
  ],
  [
    "a later claim's answer stands",
    { ...succeeded, lineage: { generation: 5, claim: 2 } },
    held,
    { ...received, fingerprint: "six-b" },
    rotating,
    "spare",
  ],
  [
    "an earlier claim's answer stands and is being presented",
    { ...succeeded, claim: { ...claim, holder: "other" } },
    { ...held, number: 2 },
    { ...received, fingerprint: "six-b" },
    rotating,
    "spare, claimed still",
  ],
  [
    "the row moved on twice",
    { ...succeeded, generation: 7, lineage: { generation: 6, claim: 1 } },
    held,
    { ...received, fingerprint: "six-b" },
    rotating,
    "spare",
  ],
  ["a replay of what the row holds", { ...succeeded, claim }, { ...held, number: 2 }, received, rotating, "row"],
  [
    "the row moved on, but holds what was presented",
    {
      ...succeeded,
      generation: 7,
      lineage: { generation: 5, claim: 2 },
      refresh: { fingerprint: "five", usedAt: now },
    },
    held,
    received,
    rotating,
    "received: active, generation 8",
  ],
  [
    "succeeded, token fixed, ours lives longer",
    { ...succeeded, refresh: { fingerprint: "five", usedAt: now } },
    { ...held, number: 2 },
    { ...received, expiresAt: now + 400_000, fingerprint: "five" },
    fixed,
    "received: active, generation 7",
  ],
  [
    "succeeded, token fixed, ours ends sooner",
    { ...succeeded, refresh: { fingerprint: "five", usedAt: now } },
    { ...held, number: 2 },
    { ...received, expiresAt: now + 200_000, fingerprint: "five" },
    fixed,
    "row",
  ],
  [
    "succeeded, token fixed, both end at once",
    { ...succeeded, refresh: { fingerprint: "five", usedAt: now } },
    { ...held, number: 2 },
    { ...received, fingerprint: "five" },
    fixed,
    "row",
  ],
  [
    "connected again since",
    { ...fresh, generation: 6, granted: { generation: 6, at: now }, refresh: { fingerprint: "new", usedAt: now } },
    held,
    received,
    rotating,
    "row",
  ],
  [
    "connected again since, with the refresh token that was presented kept",
    { ...mine, generation: 6, granted: { generation: 6, at: now } },
    held,
    received,
    rotating,
    "received: active, generation 7",
  ],
  ["ended since", { ...mine, state: "ended", reason: "consent_ended" }, held, received, rotating, "nothing: revoked"],
];

function kept(row: Row, by: Held, tokens: Received, policy: Policy): string {
  const outcome = granted(row, by, tokens, policy);
  if (outcome.keep === "nothing") return "nothing: revoked";
  if (outcome.keep === "written") return "written";
  const still = outcome.row.claim ? ", claimed still" : "";
  if (outcome.keep !== "received") return `${outcome.keep}${still}`;
  const { state, generation } = outcome.row;
  return `received${outcome.spare ? ", the other as spare" : ""}: ${state}, generation ${generation}${still}`;
}

test.each(arrivals)("tokens come: %s", (_name, row, by, tokens, policy, expected) => {
  expect(kept(row, by, tokens, policy)).toBe(expected);
});

type Mishap = readonly [name: string, row: Row, miss: Miss, policy: Policy, after: string];
const mishaps: readonly Mishap[] = [
  ["refused", mine, { miss: "refused" }, rotating, "reauthorize revoked"],
  [
    "refused, for a reason of the provider's",
    mine,
    { miss: "refused", reason: "consent_ended" },
    rotating,
    "reauthorize consent_ended",
  ],
  [
    "refused in doubt",
    { ...mine, doubt: { since: 0, cause: "lapsed_claim" } },
    { miss: "refused" },
    rotating,
    "reauthorize rotation_lost",
  ],
  [
    "refused after the idle timeout",
    { ...mine, refresh: { fingerprint: "five", usedAt: now - 31 * 86_400_000 } },
    { miss: "refused" },
    fixed,
    "reauthorize idle_timeout",
  ],
  ["refused while being let go of", { ...mine, state: "ending" }, { miss: "refused" }, rotating, "ended revoked"],
  [
    "refused in a way not to be believed alone",
    mine,
    { miss: "refused", suspected: true },
    fixed,
    "active, again in 60 s",
  ],
  [
    "… a second time, a minute later",
    { ...mine, suspected: now - 60_000 },
    { miss: "refused", suspected: true },
    fixed,
    "reauthorize revoked",
  ],
  ["nothing was sent", mine, { miss: "unsent" }, rotating, "active, again in 1 s"],
  ["429 or 503", mine, { miss: "declined", retryAt: now + 30_000 }, rotating, "active, again in 30 s"],
  ["5xx, token rotates", mine, { miss: "server_error" }, rotating, "active, in doubt: server_error, again in 1 s"],
  ["5xx, token fixed", mine, { miss: "server_error" }, fixed, "active, again in 1 s"],
  ["answer lost, token rotates", mine, { miss: "lost" }, rotating, "active, in doubt: lost_answer, again in 1 s"],
  [
    "answer lost, the provider says not to try again",
    mine,
    { miss: "lost" },
    { ...rotating, lostResponse: "reauthorize" },
    "reauthorize rotation_lost",
  ],
  ["answer lost, token fixed", mine, { miss: "lost" }, fixed, "active, again in 1 s"],
  [
    "5xx, the provider says not to try again after a lost answer",
    mine,
    { miss: "server_error" },
    { ...rotating, lostResponse: "reauthorize" },
    "active, in doubt: server_error, again in 1 s",
  ],
  [
    "answer lost, the provider says not to try again, token fixed",
    mine,
    { miss: "lost" },
    { ...fixed, lostResponse: "reauthorize" },
    "active, again in 1 s",
  ],
  ["the client was refused", mine, { miss: "misconfigured" }, rotating, "active"],
  ["the client was refused, and the claim is another's", taken, { miss: "misconfigured" }, rotating, "unchanged"],
  ["somebody else succeeded meanwhile", succeeded, { miss: "refused" }, rotating, "unchanged"],
  [
    "somebody else succeeded meanwhile, and our claim stands",
    { ...succeeded, claim },
    { miss: "refused" },
    rotating,
    "active",
  ],
  ["ended meanwhile", { ...old, state: "ended" }, { miss: "lost" }, rotating, "unchanged"],
];

function after(row: Row, miss: Miss, policy: Policy): string {
  const next = missed(row, held, miss, now, policy, defaultTiming);
  if (!next) return "unchanged";
  const wait = next.failure && Math.ceil((next.failure.retryAt - now) / 1000);
  return [
    [next.state, next.reason].filter(Boolean).join(" "),
    next.doubt && `in doubt: ${next.doubt.cause}`,
    wait !== undefined && `again in ${wait} s`,
  ]
    .filter(Boolean)
    .join(", ");
}

test.each(mishaps)("no tokens come: %s", (_name, row, miss, policy, expected) => {
  expect(after(row, miss, policy)).toBe(expected);
  const next = missed(row, held, miss, now, policy, defaultTiming);
  expect(next?.claim?.holder).not.toBe("h");
  if (next) expect(next.grant).toBe(row.grant);
});

test("docs/renewal.md holds these tables", () => {
  const file = fileURLToPath(new URL("../../../docs/renewal.md", import.meta.url));
  const table = (head: string, rows: readonly (readonly [string, string])[]) =>
    [`| ${head} | then |`, "|---|---|", ...rows.map(([name, then]) => `| ${name} | ${then} |`)].join("\n");
  const tables = {
    situations: table(
      "a token is wanted, and the row is",
      situations.map(([name, , , , then]) => [name, then]),
    ),
    arrivals: table(
      "tokens come, and",
      arrivals.map(([name, , , , , then]) => [name, then]),
    ),
    mishaps: table(
      "no tokens come:",
      mishaps.map(([name, , , , then]) => [name, then]),
    ),
  };
  let text = readFileSync(file, "utf8");
  for (const [name, made] of Object.entries(tables))
    text = text.replace(
      new RegExp(`(<!-- ${name} -->\n)[\\s\\S]*?(\n<!-- /${name} -->)`),
      (_, begin, end) => `${begin}${made}${end}`,
    );
  if (process.env.UPDATE_DOCS) writeFileSync(file, text);
  expect(readFileSync(file, "utf8")).toBe(text);
});

test("a claim counts within its generation, is extended by its holder alone, and given back by it alone", () => {
  const first = claimed(old, { holder: "a", now }, defaultTiming);
  expect(first.claim).toEqual({ holder: "a", number: 1, beat: 0, until: now + 6_000, presenting: "five" });
  expect(claimed(first, { holder: "b", now }, defaultTiming).claim?.number).toBe(2);
  expect(extended(first, "a", now + 2_000, defaultTiming)?.claim).toMatchObject({ beat: 1, until: now + 8_000 });
  expect(extended(first, "b", now, defaultTiming)).toBeUndefined();
  expect(extended(old, "a", now, defaultTiming)).toBeUndefined();
  expect(withoutClaim(first, "b")).toBe(first);
  expect(withoutClaim(first, "a").claim).toBeUndefined();
});

test("G18 a claim in doubt says since when, and why; the first cause stands", () => {
  const doubted = claimed(old, { holder: "a", now, doubt: "lapsed_claim" }, defaultTiming);
  expect(doubted.doubt).toEqual({ since: now, cause: "lapsed_claim" });
  const again = claimed(doubted, { holder: "b", now: now + 1, doubt: "lost_answer" }, defaultTiming);
  expect(again.doubt).toEqual({ since: now, cause: "lapsed_claim" });
});

test("G52 a token serves while more of it is left than is needed, and of a short one a twentieth is enough", () => {
  const left = (milliseconds: number, lifetime: number): Row => ({
    ...fresh,
    token: { issuedAt: now + milliseconds - lifetime, expiresAt: now + milliseconds },
  });
  const serves = (row: Row, minValidity?: number) => usable(row, { now, minValidity }, defaultTiming);
  expect([serves(left(10_001, 3_600_000), 10_000), serves(left(10_000, 3_600_000), 10_000)]).toEqual([true, false]);
  expect([serves(left(3_001, 60_000)), serves(left(3_000, 60_000))]).toEqual([true, false]);
});

test("what nothing renews, and what has no token yet, is never renewed ahead", () => {
  expect([renewable(fresh, rotating), renewable(fresh, none)]).toEqual([true, false]);
  const { token: _, ...without } = fresh;
  expect(aheadAt(without, defaultTiming)).toBe(Number.POSITIVE_INFINITY);
});

test("an end is final, and told once", () => {
  const over = ended(fresh, "consent_ended", now);
  expect(over).toMatchObject({ state: "ended", reason: "consent_ended", since: now });
  expect(ended(over as Row, "revoked", now)).toBeUndefined();
  expect(ended(ending(fresh, now), "revoked", now)).toBeUndefined();
  expect(ending(ending(fresh, 1), 2).since).toBe(1);
});

test("pending does not last for ever", () => {
  const pending: Row = { ...fresh, state: "pending", since: now };
  expect(stillPending(pending, now + 1_000, defaultTiming)).toMatchObject({ state: "pending", failure: { count: 1 } });
  expect(stillPending(pending, now + 86_400_001, defaultTiming)).toMatchObject({ state: "ended", reason: "expired" });
});

test("a mark is for active rows alone, and keeps the grant", () => {
  const row = marked({ ...mine, grant: "sealed" }, "expired", now);
  expect(row).toMatchObject({ state: "reauthorize", reason: "expired", since: now, grant: "sealed" });
  expect([row?.claim, row?.failure]).toEqual([undefined, undefined]);
  for (const state of ["pending", "reauthorize", "ending", "ended"] as const)
    expect(marked({ ...fresh, state }, "expired", now)).toBeUndefined();
});

test("a row that is being let go of keeps what is known of its grant; one that ended does not", () => {
  const doubt = { since: 1, cause: "lost_answer" } as const;
  expect(ending({ ...mine, doubt, state: "reauthorize", reason: "revoked" }, now)).toMatchObject({
    state: "ending",
    doubt,
    reason: "revoked",
    since: now,
  });
  const plain = ending(fresh, now);
  expect("doubt" in plain || "reason" in plain || "claim" in plain).toBe(false);
  const over = ended({ ...mine, doubt }, "consent_ended", now);
  expect(over && "doubt" in over).toBe(false);
});

test("a failure keeps its code, counts on, and adds nothing that is not there", () => {
  const once = missed(mine, held, { miss: "unsent", code: "ECONNREFUSED" }, now, rotating, defaultTiming);
  expect(once?.failure).toMatchObject({ at: now, count: 1, code: "ECONNREFUSED" });
  expect(once && ["doubt" in once, "suspected" in once]).toEqual([false, false]);
  const twice = missed(
    { ...mine, failure: { at: 0, count: 4, retryAt: 0 } },
    held,
    { miss: "unsent" },
    now,
    rotating,
    defaultTiming,
  );
  expect(twice?.failure?.count).toBe(5);
  expect(twice?.failure && "code" in twice.failure).toBe(false);
});

test("a suspicion holds for a minute, to the millisecond", () => {
  const doubted = (since: number) =>
    missed({ ...mine, suspected: now - since }, held, { miss: "refused", suspected: true }, now, fixed, defaultTiming);
  expect(doubted(59_999)?.state).toBe("active");
  expect(doubted(59_999)?.suspected).toBe(now - 59_999);
  expect(doubted(60_000)?.state).toBe("reauthorize");
  expect(missed(mine, held, { miss: "refused", suspected: true }, now, fixed, defaultTiming)?.suspected).toBe(now);
});

test("what the provider says of a refusal goes before what the clock says, unless it only says no", () => {
  const idle = { ...mine, refresh: { fingerprint: "five", usedAt: now - 30 * 86_400_000 } };
  const reason = (row: Row, told?: "revoked" | "consent_ended", policy = fixed) =>
    missed(row, held, { miss: "refused", reason: told }, now, policy, defaultTiming)?.reason;
  expect(reason(idle)).toBe("idle_timeout");
  expect(reason(idle, "revoked")).toBe("idle_timeout");
  expect(reason(idle, "consent_ended")).toBe("consent_ended");
  expect(reason({ ...idle, refresh: { fingerprint: "five", usedAt: now - 30 * 86_400_000 + 1 } })).toBe("revoked");
  expect(reason(idle, undefined, rotating)).toBe("revoked");
  expect(reason({ ...mine, refresh: undefined as never })).toBe("revoked");
});

test("a pending row without a look yet is asked about at once", () => {
  expect(named({ ...fresh, state: "pending" }, {}, rotating)).toBe("fail retry +0 s");
  expect(named({ ...fresh, state: "ended" }, {}, rotating)).toBe("fail reauthorize consent_ended");
  expect(named({ ...old, state: "reauthorize" }, {}, rotating)).toBe("fail reauthorize revoked");
});

test("renewing ahead is for active rows in use, from a tenth before the end, and after the pause of a failure", () => {
  const row = { ...fresh, token: { issuedAt: now - 275_000, expiresAt: now + 25_000 } };
  const ahead = (changes: Partial<Row>, ask: Partial<Ask> = {}) => named({ ...row, ...changes }, ask, rotating);
  expect(ahead({})).toBe("use, renew ahead");
  expect(ahead({}, { purpose: "revoke" })).toBe("use");
  expect(ahead({ state: "reauthorize", reason: "revoked" })).toBe("use");
  expect(ahead({ failure: { at: 0, count: 1, retryAt: now } })).toBe("use, renew ahead");
  expect(ahead({ failure: { at: 0, count: 1, retryAt: now + 1 } })).toBe("use");
  const at = aheadAt(row, defaultTiming);
  expect(at).toBeGreaterThanOrEqual(row.token.expiresAt - 30_000);
  expect(at).toBeLessThanOrEqual(row.token.expiresAt - 24_000);
  expect(named(row, { now: at }, rotating)).toBe("use, renew ahead");
  expect(named(row, { now: at - 1 }, rotating)).toBe("use");
  expect(aheadAt({ ...fresh, token: { issuedAt: 0 } }, defaultTiming)).toBe(Number.POSITIVE_INFINITY);
});

test("pending for a day to the millisecond, and a consent is looked at again where there is one", () => {
  const pending: Row = { ...fresh, state: "pending", since: now };
  expect(stillPending(pending, now + 86_400_000, defaultTiming).state).toBe("pending");
  expect(recheck({ ...fresh, consent: { expiresAt: 7, announced: true } }, 9).consent).toEqual({
    expiresAt: 7,
    announced: true,
    checkAt: 9,
  });
  expect(recheck(fresh, 9)).toBe(fresh);
});
