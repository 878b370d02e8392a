import { type FlinksOptions, simulateFlinks, virtualClock } from "@linkwright/testing";
import { afterEach, expect, test } from "vitest";

const redirectUri = "https://app.example/callback";
const day = 86_400_000;

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one[Symbol.asyncDispose]();
});

async function flinks(options: FlinksOptions = {}) {
  const clock = virtualClock();
  const sim = await simulateFlinks({ clock, ...options });
  open.push(sim);
  const call = async (method: string, path: string, token?: unknown, body?: unknown) => {
    const response = await fetch(sim.origin + path, {
      method,
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { "content-type": "application/json" }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text === "" ? undefined : JSON.parse(text) };
  };
  const token = (members: Record<string, string>) =>
    call("POST", "/api/v1/token", undefined, { client_id: "dc-demo0001", client_secret: "s3cr3t", ...members });
  return {
    sim,
    clock,
    call,
    token,
    refresh: (refresh_token: unknown) => token({ grant_type: "refresh_token", refresh_token: String(refresh_token) }),
    get: (path: string, access: unknown) => call("GET", path, access),
    partner: async () => {
      const credentials = { client_id: "partner-demo", client_secret: "s3cr3t" };
      const { body } = await token({ ...credentials, grant_type: "client_credentials", scope: "client:admin" });
      return body.access_token;
    },
    authorize: (parameters: Record<string, string | undefined> = {}) => {
      const all = {
        response_type: "code",
        client_id: "dc-demo0001",
        redirect_uri: redirectUri,
        scope: "ACCOUNT_BASIC TRANSACTIONS",
        state: "xyz",
        provider_id: "1000",
        ...parameters,
      };
      const query = new URLSearchParams(
        Object.entries(all).filter((one): one is [string, string] => one[1] !== undefined),
      );
      return `${sim.endpoints.authorization_endpoint}?${query}`;
    },
  };
}

const parametersOf = (callback: string) => Object.fromEntries(new URL(callback).searchParams);

test("authorize: approve, deny, each error", async () => {
  const { sim, authorize } = await flinks();
  expect(parametersOf(await sim.consent(authorize({ correlation_id: "c" })))).toEqual({
    code: expect.stringMatching(/^code_/),
    state: "xyz",
  });
  expect(parametersOf(await sim.consent(authorize(), { decision: "deny" }))).toEqual({
    error: "access_denied",
    error_description: "The simulator was asked for access_denied.",
    state: "xyz",
  });
  for (const error of ["invalid_scope", "server_error", "temporarily_unavailable"]) {
    expect(parametersOf(await sim.consent(authorize(), { decision: error }))).toMatchObject({ error, state: "xyz" });
  }
});

test("authorize: state, ACCOUNT_BASIC and a registered bank are demanded", async () => {
  const { sim, authorize } = await flinks();
  const refused = async (parameters: Record<string, string | undefined>) =>
    parametersOf(await sim.consent(authorize(parameters))).error;
  expect(await refused({ state: undefined })).toBe("invalid_request");
  expect(await refused({ scope: "TRANSACTIONS" })).toBe("invalid_scope");
  expect(await refused({ scope: "ACCOUNT_BASIC client:admin" })).toBe("invalid_scope");
  expect(await refused({ provider_id: undefined })).toBe("invalid_request");
  expect(await refused({ provider_id: "2000" })).toBe("unauthorized_client");
  expect(await refused({ response_type: "token" })).toBe("unsupported_response_type");
  sim.register("dc-demo0001", 1000, "PENDING_ACTIVATION");
  expect(await refused({})).toBe("unauthorized_client");
  sim.switches.providerIdRequired = false;
  expect(parametersOf(await sim.consent(authorize({ provider_id: undefined }))).code).toBeDefined();
  await expect(sim.consent(authorize({ redirect_uri: `${redirectUri}/` }))).rejects.toThrow("invalid_request");
});

test("code: JSON, exact redirect URI, once, a JWT of three claims", async () => {
  const { sim, clock, token, authorize } = await flinks();
  const fresh = async () => parametersOf(await sim.consent(authorize())).code ?? "";
  const code = await fresh();
  const wrong = await token({ grant_type: "authorization_code", code, redirect_uri: `${redirectUri}?x` });
  expect([wrong.status, wrong.body.error]).toEqual([400, "invalid_grant"]);
  const { status, body } = await token({ grant_type: "authorization_code", code, redirect_uri: redirectUri });
  expect(status).toBe(200);
  expect(body).toEqual({
    access_token: expect.any(String),
    token_type: "Bearer",
    refresh_token: expect.stringMatching(/^rt_/),
    expires_in: 299,
  });
  expect(JSON.parse(Buffer.from(body.access_token.split(".")[1], "base64url").toString())).toEqual({
    client_id: "dc-demo0001",
    sub: sim.users.get("user-1")?.customerId,
    exp: clock.now() / 1000 + 300,
  });
  const again = await token({ grant_type: "authorization_code", code, redirect_uri: redirectUri });
  expect([again.status, again.body.error]).toEqual([400, "invalid_grant"]);

  const late = await fresh();
  await clock.advance(60_000);
  const tooLate = await token({ grant_type: "authorization_code", code: late, redirect_uri: redirectUri });
  expect(tooLate.body.error).toBe("invalid_grant");
});

test("token: JSON alone at first; form and Basic where they are switched on", async () => {
  const { sim } = await flinks();
  const form = { grant_type: "client_credentials", client_id: "dc-demo0001", client_secret: "s3cr3t" };
  const post = async (body: Record<string, string>, headers: Record<string, string> = {}) => {
    const response = await fetch(sim.endpoints.token_endpoint, {
      method: "POST",
      body: new URLSearchParams(body),
      headers,
    });
    return [response.status, (await response.json()).error];
  };
  const basic = { authorization: `Basic ${Buffer.from("dc-demo0001:s3cr3t").toString("base64")}` };
  expect(await post(form)).toEqual([400, "invalid_request"]);
  sim.switches.bodies = ["json", "form"];
  expect(await post(form)).toEqual([400, "invalid_client"]);
  sim.switches.clientAuthentication = ["client_secret_post", "client_secret_basic"];
  expect(await post(form)).toEqual([200, undefined]);
  expect(await post({ grant_type: "client_credentials" }, basic)).toEqual([200, undefined]);
});

test("token: every error at 400", async () => {
  const { token } = await flinks();
  const table: [Record<string, string>, string][] = [
    [{}, "invalid_request"],
    [{ grant_type: "client_credentials", client_secret: "wrong" }, "invalid_client"],
    [{ grant_type: "client_credentials", client_id: "nobody" }, "invalid_client"],
    [{ grant_type: "password" }, "unsupported_grant_type"],
    [{ grant_type: "refresh_token" }, "invalid_request"],
    [{ grant_type: "refresh_token", refresh_token: "nonsense" }, "invalid_grant"],
    [{ grant_type: "client_credentials", scope: "client:admin" }, "invalid_scope"],
    [{ grant_type: "refresh_token", refresh_token: "x", client_id: "partner-demo" }, "unauthorized_client"],
  ];
  for (const [members, error] of table) {
    const { status, body } = await token(members);
    expect([status, body.error], JSON.stringify(members)).toEqual([400, error]);
  }
});

test("expires_in and scope of the answer are switches", async () => {
  const { sim, refresh } = await flinks();
  const { refresh_token } = sim.issue();
  sim.switches.expiresIn = 0;
  expect((await refresh(refresh_token)).body.expires_in).toBe(0);
  sim.switches.expiresIn = "absent";
  sim.switches.scopeInAnswer = true;
  expect((await refresh(refresh_token)).body).toEqual({
    access_token: expect.any(String),
    token_type: "Bearer",
    scope: "ACCOUNT_BASIC TRANSACTIONS",
  });
});

test("refresh: the same token, not in the answer, 30 days without use", async () => {
  const { sim, clock, refresh } = await flinks();
  const { refresh_token } = sim.issue();
  for (let month = 0; month < 4; month += 1) {
    await clock.advance(30 * day);
    const { status, body } = await refresh(refresh_token);
    expect([status, Object.keys(body)]).toEqual([200, ["access_token", "token_type", "expires_in"]]);
  }
  await clock.advance(30 * day + 1);
  const dead = await refresh(refresh_token);
  expect([dead.status, dead.body.error]).toEqual([400, "invalid_grant"]);
});

test("upstream expired: 400, 401, 403, with an error or without, for one user or all", async () => {
  const { sim, token, refresh } = await flinks();
  const one = sim.issue({ user: "user-1" }).refresh_token;
  const two = sim.issue({ user: "user-2" }).refresh_token;
  sim.switches.upstreamExpired = { status: 401, user: "user-1" };
  const bare = await refresh(one);
  expect([bare.status, Object.keys(bare.body)]).toEqual([401, ["message"]]);
  expect((await refresh(two)).status).toBe(200);
  sim.switches.upstreamExpired = { status: 403, error: "access_denied" };
  expect((await refresh(two)).body.error).toBe("access_denied");
  sim.switches.upstreamExpired = { status: 400, body: "empty" };
  expect(await refresh(two)).toMatchObject({ status: 400, body: undefined });
  expect((await token({ grant_type: "client_credentials" })).status).toBe(200);
  sim.switches.upstreamExpired = undefined;
  expect((await refresh(one)).status).toBe(200);
});

test("revoke: DELETE or POST, 204 and no body, ends everything; not with a dead token, not twice", async () => {
  const { sim, clock, call, refresh, get } = await flinks();
  for (const method of ["DELETE", "POST"]) {
    const { access_token, refresh_token } = sim.issue();
    expect(await call(method, "/api/v1/revoke", access_token)).toMatchObject({ status: 204, body: undefined });
    expect((await refresh(refresh_token)).body.error).toBe("invalid_grant");
    expect((await get("/api/fdx/5/accounts", access_token)).status).toBe(401);
    const twice = await call(method, "/api/v1/revoke", access_token);
    expect([twice.status, twice.body.error]).toEqual([400, "invalid_request"]);
  }
  const { access_token, refresh_token } = sim.issue();
  await clock.advance(300_000);
  expect((await call("DELETE", "/api/v1/revoke", access_token)).status).toBe(400);
  expect((await refresh(refresh_token)).status).toBe(200);
});

test("revoke: access tokens may outlive the connection", async () => {
  const { sim, call, get, refresh } = await flinks({ switches: { accessTokensOutliveGrant: true } });
  const { access_token, refresh_token } = sim.issue();
  expect((await call("DELETE", "/api/v1/revoke", access_token)).status).toBe(204);
  expect((await get("/api/fdx/5/accounts", access_token)).status).toBe(200);
  expect((await refresh(refresh_token)).status).toBe(400);
  expect((await call("DELETE", "/api/v1/revoke", access_token)).body.error).toBe("invalid_request");
});

test("FDX: accounts and transactions a page at a time, with both headers", async () => {
  const { sim, get } = await flinks();
  const { access_token } = sim.issue();
  const first = await get("/api/fdx/5/accounts?limit=1", access_token);
  expect(first.headers.get("ob-correlation-id")).toMatch(/^[0-9a-f-]{36}$/);
  expect(first.headers.get("ob-trace-id")).toMatch(/^[0-9a-f]{32}$/);
  expect(first.body).toEqual({
    page: { nextOffset: "MQ", totalElements: 2 },
    links: { next: { href: `${sim.origin}/api/fdx/5/accounts?limit=1&offset=MQ` } },
    accounts: [
      {
        depositAccount: {
          accountId: "11",
          accountCategory: "DEPOSIT_ACCOUNT",
          accountType: "CHECKING",
          accountNumberDisplay: "****1234",
          status: "OPEN",
          currency: { currencyCode: "CAD" },
          currentBalance: 120.5,
        },
      },
    ],
  });
  const second = await get("/api/fdx/5/accounts?limit=1&offset=MQ", access_token);
  expect(second.body.page).toEqual({ totalElements: 2 });
  expect(second.body.accounts[0].locAccount.accountId).toBe("12");

  const path = "/api/fdx/5/accounts/11/transactions?startTime=2026-01-02T00:00:00Z&endTime=2026-01-04T00:00:00Z";
  const { body } = await get(path, access_token);
  expect(
    body.transactions.map((one: Record<string, Record<string, unknown>>) => one.depositTransaction?.transactionId),
  ).toEqual(["t2", "t3"]);
});

test("FDX: numbers are not HTTP statuses; scope, dates, accounts, networks", async () => {
  const { sim, get } = await flinks();
  const { access_token } = sim.issue({ scope: "ACCOUNT_BASIC TRANSACTIONS ACCOUNT_PAYMENTS", providerId: 1001 });
  const table: [string, number, number][] = [
    ["/customers/current", 401, 602],
    ["/accounts?resultType=details", 401, 602],
    ["/accounts?limit=0", 400, 401],
    ["/accounts/99", 404, 701],
    ["/accounts/11/transactions?startTime=soon", 400, 702],
    ["/accounts/11/transactions?startTime=2026-02-01&endTime=2026-01-01", 400, 703],
    ["/accounts/11/payment-networks", 405, 501],
    ["/accounts/11/statements", 401, 602],
  ];
  for (const [path, status, code] of table) {
    const answer = await get(`/api/fdx/5${path}`, access_token);
    expect([answer.status, answer.body.code], path).toEqual([status, code]);
    expect(Object.keys(answer.body)).toEqual(["code", "message", "debugMessage"]);
  }
  const all = sim.issue({
    scope: "ACCOUNT_BASIC ACCOUNT_DETAILED ACCOUNT_PAYMENTS STATEMENTS CUSTOMER_CONTACT",
  }).access_token;
  expect((await get("/api/fdx/5/customers/current", all)).body).toMatchObject({
    name: { first: "user-1", last: "Example" },
  });
  expect((await get("/api/fdx/5/accounts?resultType=details&accountIds=11", all)).body.accounts).toMatchObject([
    { depositAccount: { accountNumber: "0001234" } },
  ]);
  expect((await get("/api/fdx/5/accounts/11/payment-networks", all)).status).toBe(200);
  const statement = await fetch(`${sim.endpoints.fdx}/accounts/11/statements/s1`, {
    headers: { authorization: `Bearer ${all}` },
  });
  expect(statement.headers.get("content-type")).toBe("application/pdf");
});

test("FDX: 602 on one kind of data or on all; stale tokens with a message alone; 1207 at two statuses", async () => {
  const { sim, clock, get } = await flinks();
  const { access_token } = sim.issue();
  sim.switches.notAuthorized = [/transactions$/];
  expect((await get("/api/fdx/5/accounts/11/transactions", access_token)).body.code).toBe(602);
  expect((await get("/api/fdx/5/accounts", access_token)).status).toBe(200);
  sim.switches.notAuthorized = "everywhere";
  expect((await get("/api/fdx/5/accounts", access_token)).body.code).toBe(602);
  sim.switches.notAuthorized = [];

  sim.switches.throttled = { status: 422 };
  expect(await get("/api/fdx/5/accounts", access_token)).toMatchObject({ status: 422, body: { code: 1207 } });
  sim.switches.throttled = { status: 429, retryAfter: "9" };
  const throttled = await get("/api/fdx/5/accounts", access_token);
  expect([throttled.status, throttled.headers.get("retry-after")]).toEqual([429, "9"]);
  sim.switches.throttled = undefined;
  sim.faults.next("status", { path: /^\/api\/fdx/, status: 503 });
  expect((await get("/api/fdx/5/accounts", access_token)).body).toMatchObject({ code: 503 });

  await clock.advance(300_000);
  const stale = await get("/api/fdx/5/accounts", access_token);
  expect([stale.status, stale.body, stale.headers.has("ob-trace-id")]).toEqual([
    401,
    { message: "Unauthorized" },
    true,
  ]);
  sim.switches.staleTokenStatus = 403;
  expect((await get("/api/fdx/5/accounts", access_token)).status).toBe(403);
});

test("providers: one path, two meanings; the second version filters", async () => {
  const { sim, token, partner, get } = await flinks();
  const recipient = (await token({ grant_type: "client_credentials" })).body.access_token;
  const ids = (list: { provider_id?: number; providerId?: number }[]) =>
    list.map((one) => one.provider_id ?? one.providerId);
  expect((await get("/api/v1/providers", recipient)).body).toEqual([
    { provider_id: 1000, name: "Flinks Capital", country: "CA" },
    { provider_id: 1001, name: "Second Bank", country: "CA" },
  ]);
  const admin = await partner();
  expect(ids((await get("/api/v1/providers", admin)).body)).toEqual([1000, 1001, 2000]);
  expect((await get("/api/v1/providers/1001", admin)).body).toMatchObject({
    provider_id: 1001,
    scopes: ["ACCOUNT_BASIC", "TRANSACTIONS"],
  });
  expect((await get("/api/v1/providers/1001", recipient)).status).toBe(400);

  sim.register("dc-demo0001", 1001, "SUSPENDED");
  const listed = (await get("/api/v2/providers", recipient)).body;
  expect(listed.map((one: Record<string, unknown>) => [one.providerId, one.registrationStatus])).toEqual([
    [1000, "Activated"],
    [1001, "Suspended"],
    [2000, "Available"],
  ]);
  expect(ids((await get("/api/v2/providers?isEnabledForClient=true", recipient)).body)).toEqual([1000]);
  expect(ids((await get("/api/v2/providers?isEnabledForClient=false&country=CA", recipient)).body)).toEqual([1001]);
  expect(ids((await get("/api/v2/providers?country=CA,US", recipient)).body)).toEqual([1000, 1001, 2000]);
  const user = sim.issue().access_token;
  expect((await get("/api/v1/providers", user)).status).toBe(401);
});

test("a bank's scopes bound the grant", async () => {
  const { sim, token, authorize } = await flinks({ switches: { scopeInAnswer: true } });
  const callback = await sim.consent(authorize({ provider_id: "1001", scope: "ACCOUNT_BASIC STATEMENTS" }));
  const code = parametersOf(callback).code ?? "";
  const { body } = await token({ grant_type: "authorization_code", code, redirect_uri: redirectUri });
  expect(body.scope).toBe("ACCOUNT_BASIC");
});

test("recipients: created, read, their URIs replaced, their secret renewed", async () => {
  const { sim, clock, call, token, partner } = await flinks();
  const admin = await partner();
  const created = await call("POST", "/api/v1/recipients", admin, {
    name: "Shop",
    scope: "ACCOUNT_BASIC",
    redirect_uris: ["https://shop.example/cb"],
    country: "CA",
  });
  expect(created.body).toEqual({
    country: "CA",
    client_id: expect.stringMatching(/^dc-/),
    client_secret: expect.any(String),
    name: "Shop",
    scope: "ACCOUNT_BASIC",
    redirect_uris: ["https://shop.example/cb"],
  });
  const { client_id, client_secret } = created.body;
  const path = `/api/v1/recipients/${client_id}`;
  const replaced = await call("PUT", path, admin, {
    redirect_uris: ["https://shop.example/a", "https://shop.example/b"],
  });
  expect(replaced.body.redirect_uris).toEqual(["https://shop.example/a", "https://shop.example/b"]);
  sim.switches.redirectUrisRequest = "string";
  expect((await call("PUT", path, admin, { redirect_uris: ["https://shop.example/a"] })).body.error).toBe(
    "invalid_request",
  );

  const own = (secret: string) => token({ client_id, client_secret: secret, grant_type: "client_credentials" });
  expect((await own(client_secret)).status).toBe(200);
  const renewed = (await call("POST", `${path}/secret`, admin)).body.client_secret;
  expect((await own(client_secret)).body.error).toBe("invalid_client");
  expect((await own(renewed)).status).toBe(200);
  sim.switches.secretOverlap = true;
  expect((await own(client_secret)).status).toBe(200);
  expect((await call("GET", "/api/v1/recipients", admin)).body).toContainEqual({ client_id, name: "Shop" });

  await clock.advance(300_000);
  expect((await call("GET", "/api/v1/recipients", admin)).status).toBe(400);
});

test("registrations are asked for, and stay pending until somebody approves", async () => {
  const { sim, call, partner, authorize } = await flinks();
  const admin = await partner();
  const asked = await call("POST", "/api/v1/recipients/providers/requests/dc-demo0001/2000", admin);
  expect(asked.body).toEqual([
    {
      client_id: "dc-demo0001",
      client_name: "dc-demo0001",
      provider_id: 2000,
      provider_name: "First Bank of Testing",
      country: "US",
      registration_status: "PENDING_APPROVAL",
      requested_on: "2026-01-15T02:03:04.000Z",
    },
  ]);
  expect(parametersOf(await sim.consent(authorize({ provider_id: "2000" }))).error).toBe("unauthorized_client");
  sim.register("dc-demo0001", 2000, "ACTIVE");
  expect(parametersOf(await sim.consent(authorize({ provider_id: "2000" }))).code).toBeDefined();
  const listed = await call("GET", "/api/v1/recipients/dc-demo0001/providers/requests", admin);
  expect(listed.body.map((one: Record<string, unknown>) => one.registration_status)).toEqual([
    "ACTIVE",
    "ACTIVE",
    "ACTIVE",
  ]);
});
