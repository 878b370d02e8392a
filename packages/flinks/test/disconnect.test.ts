import { describe, expect, test } from "vitest";
import { bench, faultOf } from "./bench.ts";

const revoke = "/api/v1/revoke";

describe("G73 disconnecting", () => {
  test("revokes with the live access token; nothing of the connection is left", async () => {
    await using it = await bench();
    const connection = await it.connect();
    const token = await connection.accessToken();
    expect(await connection.disconnect()).toEqual({
      disconnected: true,
      revocations: [{ what: "connection", result: "revoked" }],
    });
    const [request] = it.simulator.journal.filter({ path: revoke });
    expect(request).toMatchObject({ method: "DELETE", body: "", status: 204 });
    expect(request?.headers.authorization).toBe(`Bearer ${token}`);
    expect(it.tokenRequests("refresh_token")).toHaveLength(0);
    expect((await faultOf(connection.accessToken())).fault).toEqual({ kind: "gone", reason: "unknown" });
    const again = await fetch(`${it.simulator.endpoints.fdx}/accounts`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(again.status).toBe(401);
  });

  test("an access token that has expired is renewed first", async () => {
    await using it = await bench();
    const connection = await it.connect();
    await it.clock.advance(10 * 60_000);
    expect((await connection.disconnect()).revocations).toEqual([{ what: "connection", result: "revoked" }]);
    expect(it.simulator.journal.entries.slice(-2).map(({ path, status }) => [path, status])).toEqual([
      ["/api/v1/token", 200],
      [revoke, 204],
    ]);
  });

  test("an access token that Flinks no longer takes is renewed too: 400 is all it says", async () => {
    await using it = await bench();
    const connection = await it.connect();
    it.simulator.revokeAccessTokens();
    expect((await connection.disconnect()).revocations).toEqual([{ what: "connection", result: "revoked" }]);
    expect(it.simulator.journal.filter({ path: revoke }).map(({ status }) => status)).toEqual([400, 204]);
    expect(it.tokenRequests("refresh_token")).toHaveLength(1);
  });

  test.each([
    ["with a token that looks alive", 0],
    ["with an expired one", 10 * 60_000],
  ])("a connection that ended at Flinks is gone already, %s", async (_name, passed) => {
    await using it = await bench();
    const connection = await it.connect();
    it.simulator.revokeGrants();
    await it.clock.advance(passed);
    expect(await connection.disconnect()).toEqual({
      disconnected: true,
      revocations: [{ what: "connection", result: "already_gone" }],
    });
    expect((await faultOf(connection.status())).fault).toEqual({ kind: "gone", reason: "unknown" });
  });

  test("a connection that was known to be over is gone already, without a request", async () => {
    await using it = await bench();
    const connection = await it.connect();
    it.simulator.revokeGrants();
    await it.clock.advance(300_000);
    await faultOf(connection.accessToken());
    const requests = it.simulator.journal.entries.length;
    expect((await connection.disconnect()).revocations).toEqual([{ what: "connection", result: "already_gone" }]);
    expect(it.simulator.journal.entries.length).toBe(requests);
  });

  test("what fails is told and can be tried again; nothing is handed out meanwhile", async () => {
    await using it = await bench();
    const connection = await it.connect();
    it.simulator.faults.next("status", { path: revoke, status: 503 });
    expect(await connection.disconnect()).toEqual({
      disconnected: false,
      revocations: [{ what: "connection", result: "failed" }],
    });
    expect((await faultOf(connection.accessToken())).fault).toEqual({ kind: "gone", reason: "disconnected" });
    expect(await connection.disconnect()).toEqual({
      disconnected: true,
      revocations: [{ what: "connection", result: "revoked" }],
    });
  });

  test("maintenance finishes what failed", async () => {
    await using it = await bench();
    const connection = await it.connect();
    it.simulator.faults.next("status", { path: revoke, status: 500 });
    await connection.disconnect();
    await it.clock.advance(10 * 60_000);
    expect((await it.connector.maintain()).outcomes).toMatchObject({ disconnected: 1, failed: 0 });
    expect(it.simulator.journal.last({ path: revoke })?.status).toBe(204);
  });
});
