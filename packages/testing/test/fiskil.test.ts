import { type FiskilOptions, fiskilErrorTypes, simulateFiskil, virtualClock } from "@linkwright/testing";
import { afterEach, expect, test } from "vitest";

const day = 86_400_000;
const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one[Symbol.asyncDispose]();
});

async function fiskil(options: FiskilOptions = {}) {
  const clock = virtualClock();
  const sim = await simulateFiskil({ clock, ...options });
  open.push(sim);
  const call = async (
    method: string,
    path: string,
    more: { token?: string; body?: unknown; version?: string } = {},
  ) => {
    const response = await fetch(path.startsWith("http") ? path : sim.origin + path, {
      method,
      headers: {
        ...(more.token !== undefined && { authorization: `Bearer ${more.token}` }),
        ...(more.body !== undefined && { "content-type": "application/json" }),
        ...(more.version !== undefined && { "x-fiskil-version": more.version }),
      },
      ...(more.body !== undefined && { body: JSON.stringify(more.body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text === "" ? undefined : JSON.parse(text) };
  };
  const mint = (client_id = "key_01example", client_secret = "s3cr3t-example") =>
    call("POST", "/v1/token", { body: { client_id, client_secret } });
  const token: string = (await mint()).body.token ?? (await mint()).body.access_token;
  const endUser = async (email = "a@example.com"): Promise<string> =>
    (await call("POST", "/v1/end-users", { token, body: { email, name: "A" } })).body.end_user_id;
  const session = async (members: Record<string, unknown> = {}) => {
    const end_user_id = members.end_user_id ?? (await endUser());
    const { body } = await call("POST", "/v1/auth/session", {
      token,
      body: {
        end_user_id,
        redirect_uri: "https://app.example/cb?state=abc",
        cancel_uri: "https://app.example/cb?state=abc&outcome=cancel",
        institution_id: "88888",
        ...members,
      },
    });
    return body;
  };
  return {
    sim,
    clock,
    call,
    mint,
    token,
    endUser,
    session,
    get: (path: string, version?: string) => call("GET", path, { token, ...(version !== undefined && { version }) }),
  };
}

const events = (sim: { webhooks: { sent: readonly { data: Readonly<Record<string, unknown>> }[] } }) =>
  sim.webhooks.sent.map(({ data }) => data.event);

test("token: JSON alone, three shapes, two bodies of refusal", async () => {
  const { sim, call, mint } = await fiskil();
  const { status, body } = await mint();
  expect([status, body]).toEqual([200, { token: expect.any(String), expires_in: 900 }]);
  expect(JSON.parse(Buffer.from(body.token.split(".")[1], "base64url").toString())).toEqual({
    org_id: "team_01",
    key_id: "key_01example",
    scope: "api:banking api:user.read api:user.write",
    exp: 1768442584 + 900,
    iat: 1768442584,
    jti: expect.any(String),
  });
  sim.switches.tokenShape = "typed";
  expect((await mint()).body).toEqual({ token: expect.any(String), token_type: "Bearer", expires_in: 900 });
  sim.switches.tokenShape = "access_token";
  expect((await mint()).body).toEqual({ access_token: expect.any(String), token_type: "Bearer", expires_in: 3600 });

  const form = await fetch(`${sim.origin}/v1/token`, {
    method: "POST",
    body: new URLSearchParams({ client_id: "key_01example", client_secret: "s3cr3t-example" }),
  });
  expect([form.status, (await form.json()).name]).toEqual([400, "bad_request"]);
  expect((await call("POST", "/v1/token", { body: { client_id: "key_01example" } })).status).toBe(400);

  const refused = await mint("key_01example", "wrong");
  expect(refused.headers.get("content-type")).toBe("application/vnd.goa.error");
  expect([refused.status, refused.body]).toEqual([
    401,
    {
      name: "unauthorized",
      id: expect.stringMatching(/^err_/),
      message: "invalid client credentials",
      temporary: false,
      timeout: false,
      fault: false,
    },
  ]);
  sim.switches.tokenErrors = "oauth";
  expect(await mint("key_01example", "wrong")).toMatchObject({ status: 401, body: { error: "invalid_client" } });
});

test("a token lasts 900 seconds by the clock; several live side by side", async () => {
  const { clock, mint, get, call } = await fiskil();
  const second = (await mint()).body.token;
  await clock.advance(899_999);
  expect((await get("/v1/end-users")).status).toBe(200);
  expect((await call("GET", "/v1/end-users", { token: second })).status).toBe(200);
  await clock.advance(1);
  expect(await get("/v1/end-users")).toMatchObject({ status: 401, body: { name: "unauthorized" } });
});

test("version: the header decides the shape of lists, is echoed, and must be known", async () => {
  const { sim, get, endUser } = await fiskil();
  const id = await endUser();
  const item = { id, email: "a@example.com", name: "A" };
  for (const version of ["v1", "v2"]) expect((await get("/v1/end-users", version)).body).toEqual([item]);
  const third = await get("/v1/end-users", "v3");
  expect([third.headers.get("x-fiskil-version"), third.body]).toEqual(["v3", { end_users: [item], links: {} }]);
  expect((await get("/v1/consent", "v3")).body).toEqual({ consents: [], links: {} });
  expect((await get("/v1/consent", "v2")).body).toEqual([]);
  sim.switches.pinnedVersion = "v2";
  const pinned = await get("/v1/end-users");
  expect([pinned.headers.get("x-fiskil-version"), pinned.body]).toEqual(["v2", [item]]);
  expect((await get("/v1/end-users", "2.0.0")).status).toBe(400);
});

test("end users: created, read, changed, deleted once; equal addresses are two people", async () => {
  const { sim, call, get, token, endUser } = await fiskil();
  const [one, two] = [await endUser("same@example.com"), await endUser("same@example.com")];
  expect(one).not.toBe(two);
  expect((await get("/v1/end-users?email=same%40example.com", "v2")).body).toHaveLength(2);
  sim.switches.uniqueEmail = true;
  const third = await call("POST", "/v1/end-users", { token, body: { email: "same@example.com" } });
  expect([third.status, third.body.name]).toEqual([400, "end_user_already_exists"]);
  expect((await call("POST", `/v1/end-users/${one}`, { token, body: { phone: "+61400000000" } })).status).toBe(204);
  expect((await get(`/v1/end-users/${one}`)).body).toMatchObject({ id: one, phone: "+61400000000" });
  expect((await call("DELETE", `/v1/end-users/${one}`, { token })).status).toBe(204);
  expect(await call("DELETE", `/v1/end-users/${one}`, { token })).toMatchObject({
    status: 404,
    body: { name: "end_user_not_found" },
  });
  expect(await get(`/v1/banking/accounts?end_user_id=${one}`)).toMatchObject({ status: 200, body: { accounts: [] } });
});

test("auth session: what it answers, and what it refuses", async () => {
  const { sim, call, token, endUser, session } = await fiskil();
  const answer = await session({ permissions: ["accounts"] });
  expect(answer).toEqual({
    id: "team_01",
    session_id: expect.stringMatching(/^ses_/),
    auth_url: `${sim.origin}/consent-ui?sess_id=${answer.session_id}`,
    expires_at: 1768442584 + 5 * 86_400,
  });
  expect(sim.sessions.get(answer.session_id)?.permissions).toEqual(["accounts"]);
  sim.switches.sessionExpiryFormat = "rfc3339";
  sim.switches.authUrl = "scheme-less";
  const odd = await session();
  expect(odd.expires_at).toBe("2026-01-20T02:03:04.000Z");
  expect(odd.auth_url.startsWith("127.0.0.1:")).toBe(true);

  const post = (body: unknown) => call("POST", "/v1/auth/session", { token, body });
  expect(await post({ end_user_id: "eu_nobody" })).toMatchObject({ status: 404, body: { name: "end_user_not_found" } });
  expect(await post({ end_user_id: await endUser(), institution_id: "0" })).toMatchObject({
    status: 400,
    body: { name: "invalid_institution_id" },
  });
  sim.switches.redirectUris = ["https://app.example/cb"];
  expect((await session()).session_id).toBeDefined();
  expect(await session({ redirect_uri: "https://other.example/" })).toMatchObject({ name: "bad_request" });
});

test("auth session: success keeps the caller's query, makes a consent of two ids, and ends the session", async () => {
  const { sim, get, session, endUser } = await fiskil();
  const end_user_id = await endUser();
  const { auth_url, session_id } = await session({ end_user_id });
  expect(await sim.consent(auth_url)).toBe(`https://app.example/cb?state=abc&session_id=${session_id}`);
  const { body } = await get(`/v1/consent?end_user_id=${end_user_id}&active=true`);
  expect(body.consents).toHaveLength(1);
  expect(body.consents[0]).toMatchObject({
    active: true,
    end_user_id,
    end_user_email: "a@example.com",
    institution_id: "88888",
    institution_name: "Banking Sandbox Data Holder",
    institution_type: "banking",
    permissions: ["accounts", "balances", "transactions"],
    duration: 7_776_000,
    created_at: "2026-01-15T02:03:04Z",
    expires_at: "2026-04-15T02:03:04Z",
    termination_reason: null,
  });
  const [received] = sim.webhooks.sent;
  expect(received?.data).toEqual({
    event: "consent.received",
    end_user_id,
    client_id: "team_01",
    institution_id: "88888",
    consent_id: expect.any(String),
  });
  expect(received?.data.consent_id).not.toBe(body.consents[0].arrangement_id);
  expect(events(sim)).toEqual([
    "consent.received",
    "common.identity.sync.completed",
    "banking.accounts.sync.completed",
    "banking.balances.sync.completed",
    "banking.transactions.sync.completed",
  ]);
  await expect(sim.consent(auth_url)).rejects.toThrow("AUTH_SESSION_INVALID");
});

test("auth session: each error goes to the other URL, and ends the session too", async () => {
  const { sim, session, get } = await fiskil();
  for (const type of fiskilErrorTypes) {
    const { auth_url } = await session();
    const url = new URL(await sim.consent(auth_url, { decision: type }));
    expect(Object.fromEntries(url.searchParams)).toEqual({
      state: "abc",
      outcome: "cancel",
      error: ["AUTH_SESSION_CANCELLED", "CONSENT_ENDUSER_DENIED"].includes(type) ? "access_denied" : "server_error",
      error_type: type,
      error_id: expect.stringMatching(/^err_[0-9a-f-]{36}$/),
      error_description: `The session ended with ${type}.`,
      error_uri: `https://docs.fiskil.com/errors#${type}`,
    });
    await expect(sim.consent(auth_url)).rejects.toThrow("AUTH_SESSION_INVALID");
  }
  sim.switches.cancelParameters = 3;
  const short = new URL(await sim.consent((await session()).auth_url, { decision: "deny" }));
  expect([...short.searchParams.keys()]).toEqual(["state", "outcome", "error", "error_type", "error_description"]);
  expect((await get("/v1/consent")).body.consents).toEqual([]);
  expect(sim.webhooks.sent).toEqual([]);
});

test("auth session: five days, no longer", async () => {
  const { sim, clock, session } = await fiskil();
  const [one, two] = [await session(), await session()];
  await clock.advance(5 * day - 1000);
  expect(await sim.consent(one.auth_url)).toContain("session_id=");
  await clock.advance(1000);
  await expect(sim.consent(two.auth_url)).rejects.toThrow("AUTH_SESSION_INVALID");
});

test("a consent ends by the clock, by DELETE, and at the bank; each tells so once", async () => {
  const { sim, clock, call, mint, endUser } = await fiskil({ switches: { syncEvents: false } });
  const endUserId = await endUser();
  const [expiring, deleted, withdrawn] = [1, 2, 3].map(() => sim.grantConsent({ endUserId }));
  const fresh = async () => (await mint()).body.token as string;
  const remove = async (arrangement: string) =>
    (await call("DELETE", `/v1/consent/${arrangement}`, { token: await fresh() })).status;
  expect(await remove(deleted?.arrangementId ?? "")).toBe(204);
  expect(await remove(deleted?.arrangementId ?? "")).toBe(204);
  expect(await remove("unknown")).toBe(204);
  sim.withdrawConsent(withdrawn?.arrangementId ?? "");
  const revoked = () => sim.webhooks.sent.filter(({ data }) => data.event === "consent.revoked");
  expect(revoked().map(({ data }) => data.consent_id)).toEqual([deleted?.consentId, withdrawn?.consentId]);
  await clock.advance(90 * day);
  expect(revoked().at(-1)?.data.consent_id).toBe(expiring?.consentId);
  expect(revoked()).toHaveLength(3);
  const { body } = await call("GET", `/v1/consent?end_user_id=${endUserId}`, { token: await fresh() });
  expect(body.consents.map((one: Record<string, unknown>) => [one.active, one.termination_reason])).toEqual([
    [false, "Expired"],
    [false, "Revoked"],
    [false, "Revoked"],
  ]);
});

test("a consent may be listed later than the callback says", async () => {
  const { sim, clock, get, session } = await fiskil({ switches: { consentListedAfter: 4000, syncEvents: false } });
  await sim.consent((await session()).auth_url);
  expect((await get("/v1/consent")).body.consents).toEqual([]);
  expect(sim.webhooks.sent).toEqual([]);
  await clock.advance(4000);
  expect((await get("/v1/consent")).body.consents).toHaveLength(1);
  expect(events(sim)).toEqual(["consent.received"]);
});

test("an arrangement that is renewed keeps its id and gets another end", async () => {
  const { sim, clock, mint, call } = await fiskil({ switches: { syncEvents: false } });
  const first = sim.grantConsent();
  await clock.advance(80 * day);
  const token = (await mint()).body.token;
  const renewal = await call("POST", "/v1/auth/session", {
    token,
    body: {
      end_user_id: first.endUserId,
      redirect_uri: "https://app.example/cb",
      arrangement_id: first.arrangementId,
    },
  });
  await sim.consent(renewal.body.auth_url);
  await clock.advance(20 * day);
  const renewed = sim.consents.get(first.arrangementId);
  expect([renewed?.active, renewed?.arrangementId]).toEqual([true, first.arrangementId]);
  expect(renewed?.consentId).not.toBe(first.consentId);
  expect(events(sim)).toEqual(["consent.received", "consent.updated"]);
});

test("institutions and permissions", async () => {
  const { sim, get } = await fiskil();
  expect((await get("/v1/institutions")).status).toBe(400);
  expect((await get("/v1/institutions?client_id=team_01&industry=banking")).body[0]).toMatchObject({
    id: "88888",
    is_accessible: true,
    status: { connections: { status: "HEALTHY" } },
  });
  sim.switches.institutionsClientId = "team";
  expect((await get("/v1/institutions?client_id=key_01example")).status).toBe(400);
  sim.switches.institutionsWrapped = true;
  expect((await get("/v1/institutions?client_id=team_01")).body.institutions).toHaveLength(3);
  expect((await get("/v1/institutions/88888")).body.name).toBe("Banking Sandbox Data Holder");
  expect((await get("/v1/permissions?industry=common")).body).toEqual([
    {
      name: "identity",
      scope: "common:identity.read",
      industry: "common",
      description: "Reads identity.",
      standards: "CDR",
    },
  ]);
});

test("data: root keys, full URLs to the next page, an end, odd input", async () => {
  const { sim, get } = await fiskil();
  const { endUserId, arrangementId } = sim.grantConsent();
  const user = `end_user_id=${endUserId}`;
  const accounts = (await get(`/v1/banking/accounts?${user}`)).body.accounts;
  expect(accounts[0]).toMatchObject({
    account_id: `acc-1-${endUserId}-88888`,
    arrangement_id: arrangementId,
    institution_id: "88888",
    bsb: "062-000",
    open_status: "OPEN",
  });
  expect((await get(`/v1/banking/balances?${user}&account_id=${accounts[1].account_id}`)).body.balances).toHaveLength(
    1,
  );

  const seen: string[] = [];
  let path: string | undefined = `/v1/banking/transactions?${user}&page%5Bsize%5D=4`;
  let pages = 0;
  while (path) {
    const { body }: { body: { transactions: { transaction_id: string }[]; links: { next?: string } } } =
      await get(path);
    seen.push(...body.transactions.map(({ transaction_id }) => transaction_id));
    path = body.links.next;
    pages += 1;
    if (path) expect(path.startsWith(`${sim.origin}/v1/banking/transactions?`)).toBe(true);
  }
  expect([pages, new Set(seen).size]).toEqual([2, 6]);

  const range = `${user}&from=2026-01-02T00:00:00Z&to=2026-01-04T00:00:00Z`;
  expect((await get(`/v1/banking/transactions?${range}`)).body.transactions).toHaveLength(2);
  const bare = await get(`/v1/banking/transactions?${user}&from=2026-01-02`);
  expect([bare.status, Object.keys(bare.body)]).toEqual([400, ["id", "name", "message"]]);
  expect((await get(`/v1/banking/accounts?${user}&page%5Bafter%5D=garbage`)).status).toBe(503);
  expect((await get(`/v1/common/identity?${user}`)).body.identities).toHaveLength(1);
  sim.withdrawConsent(arrangementId);
  expect((await get(`/v1/banking/accounts?${user}`)).body).toEqual({ accounts: [], links: {} });
});

test("scopes: the plural in the Data API, the singular in the Platform API", async () => {
  const { call, mint, token } = await fiskil();
  const platform = (await mint("key_02platform")).body.token;
  const data = await call("GET", "/v1/end-users", { token: platform });
  expect([data.status, data.body.name]).toEqual([403, "insufficient_scopes"]);
  const products = await call("GET", "/v1/data-provider/cdr/products", { token });
  expect([products.status, products.body.error]).toEqual([403, "insufficient_scope"]);
  const none = await call("GET", "/v1/data-provider/cdr/products");
  expect([none.status, none.body.error, none.headers.has("www-authenticate")]).toEqual([401, "invalid_client", false]);
});

test("products: created, read, replaced, deleted", async () => {
  const { call, mint } = await fiskil();
  const token = (await mint("key_02platform")).body.token;
  const base = "/v1/data-provider/cdr/products";
  const product = {
    productId: "p1",
    name: "Saver",
    description: "Saves.",
    productCategory: "TRANS_AND_SAVINGS_ACCOUNTS",
    brand: "B",
    isTailored: false,
  };
  const created = await call("POST", base, { token, body: product });
  expect([created.status, created.body]).toEqual([201, { ...product, lastUpdated: "2026-01-15T02:03:04.000Z" }]);
  expect((await call("POST", base, { token, body: product })).status).toBe(400);
  expect((await call("POST", base, { token, body: { ...product, productId: "ü" } })).status).toBe(400);
  expect((await call("PUT", `${base}/p1`, { token, body: { ...product, name: "Super" } })).body.name).toBe("Super");
  expect((await call("PUT", `${base}/p1`, { token, body: { ...product, productId: "p2" } })).status).toBe(400);
  expect((await call("GET", base, { token })).body.products).toHaveLength(1);
  expect((await call("DELETE", `${base}/p1`, { token })).status).toBe(204);
  expect((await call("GET", `${base}/p1`, { token })).status).toBe(404);
});

test("429 with and without Retry-After, 503, all of them temporary in goa's words", async () => {
  const { sim, get } = await fiskil();
  sim.faults.next("rate-limited", { path: "/v1/end-users", retryAfter: "30" });
  sim.faults.next("rate-limited", { path: "/v1/end-users" });
  sim.faults.next("status", { path: "/v1/end-users", status: 503 });
  const answers = [await get("/v1/end-users"), await get("/v1/end-users"), await get("/v1/end-users")];
  expect(answers.map(({ status, headers, body }) => [status, headers.get("retry-after"), body.temporary])).toEqual([
    [429, "30", true],
    [429, null, true],
    [503, null, true],
  ]);
  expect(answers[0]?.headers.get("content-type")).toBe("application/vnd.goa.error");
  sim.faults.next("status", { path: "/v1/banking/balances", status: 502 });
  expect(Object.keys((await get("/v1/banking/balances")).body)).toEqual(["id", "name", "message"]);
  sim.faults.next("rate-limited", { path: /^\/v1\/data-provider/ });
  expect((await get("/v1/data-provider/cdr/products")).body).toMatchObject({ error: "rate_limited" });
});
