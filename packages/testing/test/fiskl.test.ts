import {
  type FisklOptions,
  receiveWebhooks,
  signStandardWebhook,
  simulateFiskl,
  virtualClock,
} from "@linkwright/testing";
import { afterEach, expect, test } from "vitest";

const redirectUri = "https://app.example/callback";
const verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const pkce = { code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", code_challenge_method: "S256" };

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one[Symbol.asyncDispose]();
});

async function fiskl(options: FisklOptions = {}) {
  const clock = virtualClock();
  const sim = await simulateFiskl({ clock, ...options });
  open.push(sim);
  const token = async (form: Record<string, string>, headers: Record<string, string> = {}) => {
    const response = await fetch(sim.endpoints.token_endpoint, {
      method: "POST",
      body: new URLSearchParams(form),
      headers,
    });
    return { status: response.status, body: await response.json() };
  };
  return {
    sim,
    clock,
    token,
    refresh: (refresh_token: unknown) =>
      token({
        grant_type: "refresh_token",
        client_id: "app_01",
        client_secret: "s3cr3t",
        refresh_token: String(refresh_token),
      }),
    api: async (path: string, credential: unknown, body?: unknown) => {
      const response = await fetch(sim.endpoints.api + path, {
        headers: { authorization: `Bearer ${credential}` },
        ...(body !== undefined && { method: "POST", body: JSON.stringify(body) }),
      });
      return { status: response.status, body: await response.json() };
    },
    authorize: (parameters: Record<string, string> = {}) =>
      `${sim.endpoints.authorization_endpoint}?${new URLSearchParams({
        response_type: "code",
        client_id: "app_01",
        redirect_uri: redirectUri,
        scope: "invoicing:read contacts:read",
        state: "af0ifjsldkj",
        ...parameters,
      })}`,
  };
}

const parametersOf = (callback: string) => Object.fromEntries(new URL(callback).searchParams);
const basic = (credentials: string) => ({ authorization: `Basic ${Buffer.from(credentials).toString("base64")}` });

test("a confidential client, by Basic and by body, with a scope unticked", async () => {
  const { sim, token, authorize, api } = await fiskl();
  const code = async () => parametersOf(await sim.consent(authorize(), { scopes: ["invoicing:read"] })).code ?? "";
  const exchange = { grant_type: "authorization_code", redirect_uri: redirectUri };
  const byBasic = await token({ ...exchange, code: await code() }, basic("app_01:s3cr3t"));
  expect(byBasic.body).toEqual({
    access_token: expect.any(String),
    token_type: "Bearer",
    expires_in: 3600,
    refresh_token: expect.any(String),
    scope: "invoicing:read",
  });
  const byBody = await token({ ...exchange, code: await code(), client_id: "app_01", client_secret: "s3cr3t" });
  expect(byBody.status).toBe(200);
  expect((await api("/v1/invoices", byBody.body.access_token)).status).toBe(200);
  expect((await api("/v1/clients", byBody.body.access_token)).status).toBe(403);
  const wrong = await token({ ...exchange, code: await code() }, basic("app_01:wrong"));
  expect([wrong.status, wrong.body.error]).toEqual([401, "invalid_client"]);
});

test("a public client sends S256 or is refused", async () => {
  const { sim, token, authorize } = await fiskl();
  const refused = async (parameters: Record<string, string>) =>
    parametersOf(await sim.consent(authorize({ client_id: "app_02", ...parameters }))).error;
  expect(await refused({})).toBe("invalid_request");
  expect(await refused({ ...pkce, code_challenge_method: "plain" })).toBe("invalid_request");
  const callback = await sim.consent(authorize({ client_id: "app_02", ...pkce }));
  const exchange = { grant_type: "authorization_code", redirect_uri: redirectUri, client_id: "app_02" };
  const { status } = await token({ ...exchange, code: parametersOf(callback).code ?? "", code_verifier: verifier });
  expect(status).toBe(200);
});

test("redirect URIs: exact, and registered as https or localhost alone", async () => {
  const { sim, authorize } = await fiskl();
  for (const uri of [`${redirectUri}/`, "http://app.example/callback", "http://localhost:3001/callback"]) {
    await expect(sim.consent(authorize({ redirect_uri: uri }))).rejects.toThrow("not registered");
  }
  const local = await sim.consent(authorize({ redirect_uri: "http://localhost:3000/callback" }));
  expect(local.startsWith("http://localhost:3000/callback?code=")).toBe(true);
  await expect(simulateFiskl({ clients: [{ clientId: "x", redirectUris: ["http://127.0.0.1/cb"] }] })).rejects.toThrow(
    TypeError,
  );
});

test("scopes: unknown ones refused, denial and a user who may not install", async () => {
  const { sim, authorize } = await fiskl();
  expect(parametersOf(await sim.consent(authorize({ scope: "payroll:read" }))).error).toBe("invalid_scope");
  expect(parametersOf(await sim.consent(authorize(), { decision: "deny" }))).toMatchObject({
    error: "access_denied",
    state: "af0ifjsldkj",
  });
  sim.users.get("user-2")?.permissions.delete("oauth_app.install");
  expect(parametersOf(await sim.consent(authorize(), { user: "user-2" })).error).toBe("access_denied");
});

test("a code lives 60 seconds and once", async () => {
  const { sim, clock, token, authorize } = await fiskl();
  const exchange = { grant_type: "authorization_code", redirect_uri: redirectUri };
  const code = parametersOf(await sim.consent(authorize())).code ?? "";
  await clock.advance(59_999);
  expect((await token({ ...exchange, code }, basic("app_01:s3cr3t"))).status).toBe(200);
  expect((await token({ ...exchange, code }, basic("app_01:s3cr3t"))).body.error).toBe("invalid_grant");
  const late = parametersOf(await sim.consent(authorize())).code ?? "";
  await clock.advance(60_000);
  expect((await token({ ...exchange, code: late }, basic("app_01:s3cr3t"))).body.error).toBe("invalid_grant");
  const own = await token({ grant_type: "client_credentials" }, basic("app_01:s3cr3t"));
  expect(own.body.error).toBe("unauthorized_client");
});

test("refresh: none, fixed, rotating with reuse detection", async () => {
  const { sim, refresh } = await fiskl();
  const rotating = sim.issue().refresh_token;
  const next = (await refresh(rotating)).body.refresh_token;
  expect(next).not.toBe(rotating);
  expect((await refresh(rotating)).body.error).toBe("invalid_grant");
  expect((await refresh(next)).body.error).toBe("invalid_grant");
  expect(sim.counters.familiesRevoked).toBe(1);

  sim.switches.refresh = { kind: "fixed" };
  const fixed = sim.issue().refresh_token;
  expect((await refresh(fixed)).body).not.toHaveProperty("refresh_token");
  expect((await refresh(fixed)).status).toBe(200);
  sim.switches.refresh = { kind: "none" };
  expect(sim.issue()).not.toHaveProperty("refresh_token");
});

test("revoke and discovery, on and off; the web app answers everything else with a page", async () => {
  const { sim, refresh } = await fiskl();
  const { refresh_token } = sim.issue();
  const body = { token: String(refresh_token), client_id: "app_01", client_secret: "s3cr3t" };
  const revoke = () => fetch(sim.endpoints.revocation_endpoint, { method: "POST", body: new URLSearchParams(body) });
  expect((await revoke()).status).toBe(200);
  expect((await refresh(refresh_token)).body.error).toBe("invalid_grant");

  const well = `${sim.webAppOrigin}/.well-known/oauth-authorization-server`;
  expect(await (await fetch(well)).json()).toMatchObject({
    issuer: sim.webAppOrigin,
    token_endpoint: sim.endpoints.token_endpoint,
    revocation_endpoint: sim.endpoints.revocation_endpoint,
  });
  sim.switches.revocation = false;
  expect(await (await fetch(well)).json()).not.toHaveProperty("revocation_endpoint");
  sim.switches.discovery = false;
  for (const response of [await fetch(well), await fetch(`${sim.webAppOrigin}/v1/clients`), await revoke()]) {
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/html; charset=UTF-8"]);
  }
  expect(sim.journal.count({ match: ({ origin }) => origin === sim.webAppOrigin })).toBeGreaterThan(4);
});

test("the API: date periods, clients, invoices, permissions", async () => {
  const { sim, api } = await fiskl();
  const { access_token } = sim.issue({ scope: "invoicing:read invoicing:write contacts:read" });
  expect((await api("/v1/date-periods", sim.issue({ scope: "taxes:read" }).access_token)).body).toEqual([
    { name: "This Month", start: "2026-01-01", end: "2026-01-31" },
    { name: "Last Month", start: "2025-12-01", end: "2025-12-31", isDefault: true },
  ]);
  expect((await api("/v1/clients?page=0&size=2&sort=name,desc", access_token)).body).toEqual([
    { id: 3, name: "Cedar" },
    { id: 2, name: "Birch" },
  ]);
  expect((await api("/v1/clients?page=1&size=2", access_token)).body).toEqual([{ id: 3, name: "Cedar" }]);
  sim.switches.listEnvelope = "content";
  expect((await api("/v1/clients?size=1", access_token)).body).toEqual({
    content: [{ id: 1, name: "Acme" }],
    page: 0,
    size: 1,
    totalElements: 3,
  });
  const draft = { externalId: "e1", clientId: 1, invoiceDate: "2026-01-15", dueDate: "2026-02-15", total: 1 };
  const create = () =>
    api("/v1/invoices", access_token, { ...draft, items: [{ name: "Work", quantity: 2, price: 15000 }] });
  const [first, again] = [await create(), await create()];
  expect([first.status, first.body.id, first.body.total]).toEqual([201, 4821, 30000]);
  expect([again.status, again.body.id]).toEqual([200, 4821]);
  expect((await api("/v1/invoices/4821", access_token)).body.externalId).toBe("e1");
  expect((await api("/v1/me/permissions", sim.issue({ scope: "taxes:read" }).access_token)).body).toEqual({
    permissions: ["tax.read"],
    scopes: ["taxes:read"],
  });
});

test("permissions narrow mid-life: 403, and the token is not dead", async () => {
  const { sim, api } = await fiskl();
  const { access_token } = sim.issue();
  expect((await api("/v1/clients", access_token)).status).toBe(200);
  sim.users.get("user-1")?.permissions.delete("client.read");
  expect(await api("/v1/clients", access_token)).toEqual({
    status: 403,
    body: { status: 403, error: "Forbidden", message: "This needs client.read." },
  });
  expect((await api("/v1/invoices", access_token)).status).toBe(200);
});

test("expired, revoked, lapsed, throttled", async () => {
  const { sim, clock, api } = await fiskl();
  const { access_token } = sim.issue();
  sim.switches.subscription = 402;
  expect((await api("/v1/clients", access_token)).status).toBe(402);
  sim.switches.subscription = "active";
  sim.faults.next("rate-limited", { path: "/v1/clients" });
  expect((await api("/v1/clients", access_token)).status).toBe(429);
  sim.revokeGrants("user-1");
  expect((await api("/v1/clients", access_token)).status).toBe(401);
  const second = sim.issue().access_token;
  await clock.advance(3_600_000);
  expect((await api("/v1/clients", second)).status).toBe(401);
});

test("fsk_ keys go in the same header, with their owner as the ceiling", async () => {
  const { sim, api } = await fiskl();
  const key = "fsk_test_000000000001";
  expect((await api("/v1/clients", key)).status).toBe(200);
  expect((await api("/v1/me/permissions", key)).body).toEqual({ permissions: ["client.read", "invoice.read"] });
  sim.users.get("user-1")?.permissions.delete("client.read");
  expect((await api("/v1/clients", key)).status).toBe(403);
  sim.apiKeys.get(key)!.revoked = true;
  expect((await api("/v1/invoices", key)).status).toBe(401);
  expect((await api("/v1/clients", "fsk_unknown")).status).toBe(401);
});

test("webhooks: the known vector", () => {
  const body =
    '{"id":"msg_test_0001","type":"invoice.paid","createdAt":"2026-01-15T02:03:04Z","data":{"id":4821,"status":"Paid"}}';
  expect(signStandardWebhook("whsec_ISIjJCUmJygpKissLS4vMDEyMzQ1Njc4", "msg_test_0001", 1768442584, body)).toBe(
    "v1,9tfSj8LdNH+CiKFlPf6hZY9g7wV+5f5Yg+BTEQhNb9U=",
  );
});

test("webhooks: sent, repeated by the clock under one id, signed anew, with every secret", async () => {
  const receiver = await receiveWebhooks();
  open.push(receiver);
  const secrets = ["whsec_ISIjJCUmJygpKissLS4vMDEyMzQ1Njc4", "whsec_b2xkIHNlY3JldA=="];
  const { sim, clock } = await fiskl({ webhookUrl: receiver.url, webhookSecrets: secrets });
  receiver.status = 500;
  await sim.webhooks.send({ type: "invoice.paid", data: { id: 4821, status: "Paid" } });
  receiver.status = 200;
  await clock.advance(5000);
  await sim.webhooks.settled();
  await clock.advance(86_400_000);
  await sim.webhooks.settled();
  expect(sim.webhooks.deliveries.map(({ messageId, attempt, status }) => [messageId, attempt, status])).toEqual([
    ["msg_test_0001", 1, 500],
    ["msg_test_0001", 2, 200],
  ]);
  const [first, second] = receiver.journal.entries;
  expect(first?.body).toBe(second?.body);
  expect(JSON.parse(first?.body ?? "")).toEqual({
    id: "msg_test_0001",
    type: "invoice.paid",
    createdAt: "2026-01-15T02:03:04.000Z",
    data: { id: 4821, status: "Paid" },
  });
  expect(first?.headers).toMatchObject({ "webhook-id": "msg_test_0001", "webhook-timestamp": "1768442584" });
  expect(second?.headers["webhook-timestamp"]).toBe("1768442589");
  expect(second?.headers["webhook-signature"]).toBe(
    secrets.map((secret) => signStandardWebhook(secret, "msg_test_0001", 1768442589, second?.body ?? "")).join(" "),
  );
});

test("webhooks: wrong secret, tampered, stale, unsigned, other header names", async () => {
  const { sim } = await fiskl();
  const compose = async (signature: "valid" | "wrong-key" | "tampered" | "stale" | "missing") => {
    const request = sim.webhooks.request(
      { type: "client.created", data: { id: 1 } },
      { messageId: "msg_x", signature },
    );
    const body = await request.text();
    const sent = request.headers.get("webhook-signature");
    const timestamp = Number(request.headers.get("webhook-timestamp"));
    return { sent, timestamp, right: signStandardWebhook(sim.webhookSecrets[0] ?? "", "msg_x", timestamp, body) };
  };
  const valid = await compose("valid");
  expect(valid.sent).toBe(valid.right);
  const wrong = await compose("wrong-key");
  expect(wrong.sent).not.toBe(wrong.right);
  const tampered = await compose("tampered");
  expect(tampered.sent).not.toBe(tampered.right);
  const stale = await compose("stale");
  expect([stale.sent, stale.timestamp]).toEqual([stale.right, 1768442584 - 3600]);
  expect((await compose("missing")).sent).toBe(null);
  sim.switches.webhookHeaders = "svix-";
  expect(sim.webhooks.request({ type: "client.created" }).headers.get("svix-id")).toMatch(/^msg_/);
});
