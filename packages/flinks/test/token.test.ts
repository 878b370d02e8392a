import { describe, expect, test } from "vitest";
import { asJson, named, tokenDialect, tokenFault } from "../src/token.ts";
import { answer } from "./answer.ts";

const html = { text: "<html><h1>403</h1></html>", mediaType: "text/html" };

describe("token request", () => {
  test("G46 the same members travel as JSON, credentials among them", () => {
    const request = asJson({
      url: "https://ob.example/api/v1/token",
      headers: new Headers({
        accept: "application/json",
        "content-type": "application/x-www-form-urlencoded;charset=UTF-8",
      }),
      body: new URLSearchParams({
        grant_type: "authorization_code",
        client_id: "dc-demo0001",
        client_secret: 's3/c+r"et é',
        code: "c_77",
        redirect_uri: "https://app.example/cb?a=1&b=2",
      }),
    });
    expect(request.url).toBe("https://ob.example/api/v1/token");
    expect(Object.fromEntries(request.headers)).toEqual({
      accept: "application/json",
      "content-type": "application/json",
    });
    expect(JSON.parse(request.body as string)).toEqual({
      grant_type: "authorization_code",
      client_id: "dc-demo0001",
      client_secret: 's3/c+r"et é',
      code: "c_77",
      redirect_uri: "https://app.example/cb?a=1&b=2",
    });
  });

  test("G50 with Basic the credentials stay in the header and the rest is JSON; as a form nothing is changed", () => {
    const basic = tokenDialect({ authentication: "basic" }).request?.({
      url: "https://ob.example/api/v1/token",
      headers: new Headers({ authorization: "Basic ZGM6cw==" }),
      body: new URLSearchParams({ grant_type: "client_credentials" }),
    });
    expect(basic?.headers.get("authorization")).toBe("Basic ZGM6cw==");
    expect(basic?.body).toBe('{"grant_type":"client_credentials"}');
    expect(tokenDialect({ authentication: "form" }).request).toBeUndefined();
  });
});

describe("token answer", () => {
  test.each([
    ["a number", 299, { access_token: "a", expires_in: 299 }],
    ["digits", "299", { access_token: "a", expires_in: "299" }],
    ["0, the schema's default", 0, { access_token: "a" }],
    ["0 as text", "0", { access_token: "a" }],
    ["absent", undefined, { access_token: "a" }],
    // Nonsense is left for core to warn of.
    ["negative", -5, { access_token: "a", expires_in: -5 }],
  ])("G41 G42 expires_in %s", (_name, expires_in, expected) => {
    expect(
      named(answer(200, { json: { access_token: "a", ...(expires_in !== undefined && { expires_in }) } })),
    ).toEqual(expected);
  });
});

describe("token errors", () => {
  const kinds = (error: string, status = 400, grant = "refresh_token") =>
    tokenFault(answer(status, { json: { error, error_description: "why" } }), grant)?.kind;

  test.each([
    "invalid_client",
    "unauthorized_client",
    "unsupported_grant_type",
    "unsupported_response_type",
    "unsupported_token_type",
    "invalid_request",
    "invalid_scope",
  ])("G35 %s is the operator's affair, on every grant and status", (error) => {
    for (const grant of ["authorization_code", "refresh_token", "client_credentials"])
      for (const status of [200, 400, 401, 403]) expect(kinds(error, status, grant)).toBe("configuration");
  });

  test.each(["server_error", "temporarily_unavailable"])("G32 %s passes, whatever the status", (error) => {
    for (const status of [400, 500, 503]) expect(kinds(error, status)).toBe("retry");
  });

  test("G32 a failing server's words about the grant are not believed", () => {
    for (const status of [500, 502, 503, 504]) {
      expect(kinds("invalid_grant", status)).toBe("retry");
      expect(tokenFault(answer(status, html), "refresh_token")?.kind).toBe("retry");
      expect(tokenFault(answer(status), "refresh_token")?.kind).toBe("retry");
    }
  });

  test("G30 429 is throttling, whatever the body", () => {
    expect(kinds("invalid_grant", 429)).toBe("retry");
    expect(tokenFault(answer(429, html), "refresh_token")?.kind).toBe("retry");
  });

  test("G37 a refused grant: the standard errors are believed at once", () => {
    expect(
      tokenFault(answer(400, { json: { error: "invalid_grant", error_description: "gone" } }), "refresh_token"),
    ).toEqual({
      kind: "reauthorize",
      code: "invalid_grant",
      description: "gone",
    });
    expect(tokenFault(answer(400, { json: { error: "access_denied" } }), "refresh_token")).toEqual({
      kind: "reauthorize",
      reason: "consent_ended",
      code: "access_denied",
    });
    expect(tokenFault(answer(200, { json: { error: "invalid_grant" } }), "refresh_token")?.kind).toBe("reauthorize");
  });

  test.each([400, 401, 403])("a %i without a standard error is suspected alone", (status) => {
    const suspected = { kind: "reauthorize", suspected: true };
    for (const grant of ["refresh_token", "authorization_code"]) {
      expect(tokenFault(answer(status), grant)).toEqual(suspected);
      expect(tokenFault(answer(status, { text: " \n", mediaType: "text/html" }), grant)).toEqual(suspected);
      expect(tokenFault(answer(status, { json: { message: "no" } }), grant)).toEqual(suspected);
      expect(
        tokenFault(
          answer(status, { json: { error: "bank_tokens_expired" }, mediaType: "application/problem+json" }),
          grant,
        ),
      ).toEqual({
        ...suspected,
        code: "bank_tokens_expired",
      });
    }
  });

  test.each([400, 401, 403])("G32 a %i of another media type says nothing about the grant", (status) => {
    expect(tokenFault(answer(status, html), "refresh_token")).toEqual({ kind: "retry" });
    expect(tokenFault(answer(status, { text: "Forbidden", mediaType: "text/plain" }), "refresh_token")).toEqual({
      kind: "retry",
    });
    // Even where it happens to hold JSON.
    expect(
      tokenFault(answer(status, { text: '{"error":"invalid_grant"}', mediaType: "text/html" }), "refresh_token"),
    ).toEqual({ kind: "retry" });
  });

  test("access_denied with a code is the user's no; without a user it is the operator's affair", () => {
    expect(kinds("access_denied", 400, "authorization_code")).toBe("cancelled");
    expect(kinds("access_denied", 400, "client_credentials")).toBe("configuration");
    expect(tokenFault(answer(401), "client_credentials")?.kind).toBe("configuration");
  });

  test("other statuses are left to the standard reading", () => {
    for (const status of [302, 404, 405, 415]) {
      expect(tokenFault(answer(status), "refresh_token")).toBeUndefined();
      expect(tokenFault(answer(status, html), "refresh_token")).toBeUndefined();
    }
  });

  test("G40 both support handles are kept", () => {
    const headers = { "ob-correlation-id": "corr-1", "ob-trace-id": "trace-1" };
    expect(tokenFault(answer(500, { headers }), "refresh_token")).toEqual({
      kind: "retry",
      support: { "ob-correlation-id": "corr-1", "ob-trace-id": "trace-1" },
    });
  });
});
