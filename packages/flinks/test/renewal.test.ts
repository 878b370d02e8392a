import { describe, expect, test } from "vitest";
import { bench, day, faultOf, minute } from "./bench.ts";

test("G20 G55 the refresh token stays the same, and the answers leave it out", async () => {
  await using it = await bench();
  const connection = await it.connect();
  const tokens = new Set([await connection.accessToken()]);
  for (let renewal = 0; renewal < 3; renewal++) {
    await it.clock.advance(300_000);
    tokens.add(await connection.accessToken());
  }
  expect(tokens.size).toBe(4);
  const requests = it.tokenRequests("refresh_token");
  expect(requests).toHaveLength(3);
  const presented = requests.map(({ json }) => (json as { refresh_token: string }).refresh_token);
  expect(new Set(presented).size).toBe(1);
  for (const { json } of requests)
    expect(Object.keys(json as object).sort()).toEqual(["client_id", "client_secret", "grant_type", "refresh_token"]);
});

test("G01 many callers at expiry are one request", async () => {
  await using it = await bench();
  const connection = await it.connect();
  await it.clock.advance(300_000);
  const tokens = await Promise.all(Array.from({ length: 100 }, () => connection.accessToken()));
  expect(new Set(tokens).size).toBe(1);
  expect(it.tokenRequests("refresh_token")).toHaveLength(1);
});

test.each([
  ["0", 0, 300_000],
  ["absent", "absent", 300_000],
  ["as documented", 299, 299_000],
] as const)("G41 G42 expires_in %s", async (_name, expiresIn, lifetime) => {
  await using it = await bench({ simulator: { switches: { expiresIn } } });
  const warnings: string[] = [];
  it.connector.on("protocol.warning", ({ message }) => warnings.push(message));
  const connection = await it.connect();
  expect((await connection.status()).accessTokenExpiresAt).toBe(it.clock.now() + lifetime);
  const first = await connection.accessToken();
  await it.clock.advance(240_000);
  expect(await connection.accessToken()).toBe(first);
  expect(it.tokenRequests("refresh_token")).toHaveLength(0);
  await it.clock.advance(lifetime - 240_000);
  expect(await connection.accessToken()).not.toBe(first);
  expect(it.tokenRequests("refresh_token")).toHaveLength(1);
  expect(warnings).toEqual(["authorization codes are not protected by PKCE, as the provider is declared to know none"]);
});

describe("G57 the idle timeout", () => {
  test("120 days without traffic", async () => {
    await using it = await bench();
    const connection = await it.connect();
    for (let passed = 0; passed < 120; passed++) {
      await it.clock.advance(day);
      await it.connector.maintain();
    }
    const times = it.tokenRequests("refresh_token").map(({ at }) => at);
    expect(times.length).toBeGreaterThanOrEqual(4);
    expect(times.length).toBeLessThanOrEqual(6);
    expect(Math.max(...times.slice(1).map((at, index) => at - times[index]!))).toBeLessThan(28 * day);
    expect((await connection.status()).health).toBe("healthy");
    expect((await connection.fetch("/api/fdx/5/accounts")).status).toBe(200);
  });

  test("after 31 days down it ended, known by one refused try", async () => {
    await using it = await bench();
    const connection = await it.connect();
    await it.clock.advance(31 * day);
    await it.connector.maintain();
    for (let passed = 0; passed < 24; passed++) {
      await it.clock.advance(60 * minute);
      await it.connector.maintain();
      expect((await faultOf(connection.accessToken())).fault).toEqual({ kind: "reauthorize", reason: "idle_timeout" });
    }
    expect(it.tokenRequests("refresh_token")).toHaveLength(1);
    expect(await connection.status()).toMatchObject({ health: "reauthorize", reason: "idle_timeout" });
  });
});

describe("refusals that may mean the bank's own tokens", () => {
  const refused = async (upstreamExpired: object) => {
    const it = await bench();
    const connection = await it.connect();
    await it.clock.advance(300_000);
    it.simulator.switches.upstreamExpired = upstreamExpired as NonNullable<
      typeof it.simulator.switches.upstreamExpired
    >;
    return { it, connection, ask: () => faultOf(connection.accessToken()) };
  };

  test.each([400, 401, 403] as const)(
    "G33 %i with invalid_grant is believed at once and remembered",
    async (status) => {
      const { it, connection, ask } = await refused({ status, error: "invalid_grant" });
      await using _ = it;
      for (let call = 0; call < 20; call++)
        expect((await ask()).fault).toEqual({ kind: "reauthorize", reason: "revoked" });
      expect(it.tokenRequests("refresh_token")).toHaveLength(1);
      expect((await connection.status()).health).toBe("reauthorize");
    },
  );

  test.each([400, 401, 403] as const)("%i with access_denied says that the consent ended", async (status) => {
    const { it, ask } = await refused({ status, error: "access_denied" });
    await using _ = it;
    expect((await ask()).fault).toEqual({ kind: "reauthorize", reason: "consent_ended" });
  });

  test.each([
    [400, "json"],
    [401, "json"],
    [403, "json"],
    [400, "empty"],
    [401, "empty"],
    [403, "empty"],
  ] as const)("%i without an error (%s) is believed when repeated a minute later", async (status, body) => {
    const { it, connection, ask } = await refused({ status, body });
    await using _ = it;
    expect((await ask()).fault.kind).toBe("retry");
    expect((await connection.status()).health).toBe("degraded");
    await it.clock.advance(59_000);
    expect((await ask()).fault.kind).toBe("retry");
    expect(it.tokenRequests("refresh_token")).toHaveLength(1);
    await it.clock.advance(2_000);
    expect((await ask()).fault).toEqual({ kind: "reauthorize", reason: "revoked" });
    expect(it.tokenRequests("refresh_token")).toHaveLength(2);
  });

  test("a suspicion that was not repeated is forgotten", async () => {
    const { it, connection, ask } = await refused({ status: 401, body: "empty" });
    await using _ = it;
    expect((await ask()).fault.kind).toBe("retry");
    it.simulator.switches.upstreamExpired = undefined;
    await it.clock.advance(61_000);
    await connection.accessToken();
    expect((await connection.status()).health).toBe("healthy");
    it.simulator.switches.upstreamExpired = { status: 401, body: "empty" };
    await it.clock.advance(300_000);
    expect((await ask()).fault.kind).toBe("retry");
  });

  test.each([400, 401, 403] as const)(
    "G32 %i as a page of something in between never marks the connection",
    async (status) => {
      const { it, connection, ask } = await refused({ status, body: "html" });
      await using _ = it;
      for (let hour = 0; hour < 72; hour++) {
        expect((await ask()).fault.kind).toBe("retry");
        await it.clock.advance(60 * minute);
      }
      it.simulator.switches.upstreamExpired = undefined;
      await connection.accessToken();
      expect((await connection.status()).health).toBe("healthy");
    },
  );
});

test.each([500, 502, 503])("G34 %i for three days, then recovery", async (status) => {
  await using it = await bench();
  const connection = await it.connect();
  await it.clock.advance(300_000);
  const outage = it.simulator.faults.always("status", { status, body: { error: "invalid_grant" } });
  for (let hour = 0; hour < 72; hour++) {
    expect((await faultOf(connection.accessToken())).fault.kind).toBe("retry");
    await it.clock.advance(60 * minute);
  }
  outage.disarm();
  await connection.accessToken();
  expect((await connection.status()).health).toBe("healthy");
});

test("G30 429 waits as long as it is told", async () => {
  await using it = await bench();
  const connection = await it.connect();
  await it.clock.advance(300_000);
  it.simulator.faults.next("rate-limited", { retryAfter: "7" });
  const { fault } = await faultOf(connection.accessToken());
  expect(fault).toMatchObject({ kind: "retry" });
  expect((fault as { retryAt: number }).retryAt).toBeGreaterThanOrEqual(it.clock.now() + 7_000);
  await it.clock.advance(6_000);
  expect((await faultOf(connection.accessToken())).fault.kind).toBe("retry");
  expect(it.tokenRequests("refresh_token")).toHaveLength(1);
  await it.clock.advance(60_000);
  await connection.accessToken();
});

test("G19 a lost answer costs nothing: the same token is presented again", async () => {
  await using it = await bench();
  const connection = await it.connect();
  await it.clock.advance(300_000);
  it.simulator.faults.next("lost-response");
  await connection.accessToken();
  expect(it.tokenRequests("refresh_token")).toHaveLength(2);
  expect((await connection.status()).health).toBe("healthy");
});

test("G35 a refused client is the operator's affair; the connection is unharmed and works when the secret is mended", async () => {
  await using it = await bench();
  const connection = await it.connect();
  await it.clock.advance(300_000);
  const client = it.simulator.clients.get("dc-demo0001")!;
  const secret = client.clientSecret!;
  client.clientSecret = "another";
  const incidents: unknown[] = [];
  it.connector.on("client.rejected", ({ code, status }) => incidents.push({ code, status }));
  for (let call = 0; call < 3; call++) {
    const error = await faultOf(connection.accessToken());
    expect(error.fault).toEqual({ kind: "configuration" });
    expect(error.details.code).toBe("invalid_client");
    await it.clock.advance(minute);
  }
  expect(incidents).toEqual([{ code: "invalid_client", status: 400 }]);
  expect((await connection.status()).health).toBe("configuration");
  client.clientSecret = secret;
  await connection.accessToken();
  expect((await connection.status()).health).toBe("healthy");
});
