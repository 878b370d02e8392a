import { ConnectorError } from "@linkwright/core";
import { describe, expect, test } from "vitest";
import type { ConnectParameters } from "../src/index.ts";
import { adapter, type Call, context, failure, now, options, view } from "./adapter.ts";

const { begin, handle, refusal, parameters } = adapter();

const session = {
  id: "team_01",
  session_id: "ses_9f2",
  auth_url: "https://auth.fiskil.com?sess_id=ses_9f2",
  expires_at: 1_768_874_584,
};

const fiskilOf = (answer: unknown = session) =>
  context(({ path }) => {
    if (path === "/v1/end-users") return { end_user_id: "eu_new" };
    if (answer instanceof Error) throw answer;
    return answer;
  });

const request = (parameters: ConnectParameters, more: object = {}) => ({
  parameters,
  state: "st&te",
  owner: "user_42",
  redirectUri: "https://app.example/cb?tenant=a%20b",
  cancelUri: options.cancelUri ?? "",
  ...more,
});

const body = (call: Call | undefined) => JSON.parse(JSON.stringify(call?.json));

describe("begin", () => {
  test("opens a session for an end user that exists, with the state in both return URLs", async () => {
    const fiskil = fiskilOf();
    expect(await begin(fiskil, request({ endUserId: "eu_x1", institutionId: "88888" }))).toEqual({
      url: "https://auth.fiskil.com/?sess_id=ses_9f2",
      handle: "ses_9f2",
      expiresAt: 1_768_874_584_000,
      data: {
        endUserId: "eu_x1",
        sessionId: "ses_9f2",
        startedAt: String(now),
        sessionExpiresAt: "1768874584000",
        institutionId: "88888",
        renews: "",
      },
    });
    expect(fiskil.calls.map(({ method, path }) => [method, path])).toEqual([["POST", "/v1/auth/session"]]);
    // The caller's own query stays byte for byte, and what was not asked for is not sent.
    expect(body(fiskil.calls[0])).toEqual({
      end_user_id: "eu_x1",
      redirect_uri: "https://app.example/cb?tenant=a%20b&state=st%26te",
      cancel_uri: "https://app.example/cancelled?state=st%26te",
      institution_id: "88888",
    });
  });

  test("creates the end user first where asked to", async () => {
    const fiskil = fiskilOf();
    const { data } = await begin(fiskil, request({ endUser: { email: "a@b.example", phone: "+61400000000" } }));
    expect(data?.endUserId).toBe("eu_new");
    expect(fiskil.calls.map(({ path }) => path)).toEqual(["/v1/end-users", "/v1/auth/session"]);
    expect(body(fiskil.calls[0])).toEqual({ email: "a@b.example", phone: "+61400000000" });
    expect(body(fiskil.calls[1]).end_user_id).toBe("eu_new");
  });

  test("permissions and a renewal are sent when asked for", async () => {
    const fiskil = fiskilOf();
    const { data } = await begin(
      fiskil,
      request({ endUserId: "eu_x1", permissions: ["accounts"], arrangementId: "arr_1" }),
    );
    expect(body(fiskil.calls[0])).toMatchObject({ permissions: ["accounts"], arrangement_id: "arr_1" });
    expect(data?.renews).toBe("arr_1");
  });

  test("an end user that was created is named when the session then fails, so that no second one is made", async () => {
    const fault = { kind: "retry", retryAt: 5 } as const;
    const failed = new ConnectorError(fault, "The API answered 503.", { status: 503, support: { error_id: "err_1" } });
    const error = await failure(() => begin(fiskilOf(failed), request({ endUser: {} })));
    expect(error.fault).toEqual(fault);
    expect(error.message).toBe('The API answered 503. The end user was created: try again with endUserId "eu_new".');
    expect(error.details).toEqual({ status: 503, support: { error_id: "err_1", end_user_id: "eu_new" } });
    expect(await failure(() => begin(fiskilOf(failed), request({ endUserId: "eu_x1" })))).toBe(failed);
  });

  test("connecting again keeps the end user, and refuses another", async () => {
    const connection = view({ endUserId: "eu_before", arrangementId: "arr_1" });
    const { data } = await begin(fiskilOf(), request({}, { connection }));
    expect(data?.endUserId).toBe("eu_before");
    for (const other of [{ endUserId: "eu_other" }, { endUser: {} }] as const) {
      const fiskil = fiskilOf();
      const error = await failure(() => begin(fiskil, request(other, { connection })));
      expect(error.fault).toEqual({ kind: "configuration" });
      expect(error.message).toMatch(/keeps the end user/);
      expect(fiskil.calls).toEqual([]);
    }
  });

  test.each([
    [{}, "88888", "88888"],
    [{ institutionId: "77777" }, "77777", "77777"],
    [{ arrangementId: "arr_1" }, "88888", "88888"],
  ])("connecting again with %j leads to institution %s", async (asked, sent, kept) => {
    const fiskil = fiskilOf();
    const connection = view({ endUserId: "eu_x1", arrangementId: "arr_1", institutionId: "88888" });
    const { data } = await begin(fiskil, request(asked, { connection }));
    expect([body(fiskil.calls[0]).institution_id, data?.institutionId]).toEqual([sent, kept]);
  });

  test("a connection whose institution is not known yet is led to any", async () => {
    const fiskil = fiskilOf();
    const { data } = await begin(fiskil, request({}, { connection: view({ endUserId: "eu_x1", institutionId: "" }) }));
    expect(body(fiskil.calls[0])).not.toHaveProperty("institution_id");
    expect(data?.institutionId).toBe("");
  });

  test("nobody to connect is refused before anything is sent", async () => {
    const fiskil = fiskilOf();
    const error = await failure(() => begin(fiskil, request({})));
    expect(error.message).toBe("fiskil: connect needs endUserId, or endUser to create one");
    expect(fiskil.calls).toEqual([]);
  });

  test.each([
    [1_768_874_584, 1_768_874_584_000],
    ["1768874584", 1_768_874_584_000],
    ["2026-01-20T02:03:04Z", 1_768_874_584_000],
    ["soon", undefined],
    [0, undefined],
    [-1, undefined],
    [null, undefined],
    [{}, undefined],
    [undefined, undefined],
  ])("expires_at %j ends at %j", async (expires_at, expiresAt) => {
    const begun = await begin(fiskilOf({ ...session, expires_at }), request({ endUserId: "eu_x1" }));
    expect(begun.expiresAt).toBe(expiresAt);
    expect(begun.data?.sessionExpiresAt).toBe(expiresAt === undefined ? "" : String(expiresAt));
  });

  test.each([
    ["https://auth.fiskil.com/consent?session=ses_9f2", "https://auth.fiskil.com/consent?session=ses_9f2"],
    ["https://eu.auth.fiskil.com/?sess_id=ses_9f2", "https://eu.auth.fiskil.com/?sess_id=ses_9f2"],
    ["auth.fiskil.com?sess_id=ses_9f2", "https://auth.fiskil.com/?sess_id=ses_9f2"],
    ["//auth.fiskil.com/?sess_id=ses_9f2", "https://auth.fiskil.com/?sess_id=ses_9f2"],
  ])("%s leads to %s", async (auth_url, url) => {
    expect((await begin(fiskilOf({ ...session, auth_url }), request({ endUserId: "eu_x1" }))).url).toBe(url);
  });

  test.each([
    "http://auth.fiskil.com/?sess_id=ses_9f2",
    "https://evil.example/?sess_id=ses_9f2",
    "https://auth.fiskil.com.evil.example/?sess_id=ses_9f2",
    "https://evilauth.fiskil.com.example/",
    "https://notauth.fiskil.com/",
    "https://auth.fiskil.com:8443/",
    "https://auth.fiskil.com@evil.example/",
    "https://user@auth.fiskil.com/",
    "javascript:alert(1)",
    "javascript://auth.fiskil.com/%0aalert(1)",
    "data:text/html,x",
    "//evil.example",
    "\\\\evil.example",
    " ",
  ])("C12 a browser is not sent to %s", async (auth_url) => {
    const error = await failure(() => begin(fiskilOf({ ...session, auth_url }), request({ endUserId: "eu_x1" })));
    expect(error.fault).toEqual({ kind: "protocol" });
    expect(error.message).toMatch(/auth_url does not lead to https:\/\/auth\.fiskil\.com/);
    expect(error.message).not.toContain("ses_9f2");
  });

  test.each([[null], [{}], [{ ...session, session_id: "" }], [{ ...session, auth_url: 7 }]])(
    "an answer %j is no session",
    async (answer) => {
      const error = await failure(() => begin(fiskilOf(answer), request({ endUserId: "eu_x1" })));
      expect(error.fault).toEqual({ kind: "protocol" });
      expect(error.message).toMatch(/^fiskil: POST \/v1\/auth\/session answered in an undocumented shape/);
    },
  );
});

describe("parameters", () => {
  const check = (value: unknown) => parameters["~standard"].validate(value);

  test.each([
    [{ endUserId: "eu_x1" }],
    [{}],
    [{ endUser: {} }],
    [{ endUser: { email: "a@b.example", name: "A", phone: "+61", abn: "1" }, institutionId: "88888" }],
    [{ endUserId: "eu_x1", permissions: ["accounts"], arrangementId: "arr_1" }],
  ])("%j is taken as it is", async (value) => {
    expect(await check(value)).toEqual({ value });
  });

  test.each([
    [{ endUserId: "eu_x1", endUser: {} }],
    [{ endUserId: "" }],
    [{ endUserId: 7 }],
    [{ endUser: "a@b.example" }],
    [{ endUserId: "eu_x1", permissions: [] }],
    [{ endUserId: "eu_x1", permissions: "accounts" }],
    [{ endUserId: "eu_x1", institutionId: "" }],
    [{ endUserId: "eu_x1", institutionID: "88888" }],
    [{ endUser: { mail: "a@b.example" } }],
  ])("%j is refused", async (value) => {
    expect((await check(value)).issues?.length).toBeGreaterThan(0);
  });

  test("both an end user that exists and one to create: which one is meant is asked", async () => {
    expect((await check({ endUserId: "eu_x1", endUser: {} })).issues).toMatchObject([
      { path: ["endUser"], message: expect.stringContaining("give one of the two") },
    ]);
    const wrong = { endUserId: "eu_x1", endUser: {} };
    // @ts-expect-error: the types say so too.
    const typed: ConnectParameters = wrong;
    expect(typed).toBe(wrong);
  });
});

describe("callback", () => {
  test.each([
    ["state=abc&session_id=ses_9f2", "ses_9f2"],
    ["state=abc&sess_id=ses_9f2", "ses_9f2"],
    ["session_id=&sess_id=ses_9f2", "ses_9f2"],
    ["state=abc", undefined],
    ["session_id=", undefined],
  ])("%s names the session %s", (query, expected) => {
    expect(handle(new URLSearchParams(query))).toBe(expected);
  });

  test.each([
    ["AUTH_SESSION_CANCELLED", "access_denied", "cancelled"],
    ["CONSENT_ENDUSER_DENIED", "access_denied", "cancelled"],
    ["CONSENT_ENDUSER_INELIGIBLE", "server_error", "permission"],
    ["AUTH_SESSION_INVALID", "server_error", "retry"],
    ["CONSENT_UPSTREAM_PROCESSING_ERROR", "server_error", "retry"],
    ["CONSENT_OTP_FAILURE", "server_error", "retry"],
    ["CONSENT_TIMEOUT", "server_error", "retry"],
    ["CONSUMERDATA_PROCESSING_ERROR", "server_error", "retry"],
    ["A_NEW_ONE", "access_denied", "cancelled"],
    ["A_NEW_ONE", "server_error", "retry"],
    ["constructor", "server_error", "retry"],
  ])("G63 %s with %s is %s", (error_type, error, kind) => {
    const callback = new URLSearchParams({
      error,
      error_type,
      error_id: "err_7",
      error_description: "words",
      error_uri: `https://docs.fiskil.com/errors#${error_type}`,
    });
    expect(refusal(callback)).toEqual({
      kind,
      code: error_type,
      description: "words",
      support: { error_id: "err_7" },
    });
  });

  test("G63 what to do is in error_type, not in error", () => {
    expect(refusal(new URLSearchParams("error=access_denied&error_type=CONSENT_TIMEOUT"))).toEqual({
      kind: "retry",
      code: "CONSENT_TIMEOUT",
    });
  });

  test("without error_type the RFC's reading stands; a success is no refusal", () => {
    expect(refusal(new URLSearchParams("error=access_denied"))).toBeUndefined();
    expect(refusal(new URLSearchParams("session_id=ses_9f2"))).toBeUndefined();
  });
});
