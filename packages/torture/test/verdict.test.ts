import { describe, expect, test } from "vitest";
import type { Presentation } from "../src/front.ts";
import { readOptions } from "../src/options.ts";
import { seeded } from "../src/random.ts";
import { judge, type TortureReport } from "../src/report.ts";
import { type Evidence, lossCause, presentedAgain } from "../src/verdict.ts";

/** A judge that excuses everything would find nothing: what is excused, and what is not. */

const claimLength = 600;
const requestDeadline = 1500;

function presented(number: number, changes: Partial<Presentation> = {}): Presentation {
  const at = 10_000 + number * 7_000;
  return { number, token: "rt", worker: `${number}.1`, attempt: 1, at, status: 200, deliveredAt: at + 50, ...changes };
}

const evidence = (presentations: Presentation[], changes: Partial<Evidence> = {}): Evidence => ({
  presentations,
  incidents: [],
  outages: [],
  givenUp: [],
  claimLength,
  requestDeadline,
  ...changes,
});

const refused = { status: 400 };

describe("a token that is presented again", () => {
  const causeOf = (first: Partial<Presentation>, changes: Partial<Evidence> = {}) =>
    presentedAgain(evidence([presented(0, first), presented(1, refused)], changes))[0]?.cause;

  test("by two processes that live and were answered is not excused", () => {
    expect(causeOf({})).toBe("none");
  });

  test("is excused by an error, a lost answer, and a store that was away", () => {
    expect(causeOf({ status: 500 })).toBe("the server answered with an error");
    const { deliveredAt: _, ...broken } = { ...presented(0), brokenAt: 10_100, fault: "lost-response" };
    expect(presentedAgain(evidence([broken, presented(1, refused)]))[0]?.cause).toBe("its answer was lost");
    const brokenLater = { ...broken, brokenAt: 17_251 };
    expect(presentedAgain(evidence([brokenLater, presented(1, refused)]))[0]?.cause).toBe("none");
    expect(causeOf({}, { outages: [{ from: 10_000, to: 16_000 }] })).toBe("the store was away");
  });

  test("is excused by an answer that its caller had stopped waiting for, whatever the front saw of it", () => {
    const gaveUp = { worker: "0.1", attempt: 1, at: 11_520, waited: requestDeadline };
    const left = { deliveredAt: 11_490 };
    expect(causeOf(left, { givenUp: [gaveUp] })).toBe("its answer was lost");
    expect(causeOf(left)).toBe("none");
    expect(causeOf(left, { givenUp: [{ ...gaveUp, worker: "1.1" }] })).toBe("none");
    expect(causeOf(left, { givenUp: [{ ...gaveUp, attempt: 2 }] })).toBe("none");
    expect(causeOf(left, { givenUp: [{ ...gaveUp, at: 17_001 }] })).toBe("none");
    expect(causeOf(left, { givenUp: [{ ...gaveUp, at: 17_000 }] })).toBe("its answer was lost");
    // What a busy machine takes of its own is not held against it.
    expect(causeOf(left, { givenUp: [{ ...gaveUp, waited: requestDeadline - 250 }] })).toBe("its answer was lost");
    expect(causeOf(left, { givenUp: [{ ...gaveUp, waited: requestDeadline - 251 }] })).toBe("none");
    const { deliveredAt: _, ...broken } = { ...presented(0), brokenAt: 11_520 };
    const cause = (changes: Partial<Evidence>) =>
      presentedAgain(evidence([broken, presented(1, refused)], changes))[0]?.cause;
    expect(cause({ givenUp: [gaveUp] })).toBe("its answer was lost");
    expect(cause({})).toBe("none");
  });

  test("is not excused by a caller that hangs up early on a server that would have answered", () => {
    const early = { worker: "0.1", attempt: 1, at: 10_100, waited: 100 };
    const { deliveredAt: _, ...broken } = { ...presented(0), brokenAt: 10_100 };
    const [again] = presentedAgain(evidence([broken, presented(1, refused)], { givenUp: [early] }));
    expect(again?.cause).toBe("none");
  });

  test("is not excused by an answer that is only late", () => {
    expect(causeOf({ deliveredAt: 30_000 })).toBe("none");
  });

  test("is excused by a holder that was killed, but not by one killed long after its answer", () => {
    const killed = (from: number) => ({ worker: "0.1", kind: "killed" as const, from, to: Number.POSITIVE_INFINITY });
    expect(causeOf({}, { incidents: [killed(10_060)] })).toBe("its holder was killed");
    expect(causeOf({}, { incidents: [killed(12_000)] })).toBe("none");
    expect(causeOf({}, { incidents: [{ ...killed(10_060), worker: "3.1" }] })).toBe("none");
  });

  test("is excused by a holder that was frozen around its answer", () => {
    const frozen = { worker: "0.1", kind: "frozen" as const, from: 10_020, to: 18_000 };
    expect(causeOf({}, { incidents: [frozen] })).toBe("its holder was frozen");
  });
});

describe("a grant that is lost", () => {
  test("without a refusal is nobody's fault but ours", () => {
    expect(lossCause([presented(0)], evidence([]))).toEqual({
      excused: false,
      told: "the server refused none of its tokens",
    });
  });

  test("is excused only by what happened to the holder of the answer", () => {
    const both = [presented(0), presented(1, refused)];
    expect(lossCause(both, evidence(both)).excused).toBe(false);
    expect(lossCause(both, evidence(both, { outages: [{ from: 0, to: 20_000 }] })).excused).toBe(false);
    const killed = { worker: "0.1", kind: "killed" as const, from: 10_060, to: Number.POSITIVE_INFINITY };
    expect(lossCause(both, evidence(both, { incidents: [killed] }))).toEqual({
      excused: true,
      told: "its holder was killed: process 0.1 presented it and was answered after 50 ms; process 1.1 presented it again after 7000 ms",
    });
  });
});

describe("a run", () => {
  const clean: Omit<TortureReport, "failures"> = {
    options: readOptions(["--expiries", "10", "--server", "grace"]),
    expiries: 10,
    tokenRequests: 10,
    presentations: {},
    presentedAgain: {},
    unexplained: [],
    reuses: 0,
    replays: 0,
    familiesRevoked: 0,
    lost: [],
    stuck: [],
    unruly: [],
    wrongTokens: 0,
    callers: { served: 100, verified: 10, stale: 0, failed: {} },
    kills: 0,
    freezes: 0,
    outages: 0,
    faults: {},
    unhandled: [],
  };

  test.each<[string, Partial<typeof clean>, string]>([
    ["met too few expiries", { expiries: 9 }, "9 of 10 expiries"],
    ["left one stuck", { stuck: [3] }, "connection 3 was not renewed"],
    ["gave a token of another", { wrongTokens: 1 }, "tokens of another connection"],
    ["presented one again without doubt", { unexplained: ["by process 1.1"] }, "without doubt: by process 1.1"],
    [
      "told a caller of an end that was none",
      { callers: { ...clean.callers, failed: { reauthorize: 2 } } },
      "2 calls were told",
    ],
    ["lost a process", { unruly: ["process 0.1 ended by itself (SIGSEGV)"] }, "ended by itself"],
    ["left an error unhandled", { unhandled: ["TypeError"] }, "unhandled: TypeError"],
    [
      "lost a connection to a server that forgives",
      { lost: [{ connection: 1, reason: "revoked", excused: true, cause: "its holder was killed" }] },
      "connection 1 was lost",
    ],
  ])("that %s has failed", (_, changes, said) => {
    expect(judge(clean)).toEqual([]);
    expect(judge({ ...clean, ...changes })).toEqual([expect.stringContaining(said)]);
  });
});

test("one seed draws one fate", () => {
  const draw = (seed: number) => {
    const random = seeded(seed);
    return Array.from({ length: 5 }, () => random.next());
  };
  expect(draw(7)).toEqual(draw(7));
  expect(draw(7)).not.toEqual(draw(8));
  for (const number of draw(7)) expect(number >= 0 && number < 1).toBe(true);
});

test("a command line is read, and what it gets wrong is named", () => {
  expect(readOptions(["--server", "strict", "--kills", "0.1", "--seed", "7", "--json"])).toMatchObject({
    server: "strict",
    store: "sqlite",
    kills: 0.1,
    seed: 7,
    json: true,
  });
  expect(() => readOptions(["--server", "kind"])).toThrow("--server is one of grace, strict, fixed; it was kind.");
  expect(() => readOptions(["--kills", "often"])).toThrow("--kills is a number from 0; it was often.");
});
