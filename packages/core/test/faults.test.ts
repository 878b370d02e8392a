import { ConnectorError, type Fault, isConnectorError } from "@linkwright/core";
import { listen, virtualClock } from "@linkwright/testing";
import { expect, test } from "vitest";
import { retryAtOf } from "../src/faults.ts";
import { faultOf, house, patient } from "./support/house.ts";

/** Classifying failures: guarantees C. */

const expired = 301_000;

/** What the caller is told when the token endpoint answers a refresh so. */
async function told(fault: { status: number; body?: unknown; headers?: Record<string, string> }) {
  await using h = await house();
  const connection = await h.link();
  await h.clock.advance(expired);
  h.server.faults.next("status", fault);
  const error = await faultOf(connection.accessToken());
  return { error, status: await connection.status(), at: h.clock.now() };
}

test.for([
  [429, "7", 7_000],
  [503, "7", 7_000],
  [429, "Thu, 15 Jan 2026 02:10:05 GMT", 120_000],
  [429, "999999", 3_600_000],
] as const)(
  "G30 C44 %i with Retry-After %s is retry, at that time, clamped to an hour",
  async ([status, value, wait]) => {
    const { error, at } = await told({ status, headers: { "retry-after": value } });
    expect(error).toMatchObject({ kind: "retry", details: { status } });
    expect(error.kind === "retry" && error.retryAt - at).toBe(wait);
  },
);

test("G30 a Retry-After stands, though an older request succeeds after it", async () => {
  await using h = await house({ timing: patient });
  const [one, two, three] = await Promise.all([h.link("one"), h.link("two"), h.link("three")]);
  await h.clock.advance(expired);
  const latch = h.server.faults.next("latch", { grantType: "refresh_token" });
  const slow = one.accessToken();
  await latch.arrived;
  h.server.faults.next("rate-limited", { retryAfter: "60", grantType: "refresh_token" });
  expect(await faultOf(two.accessToken())).toMatchObject({ kind: "retry" });
  latch.release();
  await slow;
  const before = h.tokenRequests();
  expect(await faultOf(three.accessToken())).toMatchObject({ kind: "retry" });
  expect(h.tokenRequests()).toBe(before);
  await h.clock.advance(60_000);
  expect(await three.accessToken()).toMatch(/^at_/);
});

test.for(["garbage", "-1", "", "12monkeys"])(
  "G30 a Retry-After of %j is left aside for our own pause",
  async (value) => {
    const { error, at } = await told({ status: 429, headers: { "retry-after": value } });
    expect(error).toMatchObject({ kind: "retry" });
    const wait = error.kind === "retry" ? error.retryAt - at : 0;
    expect(wait).toBeGreaterThanOrEqual(500);
    expect(wait).toBeLessThanOrEqual(1_000);
  },
);

test("G30 the gate holds for that endpoint and client alone, and opens by itself", async () => {
  await using h = await house();
  const one = await h.link("one");
  const two = await h.link("two");
  await h.clock.advance(expired);
  h.server.faults.next("rate-limited", { retryAfter: "60" });
  expect(await faultOf(one.accessToken())).toMatchObject({ kind: "retry" });
  expect(await faultOf(two.accessToken())).toMatchObject({ kind: "retry" });
  expect(h.tokenRequests()).toBe(1);
  await h.clock.advance(61_000);
  expect(await two.accessToken()).toMatch(/./);
  expect(await one.accessToken()).toMatch(/./);
});

test.for([
  [500, { error: "server_error" }],
  [502, undefined],
  [503, { error: "invalid_grant" }],
  [500, { error: "invalid_grant", error_description: "really" }],
] as const)("G32 %i %j never changes the connection's status, and deletes nothing", async ([status, body]) => {
  const result = await told({ status, ...(body && { body }) });
  expect(result.error).toMatchObject({ kind: "retry" });
  expect(result.status.health).toBe("degraded");
});

test.for(["refused", "names", "tls"] as const)("G32 a network failure (%s) is retry", async (kind) => {
  await using h = await house();
  const connection = await h.link();
  await h.clock.advance(expired);
  const gone = await listen(() => {});
  await gone.close();
  const endpoint = {
    refused: `${gone.origin}/token`,
    names: "https://no-such-host.invalid/token",
    tls: h.server.origin.replace("http:", "https:"),
  }[kind];
  const broken = h.application({ bank: { server: { ...h.server.endpoints, token_endpoint: endpoint } } });
  const same = await broken.connection(connection.id, { owner: "user_1" });
  expect(await faultOf(same.accessToken())).toMatchObject({ kind: "retry" });
  expect(await connection.status()).toMatchObject({
    health: "degraded",
    inDoubt: kind === "tls" ? expect.any(Boolean) : false,
  });
  await h.clock.advance(2_000);
  expect(await connection.accessToken()).toMatch(/./);
});

test("G33 a refused grant is remembered: one request, then the reason, in every process and for a day of maintenance", async () => {
  await using h = await house({ bank: { grants: { refreshToken: { rotation: "rotating", idleTimeout: 600 } } } });
  const connection = await h.link();
  h.server.revokeGrants();
  await h.clock.advance(expired);
  expect(await faultOf(connection.accessToken())).toMatchObject({ kind: "reauthorize", reason: "revoked" });
  const others = await Promise.all([1, 2].map(() => h.application().connection(connection.id, { owner: "user_1" })));
  for (const each of [connection, ...others])
    for (let call = 0; call < 334; call++)
      expect(await faultOf(each.accessToken())).toMatchObject({ kind: "reauthorize", reason: "revoked" });
  for (let hour = 0; hour < 24; hour++) {
    await h.clock.advance(3_600_000);
    await h.connector.maintain();
  }
  expect(h.tokenRequests()).toBe(1);
  expect(await connection.status()).toMatchObject({ health: "reauthorize", reason: "revoked" });
  expect(h.told("connection.reauthorization_required")).toBe(1);
});

test("G33 a token that is valid still is handed out although the grant is dead, until it expires", async () => {
  await using h = await house({ background: "none" });
  const connection = await h.link();
  const token = await connection.accessToken();
  h.server.switches.accessTokensValid = "all";
  h.server.faults.next("status", { status: 400, body: { error: "invalid_grant" } });
  await h.clock.advance(285_000);
  expect(await connection.accessToken()).toBe(token);
  expect((await connection.status()).health).toBe("reauthorize");
  expect(await connection.accessToken()).toBe(token);
  await h.clock.advance(16_000);
  expect(await faultOf(connection.accessToken())).toMatchObject({ kind: "reauthorize", reason: "revoked" });
  expect(h.tokenRequests()).toBe(1);
});

test("G34 three days of 503 end nothing", async () => {
  await using h = await house();
  const connection = await h.link();
  await h.clock.advance(expired);
  const outage = h.server.faults.always("status", { status: 503 });
  for (let hour = 0; hour < 72; hour++) {
    expect(await faultOf(connection.accessToken())).toMatchObject({ kind: "retry" });
    await h.clock.advance(3_600_000);
  }
  expect(h.tokenRequests()).toBe(72);
  outage.disarm();
  expect(await connection.accessToken()).toMatch(/./);
});

test("G35 C35 a refused client is told once, marks nobody, and works when mended", async () => {
  let secret = "wrong";
  await using h = await house();
  const linked = await Promise.all(Array.from({ length: 100 }, (_, index) => h.link(`user_${index}`)));
  await h.clock.advance(expired);
  const { clientSecretPost } = await import("@linkwright/core");
  const broken = h.application({ bank: { client: { id: "client", authentication: clientSecretPost(() => secret) } } });
  const incidents: unknown[] = [];
  const recoveries: unknown[] = [];
  broken.on("client.rejected", (event) => incidents.push(event));
  broken.on("client.accepted", (event) => recoveries.push(event));
  const connections = await Promise.all(linked.map(({ id, owner }) => broken.connection(id, { owner })));
  for (const connection of connections)
    expect(await faultOf(connection.accessToken())).toMatchObject({ kind: "configuration" });
  expect(incidents).toHaveLength(1);
  expect(await connections[0]?.status()).toMatchObject({ health: "configuration" });
  expect(await linked[0]?.status()).toMatchObject({ health: "healthy" });
  secret = "secret";
  await h.clock.advance(5_000);
  await Promise.all(connections.map((connection) => connection.accessToken()));
  expect(recoveries).toHaveLength(1);
  expect(await connections[0]?.status()).toMatchObject({ health: "healthy" });
});

test.for([
  [403, "access_denied"],
  [400, "invalid_grant"],
] as const)(
  "G35 a %i %s to the application itself is the client's affair: no user is asked, and mended it works",
  async ([status, error]) => {
    await using h = await house();
    const { providers } = h.connector;
    h.server.faults.next("status", { status, body: { error }, grantType: "client_credentials" });
    expect(await faultOf(providers.bank.app().accessToken())).toMatchObject({
      kind: "configuration",
      details: { code: error, status },
    });
    expect(h.told("client.rejected")).toBe(1);
    // It was said of what this request asked for, and holds nothing else back.
    expect(await providers.bank.app({ scope: ["read"] }).accessToken()).toMatch(/./);
    expect(await providers.bank.app().accessToken()).toMatch(/./);
    expect(h.told("connection.reauthorization_required")).toBe(0);
  },
);

test.for<[number, unknown, Partial<Fault>]>([
  [400, { error: "invalid_grant" }, { kind: "reauthorize" }],
  [401, { error: "invalid_grant" }, { kind: "reauthorize" }],
  [200, { error: "invalid_grant" }, { kind: "reauthorize" }],
  [400, { error: "access_denied" }, { kind: "reauthorize" }],
  [400, { error: "invalid_client" }, { kind: "configuration" }],
  [401, { error: "invalid_client" }, { kind: "configuration" }],
  [200, { error: "invalid_client" }, { kind: "configuration" }],
  [401, {}, { kind: "configuration" }],
  [400, { error: "unauthorized_client" }, { kind: "configuration" }],
  [400, { error: "unsupported_grant_type" }, { kind: "configuration" }],
  [400, { error: "invalid_request" }, { kind: "configuration" }],
  [400, { error: "invalid_scope" }, { kind: "configuration" }],
  [400, { error: "temporarily_unavailable" }, { kind: "retry" }],
  [400, { error: "server_error" }, { kind: "retry" }],
  [200, { error: "server_error" }, { kind: "retry" }],
  [400, { error: "no_such_code" }, { kind: "protocol" }],
  [400, { error: "constructor" }, { kind: "protocol" }],
  [400, { error: 5 }, { kind: "protocol" }],
  [400, "<html>", { kind: "protocol" }],
  [403, "", { kind: "protocol" }],
  [418, {}, { kind: "protocol" }],
  [500, { access_token: "stolen" }, { kind: "retry" }],
  [400, { access_token: "stolen", token_type: "Bearer" }, { kind: "protocol" }],
])("G37 %i %j is an error of the right kind and never a token", async ([status, body, expected]) => {
  const { error, status: after } = await told({ status, body });
  expect(error).toMatchObject(expected);
  expect(after.health).toBe(
    expected.kind === "reauthorize"
      ? "reauthorize"
      : expected.kind === "configuration"
        ? "configuration"
        : after.health,
  );
  expect(JSON.stringify(error)).not.toContain("stolen");
});

test("G37 a provider's own reading of its errors goes before the RFC's", async () => {
  await using h = await house({
    bank: {
      dialect: {
        fault: (answer) =>
          answer.status === 418 ? { kind: "reauthorize", reason: "consent_ended", code: "TEAPOT" } : undefined,
      },
    },
  });
  const connection = await h.link();
  await h.clock.advance(expired);
  h.server.faults.next("status", { status: 418, body: {} });
  expect(await faultOf(connection.accessToken())).toMatchObject({
    kind: "reauthorize",
    reason: "consent_ended",
    details: { code: "TEAPOT" },
  });
});

test("G37 a suspected refusal is believed only when it is repeated at least a minute later", async () => {
  await using h = await house({
    bank: {
      dialect: { fault: (answer) => (answer.status === 403 ? { kind: "reauthorize", suspected: true } : undefined) },
    },
  });
  const connection = await h.link();
  await h.clock.advance(expired);
  const refusing = h.server.faults.always("status", { status: 403, body: {} });
  const first = await faultOf(connection.accessToken());
  expect(first).toMatchObject({ kind: "retry" });
  expect(first.kind === "retry" && first.retryAt - h.clock.now()).toBe(60_000);
  expect((await connection.status()).health).toBe("degraded");
  await h.clock.advance(60_000);
  expect(await faultOf(connection.accessToken())).toMatchObject({ kind: "reauthorize", reason: "revoked" });
  expect(h.tokenRequests()).toBe(2);
  refusing.disarm();
});

test("G39 status is read without a request", async () => {
  await using h = await house();
  const connection = await h.link();
  const before = h.server.journal.count();
  expect(await connection.status()).toMatchObject({
    health: "healthy",
    bearer: "connection",
    scope: { requested: ["read"], granted: ["read"], missing: [] },
    accessTokenExpiresAt: h.clock.now() + 300_000,
    inDoubt: false,
  });
  expect(h.server.journal.count()).toBe(before);
});

test("G40 an error carries kind, code, provider, registration, connection and status, also as JSON", async () => {
  await using h = await house();
  const connection = await h.link();
  await h.clock.advance(expired);
  h.server.faults.next("status", {
    status: 400,
    body: { error: "invalid_grant", error_description: "no\r\nsuch\u001b[31m grant <script>" },
  });
  const error = await connection.accessToken().then(
    () => undefined,
    (caught: unknown) => caught,
  );
  expect(isConnectorError(error)).toBe(true);
  const { fault, details, message } = error as ConnectorError;
  expect(fault).toEqual({ kind: "reauthorize", reason: "revoked" });
  expect(details).toEqual({
    provider: "bank",
    registration: "bank",
    connection: connection.id,
    code: "invalid_grant",
    status: 400,
  });
  expect(message).toContain("no such [31m grant <script>");
  for (const control of ["\r", "\n", "\u001b"]) expect(message).not.toContain(control);
  expect(JSON.parse(JSON.stringify(error))).toMatchObject({ name: "ConnectorError", fault, details });
});

test("an error from another copy of the package is recognised", () => {
  const foreign = Object.assign(new Error("elsewhere"), { [Symbol.for("@linkwright/ConnectorError")]: true });
  expect(isConnectorError(foreign)).toBe(true);
  expect(isConnectorError(new Error("no"))).toBe(false);
  expect(isConnectorError(undefined)).toBe(false);
  expect(new ConnectorError({ kind: "store" }, "x")).toBeInstanceOf(Error);
});

test("G30 pauses between failing attempts grow, stay bounded, and differ between connections", async () => {
  await using h = await house({ clock: virtualClock() });
  const waits = new Map<string, number[]>();
  for (const owner of ["one", "two"]) {
    const connection = await h.link(owner);
    await h.clock.advance(expired);
    const outage = h.server.faults.always("status", { status: 500 });
    const seen: number[] = [];
    for (let attempt = 0; attempt < 14; attempt++) {
      const fault = await faultOf(connection.accessToken());
      if (fault.kind !== "retry") throw new Error(fault.kind);
      seen.push(fault.retryAt - h.clock.now());
      await h.clock.advance(fault.retryAt - h.clock.now());
    }
    outage.disarm();
    waits.set(owner, seen);
  }
  for (const seen of waits.values())
    for (const [attempt, wait] of seen.entries()) {
      const full = Math.min(1_000 * 2 ** attempt, 300_000);
      expect(wait).toBeGreaterThanOrEqual(full / 2 - 1);
      expect(wait).toBeLessThanOrEqual(full + 1);
    }
  expect(waits.get("one")).not.toEqual(waits.get("two"));
});

test("G40 when to try again is read off a `retry` alone, whatever was thrown", () => {
  expect(retryAtOf(new ConnectorError({ kind: "retry", retryAt: 5 }, "later"))).toBe(5);
  const foreign = { kind: "store", retryAt: 5 } as unknown as Fault;
  for (const thrown of [new ConnectorError(foreign, "no"), new Error("no"), "no", undefined])
    expect(retryAtOf(thrown)).toBeUndefined();
});
