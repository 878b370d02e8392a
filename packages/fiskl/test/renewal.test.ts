import { describe, expect, test } from "vitest";
import { bench, faultOf, hour } from "./bench.ts";

describe("refresh tokens, whatever Fiskl does with them", () => {
  test("G20 that stay the same, with or without being repeated", async () => {
    for (const echo of [false, true]) {
      await using it = await bench({ simulator: { refresh: { kind: "fixed", echo } } });
      const connection = await it.connect();
      for (let renewal = 0; renewal < 3; renewal++) {
        await it.clock.advance(hour);
        await connection.accessToken();
      }
      const presented = it.tokenRequests("refresh_token").map(({ form }) => form?.refresh_token);
      expect(presented).toHaveLength(3);
      expect(new Set(presented).size).toBe(1);
    }
  });

  test("that rotate: each is presented once", async () => {
    await using it = await bench({ simulator: { refresh: "rotating" } });
    const connection = await it.connect();
    for (let renewal = 0; renewal < 3; renewal++) {
      await it.clock.advance(hour);
      await Promise.all(Array.from({ length: 50 }, () => connection.accessToken()));
    }
    const presented = it.tokenRequests("refresh_token").map(({ form }) => form?.refresh_token);
    expect(presented).toHaveLength(3);
    expect(new Set(presented).size).toBe(3);
    expect(it.simulator.counters.reuses).toBe(0);
  });

  test("that begin to rotate later", async () => {
    await using it = await bench({ simulator: { refresh: { kind: "rotating", rotateAfter: 2 } } });
    const connection = await it.connect();
    for (let renewal = 0; renewal < 5; renewal++) {
      await it.clock.advance(hour);
      await connection.accessToken();
    }
    expect(it.simulator.counters.reuses).toBe(0);
    expect((await connection.status()).health).toBe("healthy");
  });

  test("that do not come: the user connects again when the access token ends, and not before", async () => {
    await using it = await bench({ simulator: { refresh: "none" } });
    const connection = await it.connect();
    const token = await connection.accessToken();
    await it.clock.advance(hour / 2);
    expect(await connection.accessToken()).toBe(token);
    await it.clock.advance(hour / 2);
    expect((await faultOf(connection.accessToken())).fault).toEqual({ kind: "reauthorize", reason: "expired" });
    expect(await connection.status()).toMatchObject({ health: "reauthorize", reason: "expired" });
    expect(it.tokenRequests("refresh_token")).toHaveLength(0);
  });

  test("that are not to be used", async () => {
    await using it = await bench({ confidential: { refresh: "none" } });
    const connection = await it.connect();
    await it.clock.advance(hour);
    expect((await faultOf(connection.accessToken())).fault).toEqual({ kind: "reauthorize", reason: "expired" });
    expect(it.tokenRequests("refresh_token")).toHaveLength(0);
  });

  test.each(["fixed", "rotating"] as const)("that are known to be %s", async (refresh) => {
    await using it = await bench({ confidential: { refresh }, simulator: { refresh } });
    const connection = await it.connect();
    for (let renewal = 0; renewal < 2; renewal++) {
      await it.clock.advance(hour);
      await connection.accessToken();
    }
    expect(it.tokenRequests("refresh_token")).toHaveLength(2);
  });
});

test("G19 an answer lost on the way: one more presentation tells, and a family that ended by it is said to", async () => {
  await using it = await bench({ simulator: { refresh: "rotating" } });
  const connection = await it.connect();
  await it.clock.advance(hour);
  it.simulator.faults.next("lost-response", { grantType: "refresh_token" });
  expect((await faultOf(connection.accessToken())).fault).toEqual({ kind: "reauthorize", reason: "rotation_lost" });
  expect(it.tokenRequests("refresh_token")).toHaveLength(2);
});

test("G41 a lifetime that is not told is unknown: the token is used until it is refused", async () => {
  await using it = await bench();
  it.simulator.faults.always("rewrite", { rewrite: ({ expires_in: _, ...rest }) => rest });
  const connection = await it.connect();
  expect((await connection.status()).accessTokenExpiresAt).toBeUndefined();
  const token = await connection.accessToken();
  await it.clock.advance(hour - 1);
  expect(await connection.accessToken()).toBe(token);
  await it.clock.advance(1);
  expect((await connection.fetch("/v1/invoices")).status).toBe(200);
  expect(it.tokenRequests("refresh_token")).toHaveLength(1);
});

test("G33 a connection that was ended at Fiskl is known by one refused refresh", async () => {
  await using it = await bench();
  const connection = await it.connect();
  it.simulator.revokeGrants();
  for (let call = 0; call < 10; call++)
    expect((await faultOf(connection.fetch("/v1/invoices"))).fault).toEqual({ kind: "reauthorize", reason: "revoked" });
  expect(it.tokenRequests("refresh_token")).toHaveLength(1);
  expect(await connection.status()).toMatchObject({ health: "reauthorize", reason: "revoked" });
});

test("G32 the web app's page at the token endpoint says nothing of the grant", async () => {
  await using it = await bench();
  const connection = await it.connect();
  await it.clock.advance(hour);
  const outage = it.simulator.faults.always("html", { status: 503, path: "/oauth/token" });
  expect((await faultOf(connection.accessToken())).fault.kind).toBe("retry");
  outage.disarm();
  await it.clock.advance(hour);
  await connection.accessToken();
  expect((await connection.status()).health).toBe("healthy");
});
