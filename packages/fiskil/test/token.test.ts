import { describe, expect, test } from "vitest";
import { adapter, answer } from "./adapter.ts";

const { tokenRequest, tokenResponse, tokenFault } = adapter();

describe("token request", () => {
  test("G46 two JSON members: no grant_type, no scope, nothing in the URL or the Authorization header", () => {
    const body = new URLSearchParams({
      grant_type: "client_credentials",
      scope: "api:user.read",
      client_id: "key_01",
      client_secret: 'a+b/%é:"',
    });
    const headers = new Headers({ "content-type": "application/x-www-form-urlencoded", "user-agent": "app" });
    const request = tokenRequest({ url: "https://api.fiskil.com/v1/token", headers, body });

    expect(request.url).toBe("https://api.fiskil.com/v1/token");
    expect(JSON.parse(request.body as string)).toEqual({ client_id: "key_01", client_secret: 'a+b/%é:"' });
    expect(Object.fromEntries(request.headers)).toEqual({
      "content-type": "application/json",
      accept: "application/json",
      "user-agent": "app",
      "x-fiskil-version": "v3",
    });
    expect(headers.get("content-type")).toBe("application/x-www-form-urlencoded");
  });
});

describe("token answer", () => {
  test.each([
    ["the guide's", { token: "t", token_type: "Bearer", expires_in: 900 }, "Bearer", 900],
    ["the reference's", { token: "t", expires_in: 900 }, "Bearer", 900],
    ["the old guide's", { access_token: "t", token_type: "Bearer", expires_in: 3600 }, "Bearer", 3600],
    ["one without a lifetime", { token: "t" }, "Bearer", undefined],
    ["one with null members", { token: "t", token_type: null, expires_in: null }, "Bearer", null],
    ["one of another type", { token: "t", token_type: "MAC" }, "MAC", undefined],
  ])("G46 %s", (_name, json, token_type, expires_in) => {
    expect(tokenResponse(answer(200, json), "client_credentials")).toEqual({
      access_token: "t",
      token_type,
      expires_in,
      scope: undefined,
    });
  });

  test("`token` stands before `access_token`", () => {
    const json = { token: "new", access_token: "old" };
    expect(tokenResponse(answer(200, json), "client_credentials").access_token).toBe("new");
  });

  test("G55 a stray refresh token is not passed on", () => {
    const json = { token: "t", refresh_token: "r", id_token: "i" };
    expect(Object.keys(tokenResponse(answer(200, json), "client_credentials")).sort()).toEqual([
      "access_token",
      "expires_in",
      "scope",
      "token_type",
    ]);
  });

  test.each([[undefined], [null], ["text"], [[]]])("G48 %j carries no token", (json) => {
    expect(tokenResponse(answer(200, json), "client_credentials").access_token).toBeUndefined();
  });
});

describe("token error", () => {
  const goa = (more: object) => ({
    id: "err_1",
    message: "m",
    temporary: false,
    timeout: false,
    fault: false,
    ...more,
  });

  test.each([
    ["G35 401, goa", 401, goa({ name: "unauthorized" }), "configuration", "unauthorized"],
    ["G35 401, RFC-like", 401, { error: "invalid_client", error_description: "m" }, "configuration", "invalid_client"],
    ["G35 401 without a body", 401, undefined, "configuration", undefined],
    ["400 of a missing member", 400, goa({ name: "bad_request" }), "configuration", "bad_request"],
    ["403", 403, goa({ name: "forbidden" }), "configuration", "forbidden"],
    ["G30 429", 429, goa({ name: "too_many" }), "retry", "too_many"],
    ["G32 500", 500, goa({ name: "internal" }), "retry", "internal"],
    ["G32 503 whose body says invalid_client", 503, { error: "invalid_client" }, "retry", "invalid_client"],
    ["401 that goa calls temporary", 401, goa({ name: "unauthorized", temporary: true }), "retry", "unauthorized"],
    ["400 that goa calls a timeout", 400, goa({ name: "timeout", timeout: true }), "retry", "timeout"],
    ["G37 200 with an error", 200, { error: "invalid_client" }, "configuration", "invalid_client"],
  ])("%s", (_name, status, json, kind, code) => {
    const reading = tokenFault(answer(status, json), "client_credentials");
    expect(reading?.kind).toBe(kind);
    expect(reading?.code).toBe(code);
  });

  test("G40 support gets the error's id", () => {
    const reading = tokenFault(answer(401, goa({ name: "unauthorized" })), "client_credentials");
    expect(reading).toEqual({
      kind: "configuration",
      code: "unauthorized",
      description: "m",
      support: { error_id: "err_1" },
    });
  });

  test("what is no error is left to the engine", () => {
    expect(tokenFault(answer(302), "client_credentials")).toBeUndefined();
    expect(tokenFault(answer(200, { error: null, token: "t" }), "client_credentials")).toBeUndefined();
  });
});
