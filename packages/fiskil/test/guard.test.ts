import { describe, expect, test } from "vitest";
import { adapter, apiRequest, failure, view } from "./adapter.ts";

const { request } = adapter();
const own = view({ endUserId: "eu_own", arrangementId: "arr_own" });
const json = (value: unknown) => ({ method: "POST", body: JSON.stringify(value) });

describe("what every request gets", () => {
  test("the version, also without a connection, and nothing else then", () => {
    const sent = request(apiRequest("/v1/end-users?email=a%40b.example"));
    expect(sent.headers.get("x-fiskil-version")).toBe("v3");
    expect(sent.url.href).toBe("https://api.fiskil.com/v1/end-users?email=a%40b.example");
    expect(adapter({ apiVersion: "v2" }).request(apiRequest("/v1/consent")).headers.get("x-fiskil-version")).toBe("v2");
  });

  test("the caller's own version stands", () => {
    expect(
      request(apiRequest("/v1/consent", { headers: { "X-Fiskil-Version": "v1" } })).headers.get("x-fiskil-version"),
    ).toBe("v1");
  });

  test("the connection's end user, beside the caller's own query", () => {
    const sent = request(apiRequest("/v1/banking/accounts?page%5Bsize%5D=50"), own);
    expect(Object.fromEntries(sent.url.searchParams)).toEqual({ "page[size]": "50", end_user_id: "eu_own" });
  });

  test("once, where the caller named it already", () => {
    const sent = request(apiRequest("/v1/banking/accounts?end_user_id=eu_own"), own);
    expect(sent.url.searchParams.getAll("end_user_id")).toEqual(["eu_own"]);
  });

  test("the request that came in is not changed", () => {
    const given = apiRequest("/v1/banking/accounts");
    request(given, own);
    expect(given.url.search).toBe("");
    expect([...given.headers]).toEqual([]);
  });

  test("the account stands in for data that is not there", () => {
    const sent = request(apiRequest("/v1/banking/accounts"), view({}, "eu_account"));
    expect(sent.url.searchParams.get("end_user_id")).toBe("eu_account");
  });

  test.each([
    ["/v1/end-users/eu_own", {}],
    ["/v1/consent", {}],
    ["/v1/consent/arr_own", { method: "DELETE" }],
    ["/v1/institutions/88888", {}],
    ["/v1/banking/transactions?account_id=acc-1&arrangement_id=arr_own", {}],
    [
      "/v1/auth/session",
      json({ end_user_id: "eu_own", arrangement_id: "arr_own", redirect_uri: "https://app.example" }),
    ],
    ["/v1/end-users/eu_own", json({ email: "a@b.example" })],
  ])("G74 %s of one's own goes through", (path, init) => {
    const sent = request(apiRequest(path, init), own);
    expect(sent.url.searchParams.get("end_user_id")).toBe("eu_own");
  });
});

describe("G10 a request that reaches beyond the connection is not sent", () => {
  const refused: readonly [string, string, Parameters<typeof apiRequest>[1]?][] = [
    ["another in the query", "/v1/banking/accounts?end_user_id=eu_other"],
    ["another beside one's own", "/v1/banking/accounts?end_user_id=eu_own&end_user_id=eu_other"],
    ["another spelling", "/v1/banking/accounts?End_User_ID=eu_other"],
    ["camel case", "/v1/banking/accounts?endUserId=eu_other"],
    ["a list", "/v1/banking/accounts?end_user_id%5B%5D=eu_other"],
    ["a filter", "/v1/banking/accounts?filter%5Bend_user_ids%5D=eu_other"],
    ["nobody", "/v1/banking/accounts?end_user_id="],
    ["another in the path", "/v1/end-users/eu_other"],
    ["another in an encoded path", "/v1/end-users/eu%5Fother"],
    ["an encoded collection", "/v1/end%2Dusers/eu_other"],
    ["doubled slashes", "/v1//end-users//eu_other"],
    ["upper case", "/V1/End-Users/eu_other"],
    ["an encoded slash", "/v1%2Fend-users%2Feu_other"],
    ["an encoded climb", "/v1/banking%2F..%2Fend-users%2Feu_other"],
    ["double encoding", "/v1/end%252Dusers/eu_other"],
    ["a climb that the URL resolves", "/v1/end-users/eu_own/../eu_other"],
    ["a malformed path", "/v1/end-users/%ff"],
    ["everybody", "/v1/end-users?email=other%40b.example"],
    ["everybody, with a slash", "/v1/end-users/"],
    ["a new one", "/v1/end-users", json({ email: "new@b.example" })],
    ["another's arrangement", "/v1/consent/arr_other", { method: "DELETE" }],
    ["another's arrangement in the query", "/v1/banking/accounts?arrangement_id=arr_other"],
    ["another in the body", "/v1/auth/session", json({ end_user_id: "eu_other" })],
    ["another deep in the body", "/v1/x", json({ a: [{ b: { endUserId: "eu_other" } }] })],
    ["another under an escaped name", "/v1/x", { method: "POST", body: '{"end\\u005fuser_id":"eu_other"}' }],
    ["several", "/v1/x", json({ end_user_ids: ["eu_own", "eu_other"] })],
    [
      "another's arrangement in the body",
      "/v1/auth/session",
      json({ end_user_id: "eu_own", arrangement_id: "arr_other" }),
    ],
    ["a form", "/v1/x", { method: "POST", body: "end_user_id=eu_other" }],
    ["a body that cannot be read", "/v1/x", { method: "POST", hasBody: true }],
  ];

  test.each(refused)("%s", async (_name, path, init) => {
    const error = await failure(() => request(apiRequest(path, init), own));
    expect(error.fault).toEqual({ kind: "permission" });
    expect(error.message).toMatch(/^fiskil: this request was not sent: .*; .*\.$/);
    expect(error.message).not.toMatch(/eu_|arr_/);
  });

  test("any arrangement, while the connection knows of none", async () => {
    const error = await failure(() => request(apiRequest("/v1/consent/arr_own"), view({ endUserId: "eu_own" })));
    expect(error.fault.kind).toBe("permission");
  });

  test("anything, while the connection knows no end user", async () => {
    const error = await failure(() => request(apiRequest("/v1/banking/accounts"), view({})));
    expect(error.fault.kind).toBe("permission");
  });
});
