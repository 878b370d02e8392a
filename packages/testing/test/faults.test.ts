import { type AuthorizationServerSimulator, simulateAuthorizationServer, virtualClock } from "@linkwright/testing";
import { afterEach, beforeEach, expect, test } from "vitest";

let sim: AuthorizationServerSimulator;
beforeEach(async () => {
  sim = await simulateAuthorizationServer({ clock: virtualClock() });
});
afterEach(() => sim.close());

const post = (parameters: Record<string, string>, signal?: AbortSignal) =>
  fetch(sim.endpoints.token_endpoint, {
    method: "POST",
    redirect: "manual",
    body: new URLSearchParams({ client_id: "client", client_secret: "secret", ...parameters }),
    ...(signal && { signal }),
  });
const app = (signal?: AbortSignal) => post({ grant_type: "client_credentials" }, signal);
const refresh = (token: unknown, signal?: AbortSignal) =>
  post({ grant_type: "refresh_token", refresh_token: String(token) }, signal);

test("the journal tells what came, over which connection, and what was answered", async () => {
  await (await post({ grant_type: "client_credentials", scope: "a b" })).json();
  await (await fetch(`${sim.resource}?x=1&x=2`, { headers: { authorization: "Bearer nothing" } })).text();
  const [token, me] = sim.journal.entries;
  expect(token).toMatchObject({
    at: Date.parse("2026-01-15T02:03:04Z"),
    method: "POST",
    origin: sim.origin,
    path: "/token",
    body: "client_id=client&client_secret=secret&grant_type=client_credentials&scope=a+b",
    form: { client_id: "client", client_secret: "secret", grant_type: "client_credentials", scope: "a b" },
    grantType: "client_credentials",
    status: 200,
    faults: [],
  });
  expect(me).toMatchObject({ method: "GET", path: "/api/me", query: { x: "2" }, status: 401 });
  expect(me?.headers.authorization).toBe("Bearer nothing");
  expect(sim.journal.count({ path: "/token", method: "post", grantType: "client_credentials" })).toBe(1);
  expect(sim.journal.count({ path: /^\/api/ })).toBe(1);
  expect(sim.journal.find({ match: ({ status }) => status === 401 })).toBe(me);
  sim.journal.clear();
  expect(sim.journal.count()).toBe(0);
});

test("arrived resolves with the request that was waited for", async () => {
  const second = sim.journal.arrived({ path: "/token" }, 2);
  await app();
  await post({ grant_type: "client_credentials", scope: "second" });
  expect((await second).form?.scope).toBe("second");
});

test("a fault acts on the token endpoint unless it names something else, and as often as it is told", async () => {
  sim.faults.next("status", { status: 503, times: 2 });
  expect((await fetch(sim.resource)).status).toBe(401);
  expect([(await app()).status, (await app()).status, (await app()).status]).toEqual([503, 503, 200]);
  expect(sim.journal.count({ match: ({ faults }) => faults.includes("status") })).toBe(2);

  sim.faults.next("status", { status: 500, path: "/api/me" });
  expect((await app()).status).toBe(200);
  expect((await fetch(sim.resource)).status).toBe(500);

  const { refresh_token } = sim.issue();
  const armed = sim.faults.always("status", { status: 502, grantType: "refresh_token" });
  expect((await app()).status).toBe(200);
  expect((await refresh(refresh_token)).status).toBe(502);
  expect(armed.used).toBe(1);
  armed.disarm();
  expect((await refresh(refresh_token)).status).toBe(200);
});

test("faults that were armed one after another act one after another; clear disarms them", async () => {
  sim.faults.next("status", { status: 500 });
  sim.faults.next("status", { status: 501 });
  sim.faults.next("status", { status: 502 });
  expect([(await app()).status, (await app()).status]).toEqual([500, 501]);
  sim.faults.clear();
  expect((await app()).status).toBe(200);
});

test("lost-response: the server rotates, the client hears nothing", async () => {
  const { refresh_token } = sim.issue();
  sim.faults.next("lost-response");
  await expect(refresh(refresh_token)).rejects.toThrow("fetch failed");
  expect(sim.counters.presentations.get(String(refresh_token))).toBe(1);
  expect(sim.journal.last()).not.toHaveProperty("status");
  const again = await refresh(refresh_token);
  expect([again.status, sim.counters.reuses, sim.counters.familiesRevoked]).toEqual([400, 1, 1]);
});

test("refused-before: nothing happened", async () => {
  const { refresh_token } = sim.issue();
  sim.faults.next("refused-before");
  await expect(refresh(refresh_token)).rejects.toThrow("fetch failed");
  expect(sim.counters.presentations.size).toBe(0);
  expect((await refresh(refresh_token)).status).toBe(200);
});

test("stall-headers: nothing comes, and nothing was done", async () => {
  const { refresh_token } = sim.issue();
  sim.faults.next("stall-headers");
  const abort = new AbortController();
  const stalled = refresh(refresh_token, abort.signal);
  await sim.journal.arrived({ path: "/token" });
  abort.abort();
  await expect(stalled).rejects.toThrow("aborted");
  expect(sim.counters.presentations.size).toBe(0);
});

test("stall-body: headers and one byte, then nothing, and the server has rotated", async () => {
  const { refresh_token } = sim.issue();
  sim.faults.next("stall-body");
  const abort = new AbortController();
  const response = await refresh(refresh_token, abort.signal);
  expect(response.status).toBe(200);
  const reader = response.body!.getReader();
  expect(Buffer.from((await reader.read()).value!).toString()).toBe("{");
  const more = reader.read();
  abort.abort();
  await expect(more).rejects.toThrow("aborted");
  expect(sim.counters.presentations.get(String(refresh_token))).toBe(1);
});

test("handled: the server handles the request before the fault eats its answer", async () => {
  const { refresh_token } = sim.issue();
  sim.faults.next("status", { status: 503, handled: true });
  expect((await refresh(refresh_token)).status).toBe(503);
  expect((await refresh(refresh_token)).status).toBe(400);
  expect(sim.counters.reuses).toBe(1);
});

test("drip: the real answer, a byte at a time", async () => {
  sim.faults.next("drip", { interval: 0 });
  const response = await app();
  expect(await response.json()).toMatchObject({ token_type: "Bearer", expires_in: 3600 });
});

test("status, rate-limited, html, error-in-200, malformed", async () => {
  sim.faults.next("status", { status: 500, body: { error: "invalid_grant" }, headers: { "x-trace": "7" } });
  const status = await app();
  expect([status.status, status.headers.get("x-trace"), await status.json()]).toEqual([
    500,
    "7",
    { error: "invalid_grant" },
  ]);

  sim.faults.next("rate-limited", { retryAfter: "7" });
  sim.faults.next("rate-limited");
  const limited = [await app(), await app()];
  expect(limited.map((one) => [one.status, one.headers.get("retry-after")])).toEqual([
    [429, "7"],
    [429, null],
  ]);

  sim.faults.next("html", { status: 403 });
  const html = await app();
  expect([html.status, html.headers.get("content-type")]).toEqual([403, "text/html; charset=utf-8"]);
  expect(await html.text()).toContain("<h1>403</h1>");

  sim.faults.next("error-in-200");
  const dressed = await app();
  expect([dressed.status, (await dressed.json()).error]).toEqual([200, "invalid_grant"]);

  sim.faults.next("malformed");
  const malformed = await app();
  expect(malformed.headers.get("content-type")).toBe("application/json");
  await expect(malformed.json()).rejects.toThrow(SyntaxError);
});

test("redirect: to the same server or another", async () => {
  sim.faults.next("redirect");
  sim.faults.next("redirect", { status: 301, location: "https://elsewhere.example/token" });
  const [same, other] = [await app(), await app()];
  expect([same.status, same.headers.get("location")]).toEqual([307, "/redirected"]);
  expect([other.status, other.headers.get("location")]).toEqual([301, "https://elsewhere.example/token"]);
});

test("huge-body: goes on for as long as it is told", async () => {
  sim.faults.next("huge-body", { bytes: 1_000_000 });
  expect((await (await app()).text()).length).toBe(1_000_000 + '{"token_type":"Bearer","access_token":"'.length);
  sim.faults.next("huge-body");
  const response = await app();
  await response.body?.cancel();
  expect((await app()).status).toBe(200);
});

test("omit, null, empty refresh token; rewrite; answer", async () => {
  const { refresh_token } = sim.issue();
  sim.switches.refresh = { kind: "fixed", echo: true };
  sim.faults.next("omit-refresh-token");
  sim.faults.next("null-refresh-token");
  sim.faults.next("empty-refresh-token");
  expect(await (await refresh(refresh_token)).json()).not.toHaveProperty("refresh_token");
  expect((await (await refresh(refresh_token)).json()).refresh_token).toBe(null);
  expect((await (await refresh(refresh_token)).json()).refresh_token).toBe("");

  sim.faults.next("rewrite", { rewrite: (answer) => ({ ...answer, expires_in: "900", scope: ["a", "b"] }) });
  expect(await (await app()).json()).toMatchObject({ token_type: "Bearer", expires_in: "900", scope: ["a", "b"] });

  sim.faults.next("answer", { body: "access_token=x&token_type=bearer", headers: { "content-type": "text/plain" } });
  const answer = await app();
  expect([answer.status, await answer.text()]).toEqual([200, "access_token=x&token_type=bearer"]);
});

test("delay and latch act around what else is armed", async () => {
  sim.faults.always("delay", { ms: 20 });
  sim.faults.next("omit-refresh-token");
  const started = performance.now();
  await (await app()).json();
  expect(performance.now() - started).toBeGreaterThanOrEqual(19);
  expect(sim.journal.last()?.faults).toEqual(["omit-refresh-token", "delay"]);
});

test("latch: before the request is handled, or after", async () => {
  const { refresh_token } = sim.issue();
  const before = sim.faults.next("latch");
  const first = refresh(refresh_token);
  expect((await before.arrived).grantType).toBe("refresh_token");
  expect(sim.counters.presentations.size).toBe(0);
  before.release();
  const rotated = await (await first).json();

  const after = sim.faults.next("latch", { handled: true });
  const second = refresh(rotated.refresh_token);
  await after.arrived;
  expect(sim.counters.presentations.get(rotated.refresh_token)).toBe(1);
  after.release();
  expect((await second).status).toBe(200);
});

test("echo-secrets: everything comes back", async () => {
  sim.faults.next("echo-secrets");
  const basic = `Basic ${Buffer.from("client:secret-7").toString("base64")}`;
  const response = await fetch(sim.endpoints.token_endpoint, {
    method: "POST",
    headers: { authorization: basic },
    body: new URLSearchParams({ grant_type: "refresh_token", refresh_token: "rt-7" }),
  });
  const text = await response.text();
  expect(response.status).toBe(400);
  for (const secret of ["rt-7", "secret-7", basic]) expect(text).toContain(secret);
});

test("closing cuts what is stalled, and can be done twice", async () => {
  sim.faults.next("stall-headers");
  const stalled = app();
  await sim.journal.arrived({ path: "/token" });
  const ended = expect(stalled).rejects.toThrow("fetch failed");
  await sim.close();
  await sim.close();
  await ended;
});

test("what a fault needs to be told is asked for by the types", () => {
  const never = () => {
    // @ts-expect-error a status
    sim.faults.next("status");
    // @ts-expect-error no such fault
    sim.faults.next("gremlins");
    // @ts-expect-error not of this fault
    sim.faults.next("html", { retryAfter: "1" });
  };
  expect(never).toBeTypeOf("function");
});

test("stall-connect takes nothing in: no answer comes, and the journal never learns of the request", async () => {
  const armed = sim.faults.next("stall-connect");
  const stop = new AbortController();
  const answer = app(stop.signal);
  await expect.poll(() => armed.used).toBe(1);
  expect(sim.journal.count()).toBe(0);
  stop.abort();
  await expect(answer).rejects.toMatchObject({ name: "AbortError" });
  expect((await app()).status).toBe(200);
  expect(sim.journal.count()).toBe(1);
});
