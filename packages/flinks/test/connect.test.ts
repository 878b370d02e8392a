import { describe, expect, test } from "vitest";
import { bench, clientSecret, faultOf, redirectUri, session } from "./bench.ts";

const correlationId = "6a1f2c1e-0000-4000-8000-000000000001";

test("G46 a connection: Flinks's parameters out, JSON at the token endpoint, the bank and the token's sub as account", async () => {
  await using it = await bench();
  const flow = await it.flinks.connect({
    owner: "user_42",
    session,
    providerId: 1000,
    correlationId,
    language: "fr",
    scope: ["ACCOUNT_BASIC", "TRANSACTIONS"],
  });
  const url = new URL(flow.url);
  expect(url.origin + url.pathname).toBe(`${it.simulator.origin}/api/v1/authorize`);
  const { state, ...query } = Object.fromEntries(url.searchParams);
  expect(state?.length).toBe(43);
  expect(query).toEqual({
    response_type: "code",
    client_id: "dc-demo0001",
    redirect_uri: redirectUri,
    scope: "ACCOUNT_BASIC TRANSACTIONS",
    provider_id: "1000",
    correlation_id: correlationId,
    lang: "fr",
  });

  const callback = await it.simulator.consent(flow.url);
  const connection = await it.connector.complete(callback, { session });
  const [request] = it.tokenRequests("authorization_code");
  expect(request?.headers["content-type"]).toBe("application/json");
  expect(request?.headers.authorization).toBeUndefined();
  expect(request?.json).toEqual({
    grant_type: "authorization_code",
    client_id: "dc-demo0001",
    client_secret: clientSecret,
    code: new URL(callback).searchParams.get("code"),
    redirect_uri: redirectUri,
  });
  expect(await connection.status()).toMatchObject({
    health: "healthy",
    account: `1000:${it.simulator.users.get("user-1")?.customerId}`,
    data: { providerId: "1000" },
    bearer: "connection",
    scope: { requested: ["ACCOUNT_BASIC", "TRANSACTIONS"], missing: [] },
    accessTokenExpiresAt: it.clock.now() + 299_000,
  });
  const accounts = await connection.fetch("/api/fdx/5/accounts");
  expect(accounts.status).toBe(200);
});

test("G67 two people at one bank are two accounts; the scope that comes back is read where it is told", async () => {
  await using it = await bench({ simulator: { switches: { scopeInAnswer: true } } });
  const [one, two] = [
    await it.connect({ user: "user-1" }),
    await it.connect({ user: "user-2", providerId: 1001, scope: ["ACCOUNT_BASIC", "STATEMENTS"] }),
  ];
  expect((await one.status()).account).toBe(`1000:${it.simulator.users.get("user-1")?.customerId}`);
  expect((await two.status()).account).toBe(`1001:${it.simulator.users.get("user-2")?.customerId}`);
  expect((await one.status()).scope.missing).toEqual([]);
  // The second bank shares less than was asked for.
  expect((await two.status()).scope).toEqual({
    requested: ["ACCOUNT_BASIC", "STATEMENTS"],
    granted: ["ACCOUNT_BASIC"],
    missing: ["STATEMENTS"],
  });
});

test.each([
  ["basic", { clientAuthentication: ["client_secret_basic"], bodies: ["json"] }, "application/json"],
  [
    "form",
    { clientAuthentication: ["client_secret_post"], bodies: ["form"] },
    "application/x-www-form-urlencoded;charset=UTF-8",
  ],
] as const)("G50 authentication %s on every grant", async (authentication, switches, contentType) => {
  await using it = await bench({ adapter: { authentication }, simulator: { switches } });
  const connection = await it.connect();
  await it.clock.advance(300_000);
  await connection.accessToken();
  await it.flinks.providers.list();
  const requests = it.simulator.journal.filter({ path: "/api/v1/token" });
  expect(requests.map(({ status }) => status)).toEqual([200, 200, 200]);
  for (const { headers, body } of requests) {
    expect(headers["content-type"]).toBe(contentType);
    expect(headers.authorization?.startsWith("Basic ") ?? false).toBe(authentication === "basic");
    expect(body.includes("client_secret")).toBe(authentication === "form");
  }
});

test("G50 the wrong method is refused and no other is tried", async () => {
  await using it = await bench({ adapter: { authentication: "basic" } });
  const flow = await it.flinks.connect({ owner: "user_42", session, providerId: 1000 });
  const error = await faultOf(it.connector.complete(await it.simulator.consent(flow.url), { session }));
  expect(error.fault).toEqual({ kind: "configuration" });
  expect(error.details).toMatchObject({
    provider: "flinks",
    registration: "flinks",
    code: "invalid_client",
    status: 400,
  });
  expect(it.tokenRequests("authorization_code")).toHaveLength(1);
});

test("C1 PKCE is sent where it is asked for", async () => {
  await using it = await bench({ adapter: { pkce: true } });
  const flow = await it.flinks.connect({ owner: "user_42", session, providerId: 1000 });
  const { searchParams } = new URL(flow.url);
  expect(searchParams.get("code_challenge")?.length).toBe(43);
  expect(searchParams.get("code_challenge_method")).toBe("S256");
  await it.connector.complete(await it.simulator.consent(flow.url), { session });
  expect(it.tokenRequests("authorization_code")[0]?.json).toMatchObject({
    code_verifier: expect.stringMatching(/^[\w-]{43}$/),
  });
});

test("another token endpoint, another name for the language", async () => {
  await using other = await bench();
  await using it = await bench({
    adapter: { tokenUrl: other.simulator.endpoints.token_endpoint, languageParameter: "locale" },
  });
  const flow = await it.flinks.connect({ owner: "user_42", session, providerId: 1000, language: "fr" });
  expect(new URL(flow.url).searchParams.get("locale")).toBe("fr");
  expect(new URL(flow.url).searchParams.has("lang")).toBe(false);
  await faultOf(it.connector.complete(await it.simulator.consent(flow.url), { session }));
  expect(it.tokenRequests("authorization_code")).toHaveLength(0);
  expect(other.tokenRequests("authorization_code")).toHaveLength(1);
});

describe("G63 callbacks that say no", () => {
  test.each([
    ["deny", { kind: "cancelled" }, "access_denied"],
    ["invalid_request", { kind: "configuration" }, "invalid_request"],
    ["invalid_scope", { kind: "configuration" }, "invalid_scope"],
    ["unauthorized_client", { kind: "configuration" }, "unauthorized_client"],
    ["server_error", { kind: "retry" }, "server_error"],
    ["temporarily_unavailable", { kind: "retry" }, "temporarily_unavailable"],
  ])("%s", async (decision, fault, code) => {
    await using it = await bench();
    const flow = await it.flinks.connect({ owner: "user_42", session, providerId: 1000 });
    const callback = await it.simulator.consent(flow.url, { decision });
    const error = await faultOf(it.connector.complete(callback, { session }));
    expect(error.fault).toMatchObject(fault);
    expect(error.details.code).toBe(code);
    expect(it.tokenRequests("authorization_code")).toHaveLength(0);
  });

  test("the token endpoint's no to a code is the user's no, too", async () => {
    await using it = await bench();
    const flow = await it.flinks.connect({ owner: "user_42", session, providerId: 1000 });
    it.simulator.faults.next("status", { path: "/api/v1/token", status: 400, body: { error: "access_denied" } });
    const error = await faultOf(it.connector.complete(await it.simulator.consent(flow.url), { session }));
    expect(error.fault).toEqual({ kind: "cancelled" });
    expect(error.details).toMatchObject({ provider: "flinks", code: "access_denied", status: 400 });
    expect(error.message).toContain("begin the authorization again");
  });

  test("a bank that the client is not registered with", async () => {
    await using it = await bench();
    const flow = await it.flinks.connect({ owner: "user_42", session, providerId: 2000 });
    const error = await faultOf(it.connector.complete(await it.simulator.consent(flow.url), { session }));
    expect(error.fault.kind).toBe("configuration");
    expect(error.details.code).toBe("unauthorized_client");
  });
});

describe("parameters of connect", () => {
  test("the bank is needed, and a mistake is named before anything is sent", async () => {
    await using it = await bench();
    const connect = it.flinks.connect as (request: object) => Promise<unknown>;
    for (const [member, own] of [
      ["providerId", {}],
      ["providerId", { providerId: "1000" }],
      ["correlationId", { providerId: 1000, correlationId: "42" }],
      ["language", { providerId: 1000, language: "de" }],
      ["correlationID", { providerId: 1000, correlationID: correlationId }],
      ["lang", { providerId: 1000, lang: "fr" }],
    ] as const) {
      const error = await faultOf(connect({ owner: "user_42", session, ...own }));
      expect(error.fault).toEqual({ kind: "configuration" });
      expect(error.message).toContain(member);
    }
    expect(it.simulator.journal.entries).toHaveLength(0);
  });

  test("without a scope it is the minimum", async () => {
    await using it = await bench();
    const flow = await it.flinks.connect({ owner: "user_42", session, providerId: 1000 });
    expect(new URL(flow.url).searchParams.get("scope")).toBe("ACCOUNT_BASIC");
  });
});

describe("scope", () => {
  // These pass, and `.fails` goes, once core asks the adapter's `connect.scope`.
  test("the minimum is always part of it", async () => {
    await using it = await bench();
    const flow = await it.flinks.connect({ owner: "user_42", session, providerId: 1000, scope: ["TRANSACTIONS"] });
    expect(new URL(flow.url).searchParams.get("scope")).toBe("ACCOUNT_BASIC TRANSACTIONS");
  });

  test("client:admin is the application's own and is never asked of a user", async () => {
    await using it = await bench();
    const request = { owner: "user_42", session, providerId: 1000, scope: ["ACCOUNT_BASIC", "client:admin"] };
    expect((await faultOf(it.flinks.connect(request))).fault).toEqual({ kind: "configuration" });
  });
});

test("G62 a code that Flinks refuses is not sent again", async () => {
  await using it = await bench();
  const flow = await it.flinks.connect({ owner: "user_42", session, providerId: 1000 });
  const callback = await it.simulator.consent(flow.url);
  await it.clock.advance(61_000);
  expect((await faultOf(it.connector.complete(callback, { session }))).fault.kind).toBe("flow");
  expect((await faultOf(it.connector.complete(callback, { session }))).fault).toEqual({ kind: "flow", reason: "used" });
  expect(it.tokenRequests("authorization_code")).toHaveLength(1);
});
