import { describe, expect, test } from "vitest";
import { bench, faultOf } from "./bench.ts";

const accounts = "/api/fdx/5/accounts";

describe("a bad access token", () => {
  test.each([401, 403] as const)(
    "G54 %i with a message alone: one renewal, one request more",
    async (staleTokenStatus) => {
      await using it = await bench({ simulator: { switches: { staleTokenStatus } } });
      const connection = await it.connect();
      it.simulator.revokeAccessTokens();
      expect((await connection.fetch(accounts)).status).toBe(200);
      expect(it.simulator.journal.count({ path: accounts })).toBe(2);
      expect(it.tokenRequests("refresh_token")).toHaveLength(1);
    },
  );

  test("G54 a second refusal goes to the caller", async () => {
    await using it = await bench();
    const connection = await it.connect();
    it.simulator.faults.always("status", { path: accounts, status: 401, body: { message: "Unauthorized" } });
    const response = await connection.fetch(accounts);
    expect(response.status).toBe(401);
    expect(await response.json()).toEqual({ message: "Unauthorized" });
    expect(it.simulator.journal.count({ path: accounts })).toBe(2);
    expect(it.tokenRequests("refresh_token")).toHaveLength(1);
    expect((await connection.status()).health).toBe("healthy");
  });

  test("G14 many refused together renew once", async () => {
    await using it = await bench();
    const connection = await it.connect();
    it.simulator.revokeAccessTokens();
    const responses = await Promise.all(Array.from({ length: 20 }, () => connection.fetch(accounts)));
    expect(responses.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(it.tokenRequests("refresh_token")).toHaveLength(1);
  });
});

describe("G74 602", () => {
  test("on every call: the consent is over at once, and nothing is refreshed", async () => {
    await using it = await bench();
    const connection = await it.connect();
    const ended: unknown[] = [];
    it.connector.on("connection.ended", ({ reason }) => ended.push(reason));
    it.simulator.switches.notAuthorized = "everywhere";
    const response = await connection.fetch("/api/fdx/5/accounts/11/transactions");
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ code: 602 });
    expect(it.simulator.journal.filter({ method: "GET", path: /fdx/ }).map(({ path }) => path)).toEqual([
      "/api/fdx/5/accounts/11/transactions",
      "/api/fdx/5/customers/current",
      "/api/fdx/5/accounts",
    ]);
    expect(await connection.status()).toMatchObject({ health: "ended", reason: "consent_ended" });
    expect((await faultOf(connection.accessToken())).fault).toEqual({ kind: "reauthorize", reason: "consent_ended" });
    expect(it.tokenRequests("refresh_token")).toHaveLength(0);
    expect(ended).toEqual(["consent_ended"]);
  });

  test("on one kind of data: a scope is missing, and the connection lives on", async () => {
    await using it = await bench();
    const connection = await it.connect({ scope: ["ACCOUNT_BASIC"] });
    for (const path of ["/api/fdx/5/accounts/11/transactions", "/api/fdx/5/customers/current"]) {
      const response = await connection.fetch(path);
      expect(await response.json()).toMatchObject({ code: 602 });
    }
    expect((await connection.status()).health).toBe("healthy");
    expect((await connection.fetch(accounts)).status).toBe(200);
    expect(it.tokenRequests("refresh_token")).toHaveLength(0);
  });

  test("the probes are what the options say", async () => {
    await using it = await bench({ adapter: { consentProbes: ["/api/fdx/5/customers/current"] } });
    const connection = await it.connect({ scope: ["ACCOUNT_BASIC", "CUSTOMER_CONTACT"] });
    it.simulator.switches.notAuthorized = [/accounts/];
    await connection.fetch(accounts);
    expect((await connection.status()).health).toBe("healthy");
    it.simulator.switches.notAuthorized = "everywhere";
    await connection.fetch(accounts);
    expect((await connection.status()).health).toBe("ended");
  });
});

test("G32 other data errors reach the caller as they are and say nothing of the grant", async () => {
  await using it = await bench();
  const connection = await it.connect({ scope: ["ACCOUNT_BASIC", "ACCOUNT_PAYMENTS", "TRANSACTIONS"] });
  const answers = [];
  for (const path of [
    "accounts?limit=none",
    "accounts/99",
    "accounts/11/transactions?startTime=yesterday",
    "accounts/11/transactions?startTime=2026-02-01&endTime=2026-01-01",
  ]) {
    const response = await connection.fetch(`/api/fdx/5/${path}`);
    answers.push([response.status, ((await response.json()) as { code: number }).code]);
  }
  it.simulator.switches.throttled = { status: 422, retryAfter: "3" };
  const throttled = await connection.fetch(accounts);
  answers.push([throttled.status, ((await throttled.json()) as { code: number }).code]);
  expect(answers).toEqual([
    [400, 401],
    [404, 701],
    [400, 702],
    [400, 703],
    [422, 1207],
  ]);
  expect(it.tokenRequests("refresh_token")).toHaveLength(0);
  expect((await connection.status()).health).toBe("healthy");
});

test("G10 the token goes to Flinks alone; pages are followed by the link that the answer names", async () => {
  await using it = await bench();
  const connection = await it.connect();
  expect((await faultOf(connection.fetch("https://evil.example/api/fdx/5/accounts"))).fault).toEqual({
    kind: "permission",
  });
  const seen: string[] = [];
  for (let next: string | undefined = `${accounts}?limit=1`; next !== undefined; ) {
    const page = (await (await connection.fetch(next)).json()) as {
      links: { next?: { href: string } };
      accounts: Record<string, { accountId: string }>[];
    };
    seen.push(...page.accounts.flatMap((account) => Object.values(account).map(({ accountId }) => accountId)));
    next = page.links.next?.href;
  }
  expect(seen).toEqual(["11", "12"]);
});
