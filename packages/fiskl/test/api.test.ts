import { describe, expect, test } from "vitest";
import { apiKey, bench, faultOf, hour } from "./bench.ts";

describe("a connected app", () => {
  test("G54 401 is renewed once", async () => {
    await using it = await bench();
    const connection = await it.connect();
    it.simulator.revokeAccessTokens();
    expect((await connection.fetch("/v1/invoices")).status).toBe(200);
    expect(it.simulator.journal.count({ path: "/v1/invoices" })).toBe(2);
    expect(it.tokenRequests("refresh_token")).toHaveLength(1);
  });

  test("G54 a permission that the user lost is a 403 and no dead token; it works again when it is back", async () => {
    await using it = await bench();
    const connection = await it.connect();
    const permissions = it.simulator.users.get("user-1")!.permissions;
    permissions.delete("invoice.read");
    expect((await connection.fetch("/v1/invoices")).status).toBe(403);
    expect((await connection.fetch("/v1/clients")).status).toBe(200);
    permissions.add("invoice.read");
    expect((await connection.fetch("/v1/invoices")).status).toBe(200);
    expect(it.tokenRequests("refresh_token")).toHaveLength(0);
    expect((await connection.status()).health).toBe("healthy");
  });

  test.each([402, 403] as const)("a lapsed subscription, told by %i, ends no connection", async (subscription) => {
    await using it = await bench();
    const connection = await it.connect();
    it.simulator.switches.subscription = subscription;
    expect((await connection.fetch("/v1/date-periods")).status).toBe(subscription);
    it.simulator.switches.subscription = "active";
    expect((await connection.fetch("/v1/date-periods")).status).toBe(200);
    expect(it.tokenRequests("refresh_token")).toHaveLength(0);
  });

  test("G30 429 reaches the caller, with what it says", async () => {
    await using it = await bench();
    const connection = await it.connect();
    it.simulator.faults.next("rate-limited", { path: "/v1/invoices", retryAfter: "7" });
    const response = await connection.fetch("/v1/invoices");
    expect([response.status, response.headers.get("retry-after")]).toEqual([429, "7"]);
    expect((await connection.status()).health).toBe("healthy");
    expect(it.tokenRequests("refresh_token")).toHaveLength(0);
  });

  test("G10 the token goes to the API alone, not to the web app", async () => {
    await using it = await bench();
    const connection = await it.connect();
    const { fault } = await faultOf(connection.fetch(`${it.simulator.webAppOrigin}/v1/invoices`));
    expect(fault).toEqual({ kind: "permission" });
  });

  test("a body is sent again after a renewal", async () => {
    await using it = await bench();
    const connection = await it.connect(it.books, { scope: ["invoicing:write"] });
    it.simulator.revokeAccessTokens();
    const response = await connection.fetch("/v1/invoices", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        externalId: "order-7",
        clientId: 1,
        items: [{ name: "Work", quantity: 2, price: 15_000 }],
      }),
    });
    expect(response.status).toBe(201);
    expect(await response.json()).toMatchObject({ externalId: "order-7", total: 30_000 });
  });
});

describe("an API key", () => {
  test("is the application's own token: nothing is requested for it, ever", async () => {
    await using it = await bench();
    const app = it.own.app();
    expect((await app.fetch("/v1/invoices")).status).toBe(200);
    await it.clock.advance(10_000 * hour);
    expect((await app.fetch("/v1/clients")).status).toBe(200);
    expect(await app.accessToken()).toBe(apiKey);
    expect(it.tokenRequests()).toHaveLength(0);
    expect(it.simulator.journal.entries[0]?.headers.authorization).toBe(`Bearer ${apiKey}`);
  });

  test("refused or narrower: told as it is, once, and nothing is renewed", async () => {
    await using it = await bench();
    const app = it.own.app();
    expect((await app.fetch("/v1/invoices", { method: "POST", body: "{}" })).status).toBe(403);
    it.simulator.apiKeys.get(apiKey)!.revoked = true;
    expect((await app.fetch("/v1/invoices")).status).toBe(401);
    expect(it.simulator.journal.count({ path: "/v1/invoices", method: "GET" })).toBe(1);
    expect(it.tokenRequests()).toHaveLength(0);
  });

  test("knows no users", async () => {
    await using it = await bench();
    expect(it.own).not.toHaveProperty("connect");
    // @ts-expect-error a key has no connect
    void it.own.connect;
  });

  test("may come from a vault at each need", async () => {
    let asked = 0;
    await using it = await bench({
      key: {
        async apiKey() {
          asked++;
          return apiKey;
        },
      },
    });
    expect((await it.own.app().fetch("/v1/invoices")).status).toBe(200);
    expect(asked).toBe(1);
  });

  test("G08 G09 from a vault that does not give it, or fails, is `retry` in time; a caller's signal is heard", async () => {
    const vault: { give: () => Promise<string> } = { give: () => new Promise(() => {}) };
    await using it = await bench({ key: { apiKey: () => vault.give() } });
    const app = it.own.app();
    const hanging = faultOf(app.accessToken());
    const abort = new AbortController();
    const aborted = faultOf(app.accessToken({ signal: abort.signal }));
    abort.abort();
    expect((await aborted).fault).toEqual({ kind: "aborted" });
    await it.clock.advance(15_000);
    expect(await hanging).toMatchObject({
      fault: { kind: "retry" },
      message: expect.stringContaining("The credential could not be had: Error: no answer within 15 s"),
    });
    vault.give = () => Promise.reject(new Error("the vault is sealed"));
    const sealed = faultOf(app.fetch("/v1/invoices"));
    expect(await sealed).toMatchObject({
      fault: { kind: "retry" },
      message: expect.stringContaining("the vault is sealed"),
    });
    vault.give = async () => `${apiKey}\r\nx`;
    const broken = await faultOf(app.fetch("/v1/invoices"));
    expect(broken.fault).toEqual({ kind: "configuration" });
    expect(`${broken.message} ${JSON.stringify(broken)}`).not.toContain(apiKey);
    expect(it.simulator.journal.entries).toEqual([]);
  });
});

describe("G73 disconnecting", () => {
  test("tells Fiskl where it is known how", async () => {
    await using it = await bench({ revocation: true });
    const connection = await it.connect();
    const token = await connection.accessToken();
    expect(await connection.disconnect()).toEqual({
      disconnected: true,
      revocations: [
        { what: "refresh_token", result: "revoked" },
        { what: "access_token", result: "revoked" },
      ],
    });
    const again = await fetch(`${it.simulator.origin}/v1/invoices`, { headers: { authorization: `Bearer ${token}` } });
    expect(again.status).toBe(401);
  });

  test("says so where it is not, and forgets the connection", async () => {
    await using it = await bench();
    const connection = await it.connect();
    expect(await connection.disconnect()).toEqual({
      disconnected: true,
      revocations: [
        { what: "refresh_token", result: "unsupported" },
        { what: "access_token", result: "unsupported" },
      ],
    });
    expect((await faultOf(connection.accessToken())).fault).toEqual({ kind: "gone", reason: "unknown" });
  });
});
