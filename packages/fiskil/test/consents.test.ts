import { ConnectorError } from "@linkwright/core";
import { describe, expect, test } from "vitest";
import { adapter, type Call, connectionContext, failure, now } from "./adapter.ts";

const { confirm, disconnect } = adapter();

const at = (seconds: number) => new Date(now + seconds * 1000).toISOString();

const consent = (arrangement_id: string, more: object = {}) => ({
  arrangement_id,
  active: true,
  end_user_id: "eu_x1",
  institution_id: "88888",
  institution_name: "Banking Sandbox Data Holder",
  permissions: ["accounts", "balances"],
  duration: 7_776_000,
  created_at: at(30),
  expires_at: "2026-04-15T02:03:04Z",
  last_consent: at(30),
  termination_reason: null,
  ...more,
});

const flow = { endUserId: "eu_x1", sessionId: "ses_1", startedAt: String(now), institutionId: "88888", renews: "" };
const settled = { ...flow, arrangementId: "arr_1", consentId: "", confirmedSession: "ses_1" };

const listing =
  (...consents: object[]) =>
  () => ({ consents, links: {} });
const asked = (data: Record<string, string>, respond: (call: Call) => unknown, hint?: Record<string, string>) =>
  confirm(connectionContext(data, respond), hint);

describe("confirm, of a flow", () => {
  test("G39 nothing listed yet is pending", async () => {
    expect(await asked(flow, listing())).toEqual({ consent: "pending" });
  });

  test("its consent is found, and what it covers is told", async () => {
    const context = connectionContext(flow, listing(consent("arr_1")));
    expect(await confirm(context)).toEqual({
      consent: "active",
      account: "eu_x1",
      data: {
        endUserId: "eu_x1",
        arrangementId: "arr_1",
        institutionId: "88888",
        consentId: "",
        confirmedSession: "ses_1",
      },
      refs: ["end_user:eu_x1", "arrangement:arr_1"],
      consentExpiresAt: Date.parse("2026-04-15T02:03:04Z"),
      scope: ["accounts", "balances"],
    });
    expect(context.calls).toEqual([{ path: "/v1/consent", query: { end_user_id: "eu_x1", active: undefined } }]);
  });

  test("v1 and v2 list bare arrays", async () => {
    expect(await asked(flow, () => [consent("arr_1")])).toMatchObject({
      consent: "active",
      data: { arrangementId: "arr_1" },
    });
  });

  test.each([
    ["another institution's", consent("arr_1", { institution_id: "77777" })],
    ["one that is older than the flow", consent("arr_1", { created_at: at(-61), last_consent: at(-61) })],
    ["one that is over", consent("arr_1", { active: false })],
    ["one that does not say when", consent("arr_1", { created_at: undefined, last_consent: null })],
  ])("%s is not the flow's", async (_name, other) => {
    expect(await asked(flow, listing(other))).toEqual({ consent: "pending" });
  });

  test("a clock that runs ahead by up to clockSkew does no harm", async () => {
    const early = consent("arr_1", { created_at: at(-60), last_consent: undefined });
    expect(await asked(flow, listing(early))).toMatchObject({ consent: "active" });
    const strict = adapter({ clockSkew: 0 });
    expect(await strict.confirm(connectionContext(flow, listing(early)))).toEqual({ consent: "pending" });
  });

  test("of several the newest", async () => {
    const older = consent("arr_old", { created_at: at(1), last_consent: at(1) });
    const newer = consent("arr_new", { created_at: at(2), last_consent: at(2) });
    for (const order of [
      [older, newer],
      [newer, older],
    ])
      expect(await asked(flow, listing(...order))).toMatchObject({ data: { arrangementId: "arr_new" } });
  });

  test("an arrangement that was consented to again counts as new", async () => {
    const again = consent("arr_1", { created_at: at(-90_000), last_consent: at(5) });
    expect(await asked(flow, listing(again))).toMatchObject({ consent: "active", data: { arrangementId: "arr_1" } });
  });

  test("any institution's, where the flow named none, or that of the hint", async () => {
    const open = { ...flow, institutionId: "" };
    const first = consent("arr_1", { institution_id: "77777" });
    const second = consent("arr_2", { created_at: at(40) });
    expect(await asked(open, listing(first, second))).toMatchObject({
      data: { arrangementId: "arr_2", institutionId: "88888" },
    });
    expect(await asked(open, listing(first, second), { institutionId: "77777" })).toMatchObject({
      data: { arrangementId: "arr_1", institutionId: "77777" },
    });
  });

  test("G59 an arrangement that is being renewed is pending until it is active", async () => {
    const renewing = { ...settled, sessionId: "ses_2", startedAt: String(now + 1_000_000), renews: "arr_1" };
    const ended = consent("arr_1", { active: false });
    expect(await asked(renewing, listing(ended))).toEqual({ consent: "pending" });
    expect(await asked(renewing, listing(consent("arr_1")))).toMatchObject({
      consent: "active",
      data: { arrangementId: "arr_1", confirmedSession: "ses_2" },
    });
  });

  const again = { ...settled, consentId: "c_old", sessionId: "ses_2", startedAt: String(now + 1_000_000) };
  const after = consent("arr_2", { created_at: at(1001), last_consent: at(1001) });

  test("G59 connecting again finds the new consent, and drops what belonged to the one before", async () => {
    for (const before of [consent("arr_1"), consent("arr_1", { active: false })])
      expect(await asked(again, listing(before, after))).toMatchObject({
        consent: "active",
        data: { arrangementId: "arr_2", consentId: "", confirmedSession: "ses_2" },
        refs: ["end_user:eu_x1", "arrangement:arr_2"],
      });
  });

  test("G59 connecting again, the consent before stands until the new one is listed", async () => {
    expect(await asked(again, listing(consent("arr_1")))).toMatchObject({
      consent: "active",
      data: { arrangementId: "arr_1", consentId: "c_old", confirmedSession: "ses_1" },
      refs: ["end_user:eu_x1", "arrangement:arr_1"],
    });
    expect(await asked(again, listing(consent("arr_1", { active: false })))).toEqual({ consent: "pending" });
  });

  test.each([
    ["its session's end", String(now - 86_400_000), now - 3_600_000],
    ["the five days that a session lives, where it named no end", "", now - 6 * 86_400_000],
    ["the five days, where it was begun before ends were kept", undefined, now - 6 * 86_400_000],
  ])("a flow is waited for until a day after %s", async (_name, sessionExpiresAt, startedAt) => {
    const over = listing(consent("arr_1", { active: false }));
    const stale = {
      ...again,
      ...(sessionExpiresAt !== undefined && { sessionExpiresAt }),
      startedAt: String(startedAt),
    };
    expect(await asked(stale, over)).toEqual({ consent: "ended" });
    const waiting = sessionExpiresAt
      ? { ...stale, sessionExpiresAt: String(Number(sessionExpiresAt) + 1) }
      : { ...stale, startedAt: String(startedAt + 1) };
    expect(await asked(waiting, over)).toEqual({ consent: "pending" });
    expect(await asked(waiting, listing(after))).toMatchObject({ data: { arrangementId: "arr_2" } });
  });
});

describe("confirm, of a connection that stands", () => {
  test("G74 its own arrangement counts, whatever else the user consented to", async () => {
    const own = consent("arr_1", { created_at: at(-90_000), last_consent: null });
    const newer = consent("arr_2");
    expect(await asked(settled, listing(newer, own))).toMatchObject({
      consent: "active",
      data: { arrangementId: "arr_1" },
    });
    expect(await asked(settled, listing(newer, { ...own, active: false }))).toEqual({ consent: "ended" });
    expect(await asked(settled, listing(newer))).toEqual({ consent: "ended" });
  });

  test("data that was kept without the flow's is enough", async () => {
    const data = { endUserId: "eu_x1", arrangementId: "arr_1", confirmedSession: "ses_1" };
    expect(await asked(data, listing(consent("arr_1")))).toMatchObject({ consent: "active" });
    expect(await asked(data, listing())).toEqual({ consent: "ended" });
  });

  test("G74 a user who is no more has no consent; any other 404 says nothing", async () => {
    const refusing = (code: string) => () => {
      throw new ConnectorError({ kind: "gone", reason: "unknown" }, "404", { code, status: 404 });
    };
    expect(await asked(settled, refusing("end_user_not_found"))).toEqual({ consent: "ended" });
    expect((await failure(() => asked(settled, refusing("not_found")))).fault.kind).toBe("gone");
  });

  test("an end that is not told is left out", async () => {
    const reading = await asked(settled, listing(consent("arr_1", { expires_at: null, permissions: null })));
    expect(reading).toEqual({
      consent: "active",
      account: "eu_x1",
      data: {
        endUserId: "eu_x1",
        arrangementId: "arr_1",
        institutionId: "88888",
        consentId: "",
        confirmedSession: "ses_1",
      },
      refs: ["end_user:eu_x1", "arrangement:arr_1"],
    });
  });
});

describe("the two ids of a consent", () => {
  const published = (seconds: number) => String(now + seconds * 1000);
  const hint = { consentId: "c1", institutionId: "88888", publishedAt: published(31) };

  test("the webhook's is kept beside the arrangement's", async () => {
    for (const data of [flow, settled])
      expect(await asked(data, listing(consent("arr_1")), hint)).toMatchObject({
        data: { arrangementId: "arr_1", consentId: "c1" },
        refs: ["end_user:eu_x1", "arrangement:arr_1", "consent:c1"],
      });
  });

  test("and stays when later messages name none", async () => {
    expect(await asked({ ...settled, consentId: "c1" }, listing(consent("arr_1")))).toMatchObject({
      data: { consentId: "c1" },
      refs: ["end_user:eu_x1", "arrangement:arr_1", "consent:c1"],
    });
  });

  test("or a new one, when the consent was given again", async () => {
    const again = consent("arr_1", { last_consent: at(5000) });
    const updated = { ...hint, consentId: "c2", publishedAt: published(5001) };
    expect(await asked({ ...settled, consentId: "c1" }, listing(again), updated)).toMatchObject({
      data: { consentId: "c2" },
    });
  });

  const ended = (given: number) => consent("arr_2", { active: false, created_at: at(given), last_consent: null });

  test.each([
    ["two consents stand at one institution", listing(consent("arr_1"), consent("arr_2")), hint],
    ["one that is over was given there later", listing(consent("arr_1"), ended(31)), hint],
    ["the message is about another institution", listing(consent("arr_1")), { ...hint, institutionId: "77777" }],
    ["the message names no institution", listing(consent("arr_1")), { consentId: "c1", publishedAt: published(31) }],
    [
      "it was published before the consent was given",
      listing(consent("arr_1")),
      { ...hint, publishedAt: published(29) },
    ],
    ["it was published long after", listing(consent("arr_1")), { ...hint, publishedAt: published(3631) }],
    ["it does not say when", listing(consent("arr_1")), { consentId: "c1", institutionId: "88888" }],
    ["the consent does not", listing(consent("arr_1", { created_at: undefined, last_consent: null })), hint],
  ])("G74 it is not guessed at: %s", async (_name, respond, hinted) => {
    expect(await asked(settled, respond, hinted)).toMatchObject({
      data: { arrangementId: "arr_1", consentId: "" },
      refs: ["end_user:eu_x1", "arrangement:arr_1"],
    });
  });

  test("a consent that ended before does not count", async () => {
    expect(await asked(settled, listing(ended(29), consent("arr_1")), hint)).toMatchObject({
      data: { consentId: "c1" },
    });
  });

  const renewing = { ...settled, consentId: "c1", sessionId: "ses_2", startedAt: published(1000), renews: "arr_1" };

  test("G74 a renewed arrangement drops what it was called before", async () => {
    const renewed = consent("arr_1", { last_consent: at(1001) });
    // Also where the list does not show yet that it was given again.
    for (const listed of [consent("arr_1"), renewed])
      expect(await asked(renewing, listing(listed), hint)).toMatchObject({
        data: { consentId: "", confirmedSession: "ses_2" },
        refs: ["end_user:eu_x1", "arrangement:arr_1"],
      });
    const updated = { ...hint, consentId: "c2", publishedAt: published(1001) };
    expect(await asked(renewing, listing(renewed), updated)).toMatchObject({ data: { consentId: "c2" } });
  });

  test("G74 while a new consent is awaited, no message names the one before", async () => {
    const awaiting = { ...renewing, consentId: "", renews: "" };
    const early = { ...hint, consentId: "c2", publishedAt: published(1001) };
    const before = consent("arr_1", { created_at: at(900), last_consent: at(900) });
    expect(await asked(awaiting, listing(before), early)).toMatchObject({
      data: { arrangementId: "arr_1", consentId: "", confirmedSession: "ses_1" },
    });
  });

  test("G74 what was published before the flow began tells nothing of where it led", async () => {
    const open = { ...flow, institutionId: "", startedAt: published(10) };
    const late = { institutionId: "77777", publishedAt: published(-51) };
    expect(await asked(open, listing(consent("arr_1")), late)).toMatchObject({ data: { arrangementId: "arr_1" } });
    // Within clockSkew it may have been published after.
    expect(await asked(open, listing(consent("arr_1")), { ...late, publishedAt: published(-50) })).toEqual({
      consent: "pending",
    });
  });
});

describe("arrangements that were replaced", () => {
  const again = { ...settled, sessionId: "ses_2", startedAt: String(now + 1_000_000) };
  const after = consent("arr_2", { created_at: at(1001), last_consent: at(1001) });

  test("G73 are kept as long as they stand", async () => {
    const confirmed = { ...again, arrangementId: "arr_2", confirmedSession: "ses_2", replaced: "arr_0 arr_1" };
    const zero = consent("arr_0");
    const one = consent("arr_1");
    expect(await asked({ ...again, replaced: "arr_0" }, listing(zero, one, after))).toMatchObject({
      data: { arrangementId: "arr_2", replaced: "arr_0 arr_1" },
    });
    expect(await asked(again, listing({ ...one, active: false }, after))).toMatchObject({
      data: expect.not.objectContaining({ replaced: expect.anything() }),
    });
    expect(await asked(confirmed, listing({ ...zero, active: false }, one, after))).toMatchObject({
      data: { replaced: "arr_1" },
    });
    expect(await asked(confirmed, listing(after))).toMatchObject({ data: { replaced: "" } });
  });

  test("G73 one that is renewed is no longer among them", async () => {
    const back = { ...again, arrangementId: "arr_2", replaced: "arr_1", renews: "arr_1" };
    expect(await asked(back, listing(consent("arr_1"), consent("arr_2")))).toMatchObject({
      data: { arrangementId: "arr_1", replaced: "arr_2" },
    });
  });
});

describe("pages", () => {
  const pages = (links: (cursor: unknown) => unknown) => (call: Call) => {
    const cursor = call.query?.["page[after]"];
    return { consents: [consent(`arr_${cursor ?? "first"}`)], links: links(cursor) };
  };

  test("are all read, with only the cursor taken from a link", async () => {
    const next: Record<string, string> = {
      "": "https://evil.example/v1/consent?page%5Bafter%5D=b%2B1&end_user_id=eu_other",
      "b+1": "/v1/consent?page[after]=c",
    };
    const context = connectionContext(
      { ...settled, arrangementId: "arr_c" },
      pages((cursor) => ({ next: next[String(cursor ?? "")] })),
    );
    expect(await confirm(context)).toMatchObject({ consent: "active", data: { arrangementId: "arr_c" } });
    expect(context.calls.map(({ path, query }) => [path, query?.end_user_id, query?.["page[after]"]])).toEqual([
      ["/v1/consent", "eu_x1", undefined],
      ["/v1/consent", "eu_x1", "b+1"],
      ["/v1/consent", "eu_x1", "c"],
    ]);
  });

  test("an empty page ends the list, whatever it links to", async () => {
    const empty = () => ({ consents: [], links: { next: "https://api.fiskil.com/v1/consent?page[after]=x" } });
    const context = connectionContext(flow, empty);
    expect(await confirm(context)).toEqual({ consent: "pending" });
    expect(context.calls.length).toBe(1);
  });

  test.each([
    ["a circle", { next: "/v1/consent?page[after]=x" }],
    ["a link without a cursor", { next: "/v1/consent" }],
    ["a link that is none", { next: "https://[" }],
  ])("G51 %s is not taken for an end: half a list would end connections", async (_name, links) => {
    const error = await failure(() =>
      asked(
        settled,
        pages(() => links),
      ),
    );
    expect(error.fault).toEqual({ kind: "protocol" });
  });

  test("G51 nor is a list that never ends", async () => {
    const endless = pages((cursor) => ({ next: `/v1/consent?page[after]=${Number(cursor ?? 0) + 1}` }));
    const context = connectionContext(settled, endless);
    const error = await failure(() => confirm(context));
    expect(error.fault).toEqual({ kind: "protocol" });
    expect(context.calls.length).toBe(1001);
  });

  test.each([
    [undefined],
    [{}],
    [{ consents: {} }],
    [{ consents: [{ arrangement_id: "arr_1" }] }],
    [[{ active: true }]],
    ["text"],
  ])("an answer %j ends nothing", async (answer) => {
    const error = await failure(() => asked(settled, () => answer));
    expect(error.fault).toEqual({ kind: "protocol" });
    expect(error.message).toMatch(/^fiskil: GET \/v1\/consent answered in an undocumented shape/);
  });
});

describe("disconnect", () => {
  test("G73 revokes the arrangement, and nothing else", async () => {
    const context = connectionContext({ ...settled, arrangementId: "arr/1" }, () => undefined);
    expect(await disconnect(context)).toEqual([{ what: "consent", result: "revoked" }]);
    expect(context.calls).toEqual([{ path: "/v1/consent/arr%2F1", method: "DELETE" }]);
  });

  test("G73 of a flow that is pending: what the user consented to meanwhile", async () => {
    const context = connectionContext(flow, ({ method }) => (method === "DELETE" ? undefined : [consent("arr_1")]));
    expect(await disconnect(context)).toEqual([{ what: "consent", result: "revoked" }]);
    expect(context.calls.map(({ method, path }) => [method, path])).toEqual([
      [undefined, "/v1/consent"],
      ["DELETE", "/v1/consent/arr_1"],
    ]);
  });

  test("G73 of one that is being connected again: the consent before and the new one", async () => {
    const again = { ...settled, sessionId: "ses_2" };
    const newer = consent("arr_2", { created_at: at(40) });
    const context = connectionContext(again, ({ method }) =>
      method === "DELETE" ? undefined : [consent("arr_1"), newer],
    );
    expect(await disconnect(context)).toEqual([{ what: "consent", result: "revoked" }]);
    expect(context.calls.map(({ path }) => path)).toEqual(["/v1/consent", "/v1/consent/arr_1", "/v1/consent/arr_2"]);
  });

  test("G73 of one that was connected again: the consents that it replaced, too", async () => {
    const context = connectionContext({ ...settled, arrangementId: "arr_3", replaced: "arr_1 arr_2" }, () => undefined);
    expect(await disconnect(context)).toEqual([{ what: "consent", result: "revoked" }]);
    expect(context.calls.map(({ path }) => path)).toEqual([
      "/v1/consent/arr_1",
      "/v1/consent/arr_2",
      "/v1/consent/arr_3",
    ]);
  });

  test.each([
    [["arr_1"], "revoked"],
    [["arr_2"], "revoked"],
    [["arr_1", "arr_2"], "already_gone"],
  ])("G73 where %j are not known any more, the others are revoked all the same", async (gone, result) => {
    const context = connectionContext({ ...settled, arrangementId: "arr_2", replaced: "arr_1" }, ({ path }) => {
      if (gone.some((id) => path.endsWith(id))) throw new ConnectorError({ kind: "gone", reason: "not_found" }, "404");
    });
    expect(await disconnect(context)).toEqual([{ what: "consent", result }]);
    expect(context.calls.map(({ path }) => path)).toEqual(["/v1/consent/arr_1", "/v1/consent/arr_2"]);
  });

  test("of a flow that came to nothing", async () => {
    expect(await disconnect(connectionContext(flow, listing()))).toEqual([{ what: "consent", result: "already_gone" }]);
  });

  test("G73 a failure is the caller's to know", async () => {
    const failed = new ConnectorError({ kind: "retry", retryAt: 5 }, "503");
    const error = await failure(() =>
      disconnect(
        connectionContext(settled, () => {
          throw failed;
        }),
      ),
    );
    expect(error).toBe(failed);
  });
});
