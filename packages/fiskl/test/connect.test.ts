import { describe, expect, test } from "vitest";
import { bench, clientSecret, faultOf, redirectUri, session } from "./bench.ts";

/** The halves of a Basic credential, form-decoded (RFC 6749, section 2.3.1). */
const halves = (authorization = "") =>
  atob(authorization.replace(/^Basic /, ""))
    .split(":")
    .map((half) => decodeURIComponent(half.replaceAll("+", " ")));

describe("a confidential app", () => {
  test("C1 G50 PKCE and Basic, each half form-encoded", async () => {
    await using it = await bench();
    const flow = await it.books.connect({ owner: "user_42", session, scope: ["invoicing:read", "contacts:read"] });
    const { state, code_challenge, ...query } = Object.fromEntries(new URL(flow.url).searchParams);
    expect(state).toHaveLength(43);
    expect(code_challenge).toHaveLength(43);
    expect(query).toEqual({
      response_type: "code",
      client_id: "app:01",
      redirect_uri: redirectUri,
      scope: "invoicing:read contacts:read",
      code_challenge_method: "S256",
    });
    const callback = await it.simulator.consent(flow.url);
    const connection = await it.connector.complete(callback, { session });
    const [request] = it.tokenRequests("authorization_code");
    expect(request?.headers.authorization).toMatch(/^Basic /);
    expect(halves(request?.headers.authorization)).toEqual(["app:01", clientSecret]);
    const { code_verifier, ...form } = request?.form ?? {};
    expect(code_verifier).toHaveLength(43);
    expect(form).toEqual({
      grant_type: "authorization_code",
      code: new URL(callback).searchParams.get("code"),
      redirect_uri: redirectUri,
    });
    expect(await connection.status()).toMatchObject({
      health: "healthy",
      bearer: "connection",
      accessTokenExpiresAt: it.clock.now() + 3_600_000,
      scope: {
        requested: ["invoicing:read", "contacts:read"],
        granted: ["invoicing:read", "contacts:read"],
        missing: [],
      },
    });
    const invoices = (await (await connection.fetch("/v1/invoices")).json()) as { id: number }[];
    expect(invoices.map(({ id }) => id)).toEqual([4819, 4820]);
  });

  test("G50 by post, without PKCE, where that is told", async () => {
    await using it = await bench({ confidential: { authentication: "post", pkce: false } });
    const connection = await it.connect();
    await it.clock.advance(3_600_000);
    await connection.accessToken();
    const [code, refresh] = it.tokenRequests();
    for (const request of [code, refresh]) {
      expect(request?.headers.authorization).toBeUndefined();
      expect(request?.form).toMatchObject({ client_id: "app:01", client_secret: clientSecret });
    }
    expect(code?.form).not.toHaveProperty("code_verifier");
  });

  test("G50 the wrong secret is the operator's affair, and no other method is tried", async () => {
    await using it = await bench({ confidential: { clientSecret: "another" } });
    const flow = await it.books.connect({ owner: "user_42", session, scope: ["invoicing:read"] });
    const error = await faultOf(it.connector.complete(await it.simulator.consent(flow.url), { session }));
    expect(error.fault).toEqual({ kind: "configuration" });
    expect(error.details).toMatchObject({ provider: "fiskl", registration: "books", code: "invalid_client" });
    expect(it.tokenRequests()).toHaveLength(1);
  });
});

test("C1 a public app proves itself by PKCE alone, on every grant", async () => {
  await using it = await bench();
  const connection = await it.connect(it.open);
  await it.clock.advance(3_600_000);
  await connection.accessToken();
  const [code, refresh] = it.tokenRequests();
  expect([code?.status, refresh?.status]).toEqual([200, 200]);
  for (const request of [code, refresh]) {
    expect(request?.headers.authorization).toBeUndefined();
    expect(request?.form?.client_id).toBe("app_02");
    expect(request?.form).not.toHaveProperty("client_secret");
  }
  expect(code?.form?.code_verifier).toHaveLength(43);
});

describe("scope", () => {
  test("C22 what the user unticked is missing", async () => {
    await using it = await bench();
    const connection = await it.connect(it.books, { ticked: ["invoicing:read"] });
    expect((await connection.status()).scope).toEqual({
      requested: ["invoicing:read", "contacts:read"],
      granted: ["invoicing:read"],
      missing: ["contacts:read"],
    });
    expect((await connection.fetch("/v1/clients")).status).toBe(403);
    expect((await connection.status()).health).toBe("healthy");
  });

  test("an answer without scope leaves it open, and Fiskl can be asked", async () => {
    await using it = await bench({ simulator: { switches: { scopeInAnswer: "never" } } });
    const connection = await it.connect(it.books, { ticked: ["invoicing:read"] });
    expect((await connection.status()).scope.granted).toBeUndefined();
    const { permissions } = (await (await connection.fetch("/v1/me/permissions")).json()) as { permissions: string[] };
    expect(permissions).toEqual(["invoice.read", "quote.read"]);
  });

  test("the default is the option's", async () => {
    await using it = await bench({ confidential: { scope: ["reports:read"] } });
    const flow = await it.books.connect({ owner: "user_42", session });
    expect(new URL(flow.url).searchParams.get("scope")).toBe("reports:read");
  });

  test.each(["offline_access", "openid", "https://fiskl.example/scopes/all", "Reports:Read", "a.b:read"])(
    "whatever a server may call a scope can be asked for: %s",
    async (scope) => {
      await using it = await bench();
      const flow = await it.books.connect({ owner: "user_42", session, scope: ["invoicing:read", scope] });
      expect(new URL(flow.url).searchParams.get("scope")).toBe(`invoicing:read ${scope}`);
    },
  );

  test("the name of an API key's permission is a slip, and is told as one", async () => {
    await using it = await bench();
    const error = await faultOf(it.books.connect({ owner: "user_42", session, scope: ["invoice.read"] }));
    expect(error.fault).toEqual({ kind: "configuration" });
    expect(error.message).toContain('"area.action" names permissions of API keys');
    expect(it.simulator.journal.entries).toHaveLength(0);
  });
});

describe("where the endpoints come from", () => {
  test("discovery reads the issuer's document once, and knows the revocation endpoint by it", async () => {
    await using it = await bench({ discovery: true });
    const connection = await it.connect();
    await it.clock.advance(3_600_000);
    await connection.accessToken();
    expect(it.simulator.journal.filter({ path: /well-known/ }).map(({ path }) => path)).toEqual([
      "/.well-known/oauth-authorization-server",
    ]);
    expect((await connection.disconnect()).revocations).toEqual([
      { what: "refresh_token", result: "revoked" },
      { what: "access_token", result: "revoked" },
    ]);
  });

  test("without a document the web app's page answers: the error says what to do", async () => {
    await using it = await bench({ discovery: true, simulator: { switches: { discovery: false } } });
    const error = await faultOf(it.books.connect({ owner: "user_42", session, scope: ["invoicing:read"] }));
    expect(error.fault).toEqual({ kind: "configuration" });
    expect(error.message).toContain("give the endpoints");
  });
});

describe("G63 callbacks that say no", () => {
  test.each([
    ["deny", { kind: "cancelled" }],
    ["server_error", { kind: "retry" }],
  ])("%s", async (decision, fault) => {
    await using it = await bench();
    const flow = await it.books.connect({ owner: "user_42", session, scope: ["invoicing:read"] });
    const callback = await it.simulator.consent(flow.url, { decision });
    expect((await faultOf(it.connector.complete(callback, { session }))).fault).toMatchObject(fault);
    expect(it.tokenRequests()).toHaveLength(0);
  });

  test("a user who may not connect apps", async () => {
    await using it = await bench();
    it.simulator.users.get("user-1")?.permissions.delete("oauth_app.install");
    const flow = await it.books.connect({ owner: "user_42", session, scope: ["invoicing:read"] });
    const error = await faultOf(it.connector.complete(await it.simulator.consent(flow.url), { session }));
    expect(error.fault).toEqual({ kind: "cancelled" });
    expect(error.details.code).toBe("access_denied");
  });

  test("a scope that Fiskl does not know", async () => {
    await using it = await bench();
    const flow = await it.books.connect({ owner: "user_42", session, scope: ["nonsense:read"] });
    const error = await faultOf(it.connector.complete(await it.simulator.consent(flow.url), { session }));
    expect(error.fault).toEqual({ kind: "configuration" });
    expect(error.details.code).toBe("invalid_scope");
  });
});

test("G65 the redirect URI is the same text in both legs, localhost and its port included", async () => {
  const local = "http://localhost:3000/callback";
  await using it = await bench({ confidential: { redirectUri: local } });
  const flow = await it.books.connect({ owner: "user_42", session, scope: ["invoicing:read"] });
  expect(new URL(flow.url).searchParams.get("redirect_uri")).toBe(local);
  const callback = await it.simulator.consent(flow.url);
  expect(callback.startsWith(`${local}?`)).toBe(true);
  await it.connector.complete(callback, { session });
  expect(it.tokenRequests()[0]?.form?.redirect_uri).toBe(local);
});
