import { expect, test } from "vitest";
import { dueAt, keepAliveAt, renewAt } from "../src/due.ts";
import { defaultTiming, type Policy } from "../src/policy.ts";
import type { Row } from "../src/record.ts";
import { freshRow, issued as now } from "./support/rows.ts";

/** When maintenance looks at a row: pure functions, by every kind of row. */

const day = 86_400_000;
const idle: Policy = { renewal: "refresh", rotates: false, lostResponse: "retry", idleTimeout: 30 * day };
const lasting: Policy = { renewal: "refresh", rotates: true, lostResponse: "retry" };

const row: Row = { ...freshRow, since: now };
const claim = { holder: "h", number: 1, beat: 3, until: now + 26 * day };
const failure = { at: now, count: 1, retryAt: now + 27 * day };
const consent = { expiresAt: now + 60 * day };
const notice = consent.expiresAt - defaultTiming.consentNotice;

const due = (changes: Partial<Row>, policy: Policy = idle, keepFresh = false) =>
  dueAt({ ...row, ...changes }, policy, defaultTiming, keepFresh);

test("G57 a refresh token with an idle timeout is used after five sixths of it, less at most a thirtieth", () => {
  const at = due({}) ?? 0;
  expect(at).toBe(keepAliveAt(row, idle));
  expect(at).toBeGreaterThan(now + 24 * day);
  expect(at).toBeLessThanOrEqual(now + 25 * day);
  // Stable for one connection, and not the same for all.
  expect(due({})).toBe(at);
  expect(due({ id: "d" })).not.toBe(at);
});

test("G57 there is nothing to keep alive without a timeout, without a refresh token, and where the grant does not stand", () => {
  const { refresh: _, ...without } = row;
  expect(keepAliveAt(row, lasting)).toBeUndefined();
  expect(keepAliveAt(without, idle)).toBeUndefined();
  for (const state of ["pending", "reauthorize", "ending", "ended"] as const)
    expect(keepAliveAt({ ...row, state }, idle)).toBeUndefined();
});

test("G57 a claim and a failure put a renewal off, and make none", () => {
  expect(due({ claim })).toBe(claim.until);
  expect(due({ failure })).toBe(failure.retryAt);
  expect(due({ claim, failure })).toBe(failure.retryAt);
  expect(due({ claim, failure }, lasting)).toBeUndefined();
});

test("G56 asked to keep it fresh, an access token is due ahead of its end, where it can be renewed", () => {
  const at = due({}, lasting, true) ?? 0;
  expect(at).toBeLessThan(now + 300_000);
  expect(at).toBeGreaterThanOrEqual(now + 270_000);
  expect(due({}, idle, true)).toBe(at);
  expect(due({}, { ...lasting, renewal: "none" }, true)).toBeUndefined();
});

test("G57 a consent is due before its end, then at it, and then when it is to be looked at again", () => {
  expect(due({ consent }, lasting)).toBe(notice);
  expect(due({ consent: { ...consent, announced: true } }, lasting)).toBe(consent.expiresAt);
  const checkAt = consent.expiresAt + day;
  expect(due({ consent: { ...consent, announced: true, checkAt } }, lasting)).toBe(checkAt);
  // Whichever comes first.
  expect(due({ consent })).toBe(due({}));
});

test("G57 a row that needs its user has its consent's end alone before it", () => {
  expect(due({ state: "reauthorize" }, idle, true)).toBeUndefined();
  expect(due({ state: "reauthorize", consent }, idle, true)).toBe(notice);
});

test("G57 a row that is on its way in or out is due as soon as it can be tried", () => {
  for (const state of ["pending", "ending"] as const) {
    expect(due({ state })).toBe(now);
    expect(due({ state, failure })).toBe(failure.retryAt);
    expect(due({ state, claim })).toBe(claim.until);
    // Whichever is later: a claim that a crash left hides no pause.
    expect(due({ state, failure, claim })).toBe(failure.retryAt);
    expect(due({ state, failure, claim: { ...claim, until: now + 28 * day } })).toBe(now + 28 * day);
  }
});

test("G57 a row that nothing renews has no time for it, however fresh it is to be kept", () => {
  const { refresh: _none, ...without } = row;
  expect(renewAt(row, lasting, defaultTiming, true)).toBeGreaterThan(now);
  expect(renewAt(row, lasting, defaultTiming, false)).toBeUndefined();
  expect(renewAt(without, lasting, defaultTiming, true)).toBeUndefined();
});

test("G57 what has ended, and an application's own token, are never due", () => {
  expect(due({ state: "ended", consent }, idle, true)).toBeUndefined();
  expect(due({ kind: "application", consent }, idle, true)).toBeUndefined();
});
