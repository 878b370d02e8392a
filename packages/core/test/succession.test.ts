import { expect, test } from "vitest";
import type { Held } from "../src/lifecycle.ts";
import type { Policy } from "../src/policy.ts";
import type { Row } from "../src/record.ts";
import { connected, granted, type Received } from "../src/succession.ts";
import { freshRow, issued as now } from "./support/rows.ts";

/** What the row is after tokens came. `lifecycle.test.ts` has the table of what is kept of which answer. */

const rotating: Policy = { renewal: "refresh", rotates: true, lostResponse: "retry" };
const held: Held = { holder: "h", generation: 5, number: 1, presenting: "five" };
const received: Received = { issuedAt: now, expiresAt: now + 300_000, fingerprint: "six" };

const mine: Row = {
  ...freshRow,
  claims: 1,
  claim: { holder: "h", number: 1, beat: 0, until: now, presenting: "five" },
  token: { issuedAt: now - 1_000, expiresAt: now + 1_000 },
  refresh: { fingerprint: "five", usedAt: now - 1_000, expiresAt: now + 86_400_000 },
};

function after(before: Row, tokens: Received): Row {
  const outcome = granted(before, held, tokens, rotating);
  if (outcome.keep !== "received") throw new Error(outcome.keep);
  return outcome.row;
}

test("the default token's times are the answer's, and none where it names none", () => {
  expect(after(mine, received).token).toStrictEqual({ issuedAt: now, expiresAt: now + 300_000 });
  expect(after(mine, { issuedAt: now, fingerprint: "six" }).token).toStrictEqual({ issuedAt: now });
});

test("G10 a token for one resource takes its own place, and leaves the default token its times and its generation", () => {
  const next = after(mine, { ...received, audience: "one" });
  expect(next.others).toStrictEqual({ one: { issuedAt: now, expiresAt: now + 300_000, generation: 6 } });
  expect(next.token).toStrictEqual({ issuedAt: now - 1_000, expiresAt: now + 1_000, generation: 5 });
  // Once more: the generation that the default token came with stays.
  const { claim: _, ...onward } = next;
  const third = granted(onward, { ...held, generation: 6 }, { ...received, audience: "two" }, rotating);
  expect(third.keep === "received" && third.row.token?.generation).toBe(5);
});

test("a connection without a default token gets none from one for a resource", () => {
  const { token: _, ...without } = mine;
  expect("token" in after(without, { ...received, audience: "one" })).toBe(false);
});

test("tokens for resources leave with the first renewal after they have expired", () => {
  const times = (expiresAt?: number) => ({ issuedAt: 0, generation: 4, ...(expiresAt !== undefined && { expiresAt }) });
  const others = { over: times(now - 1), ends: times(now), lasts: times(now + 1), unending: times() };
  expect(Object.keys(after({ ...mine, others }, received).others ?? {})).toEqual(["lasts", "unending"]);
  expect("others" in after({ ...mine, others: { over: times(now - 1) } }, received)).toBe(false);
});

test("a refresh token's end is what the answer says, else what was known of it", () => {
  expect(after(mine, received).refresh?.expiresAt).toBe(now + 86_400_000);
  expect(after(mine, { ...received, refreshExpiresAt: now + 5 }).refresh?.expiresAt).toBe(now + 5);
});

test("success clears what went wrong before, and keeps who the grant is", () => {
  const troubled: Row = {
    ...mine,
    account: "a",
    doubt: { since: 0, cause: "lost_answer" },
    suspected: 1,
    failure: { at: 0, count: 3, retryAt: 0 },
  };
  const outcome = granted(troubled, held, received, rotating);
  if (outcome.keep !== "received") throw new Error(outcome.keep);
  const { row } = outcome;
  expect([row.doubt, row.suspected, row.failure, row.claim, row.reason]).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
  expect(row).toMatchObject({
    account: "a",
    claims: 0,
    lineage: { generation: 5, claim: 1 },
    refresh: { fingerprint: "six", usedAt: now },
  });
});

test("a grant from the user begins anew, whatever the row held", () => {
  const row = connected(
    { ...mine, consent: { expiresAt: 1 }, state: "reauthorize", reason: "revoked" },
    received,
    "active",
    now,
  );
  expect(row).toMatchObject({
    state: "active",
    since: now,
    generation: 6,
    granted: { generation: 6, at: now },
    claims: 0,
  });
  expect([row.reason, row.claim, row.consent, row.lineage]).toEqual([undefined, undefined, undefined, undefined]);
});

test("tokens that come while a row is being let go of change neither its state nor why", () => {
  const before: Row = { ...mine, state: "ending", since: 5, reason: "scope" };
  const outcome = granted(before, held, received, rotating);
  expect(outcome).toMatchObject({ keep: "received", row: { state: "ending", since: 5, reason: "scope" } });
  const healed = granted({ ...mine, state: "reauthorize", reason: "revoked", since: 5 }, held, received, rotating);
  expect(healed.keep === "received" && [healed.row.state, healed.row.since, healed.row.reason]).toEqual([
    "active",
    now,
    undefined,
  ]);
  const plain = granted({ ...mine, since: 5 }, held, received, rotating);
  expect(plain.keep === "received" && ["reason" in plain.row, plain.row.since]).toEqual([false, 5]);
});
