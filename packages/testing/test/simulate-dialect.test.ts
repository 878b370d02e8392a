import { type ClientAuthentication, clientSecretPost, defineProvider, publicClient } from "@linkwright/core";
import type { ProviderSimulatorOptions } from "@linkwright/testing";
import { describe, expect, test } from "vitest";
import { connected, house, threeHosts } from "./support/three-hosts.ts";

describe("its dialect", () => {
  const odd = () =>
    threeHosts({
      client: { id: "tide", authentication: clientSecretPost("s3cr3t") },
      dialect: {
        request({ url, headers, body }) {
          const { client_id, client_secret, grant_type, ...rest } = Object.fromEntries(new URLSearchParams(body));
          headers.set("content-type", "application/json");
          const json = { app: client_id, key: client_secret, kind: grant_type, ...rest };
          return { url: `${url}/v3`, headers, body: JSON.stringify(json) };
        },
        response({ json }) {
          const { token, renewal, until } = json as Record<string, string>;
          return { access_token: token, refresh_token: renewal, expires_in: until, token_type: "Bearer" };
        },
      },
    });
  const inverse: ProviderSimulatorOptions = {
    request: ({ json = {} }) => {
      const { app, key, kind, ...rest } = json as Record<string, string>;
      return { client_id: app, client_secret: key, grant_type: kind, ...rest };
    },
    answer: ({ access_token, refresh_token, expires_in }, { subject, now, parameters }) => ({
      token: access_token,
      renewal: refresh_token,
      until: expires_in,
      at: new Date(now).toISOString(),
      about: [subject, parameters.grant_type],
    }),
    refusal: ({ error, status }) => ({ status: status + 1, body: { problem: error } }),
  };

  test("G46 its address and media type are asked of the definition; what cannot be asked is an option", async () => {
    const { bank, clock, connection } = await connected(odd(), inverse);
    await clock.advance(1_801_000);
    expect((await connection.fetch("x")).status).toBe(200);
    const sent = bank.journal.filter({ method: "POST", path: "/connect/token/v3" });
    expect(sent.map(({ json }) => (json as { kind: string }).kind)).toEqual(["authorization_code", "refresh_token"]);
    bank.faults.next("status", { status: 503 });
    await clock.advance(1_801_000);
    await expect(connection.accessToken()).rejects.toMatchObject({ fault: { kind: "retry" } });
    bank.client.clientSecret = "another";
    const refused = await bank.fetch(`${bank.endpoints.token_endpoint}/v3`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ app: "tide", key: "s3cr3t", kind: "client_credentials" }),
    });
    expect([refused.status, await refused.json()]).toEqual([402, { problem: "invalid_client" }]);
  });

  test("a client may prove itself in a way of its own", async () => {
    const authentication: ClientAuthentication = {
      method: "signed_ticket",
      apply: (_as, _client, _body, headers) => headers.set("x-ticket", "t-1"),
    };
    const good = await house(threeHosts({ client: { id: "tide", authentication } }), {
      request: ({ form = {} }) => ({ ...form, client_id: "tide" }),
      authenticate: ({ headers }) => headers.get("x-ticket") === "t-1",
    });
    expect(await good.connector.providers.bank.app().accessToken()).toMatch(/^at_/);
    const bad = await house(threeHosts({ client: { id: "tide", authentication } }), { authenticate: () => false });
    await expect(bad.connector.providers.bank.app().accessToken()).rejects.toMatchObject({
      details: { code: "invalid_client" },
    });
  });
});

describe("other grants", () => {
  const ticket = "urn:tidewater:grant:ticket";
  const provider = (over: object = {}) =>
    defineProvider({
      ...threeHosts(),
      grants: { refreshToken: { rotation: "rotating" } },
      extras: (context) => ({
        redeem: (text: string) =>
          context.connectBy({ grantType: ticket, parameters: { ticket: text, scope: "accounts" }, owner: "user_42" }),
      }),
      ...over,
    });
  const extensionGrants: ProviderSimulatorOptions["extensionGrants"] = {
    [ticket]: ({ ticket: text = "" }) => (text.startsWith("t-") ? { subject: text.slice(2) } : undefined),
  };

  test("G46 an extension grant is who the author says, and is renewed as any other", async () => {
    const { bank, clock, connector } = await house(provider(), { extensionGrants });
    const connection = await connector.providers.bank.redeem("t-user-9");
    expect(await (await connection.fetch("x")).json()).toMatchObject({ sub: "user-9", scope: "accounts" });
    await clock.advance(1_801_000);
    expect((await connection.fetch("x")).status).toBe(200);
    expect(bank.journal.filter({ method: "POST" }).map(({ grantType }) => grantType)).toEqual([
      ticket,
      "refresh_token",
    ]);
    const refused = connector.providers.bank.redeem("stolen");
    await expect(refused).rejects.toMatchObject({ details: { code: "invalid_grant" } });
  });

  test("without a subject it is the application's own token; one that nobody serves is refused", async () => {
    const asTicket: NonNullable<ReturnType<typeof provider>["dialect"]> = {
      request({ url, headers, body }) {
        const form = new URLSearchParams(body);
        form.set("grant_type", ticket);
        return { url, headers, body: form };
      },
    };
    const own = defineProvider({ ...threeHosts(), grants: { clientCredentials: {} }, dialect: asTicket });
    const served = await house(own, { extensionGrants: { [ticket]: () => ({ scope: ["all"] }) } });
    expect(await (await served.connector.providers.bank.app().fetch("x")).json()).toEqual({
      client_id: "tide",
      scope: "all",
    });
    const unserved = await house(own);
    await expect(unserved.connector.providers.bank.app().accessToken()).rejects.toMatchObject({
      details: { code: "unsupported_grant_type" },
    });
  });
});

describe("its API and limits", () => {
  test("a bearer is asked for, then the author's answer, and anything else may be served before", async () => {
    const { bank, connection } = await connected(threeHosts(), {
      api: (request, { subject, scope }) =>
        new URL(request.url).pathname === "/v2/tenants" ? Response.json([{ subject, scope }]) : undefined,
      serve: ({ url }) => (url === "https://api.tidewater.example/status" ? new Response("up") : undefined),
    });
    expect(await (await connection.fetch("tenants")).json()).toEqual([
      { subject: "user-1", scope: ["accounts", "offline_access"] },
    ]);
    expect(await (await connection.fetch("other")).json()).toMatchObject({ sub: "user-1" });
    expect(await (await bank.fetch("https://api.tidewater.example/status")).text()).toBe("up");
    expect((await bank.fetch("https://api.tidewater.example/v2/tenants")).status).toBe(401);
    bank.revokeAccessTokens();
    expect((await connection.fetch("tenants")).status).toBe(200);
    expect(bank.journal.count({ grantType: "refresh_token" })).toBe(1);
  });

  test("an API key opens the API of a provider without grants", async () => {
    const provider = defineProvider({
      id: "keyed",
      server: { issuer: "https://keyed.example" },
      client: { id: "key", authentication: publicClient() },
      grants: { staticToken: { token: () => "k-1" } },
      api: { base: "https://keyed.example" },
    });
    const { connector } = await house(provider);
    expect((await connector.providers.bank.app().fetch("/x")).status).toBe(200);
  });

  test("G30 rate limits answer 429 by the clock, with Retry-After in either form or none", async () => {
    const limit = { requests: 2, seconds: 60 };
    for (const [retryAfter, expected] of [
      ["seconds", "60"],
      ["date", "Thu, 15 Jan 2026 02:04:04 GMT"],
      ["none", null],
    ] as const) {
      const { bank, clock } = await house(threeHosts(), { rateLimits: { api: { ...limit, retryAfter } } });
      const ask = () => bank.fetch("https://api.tidewater.example/v2/x");
      const answers = [await ask(), await ask(), await ask()];
      expect(answers.map(({ status }) => status)).toEqual([401, 401, 429]);
      expect(answers[2]?.headers.get("retry-after")).toBe(expected);
      await clock.advance(60_000);
      expect((await ask()).status).toBe(401);
    }
    const { clock, connection } = await connected(threeHosts(), {
      rateLimits: { token: { requests: 1, seconds: 2400 } },
    });
    await clock.advance(1_801_000);
    const refused = await connection.accessToken().catch((error) => error);
    expect(refused.fault).toEqual({ kind: "retry", retryAt: clock.now() + 599_000 });
    await clock.advance(599_000);
    expect(await connection.accessToken()).toMatch(/^at_/);
  });

  test("C23 redirects are followed by the same map, and a credential does not go with them to another origin", async () => {
    const { bank } = await house(threeHosts());
    const api = "https://api.tidewater.example/v2/x";
    const headers = { authorization: "Bearer at_1" };
    bank.faults.next("redirect", { path: "/v2/x", status: 302, location: "https://login.tidewater.example/away" });
    expect((await bank.fetch(api, { headers })).status).toBe(404);
    expect(bank.journal.last()).toMatchObject({ origin: "https://login.tidewater.example", path: "/away" });
    expect(bank.journal.last()?.headers.authorization).toBeUndefined();
    bank.faults.next("redirect", { path: "/v2/x", status: 307, location: "/v2/y" });
    await bank.fetch(api, { method: "POST", body: "b", headers });
    expect(bank.journal.last()).toMatchObject({ method: "POST", path: "/v2/y", body: "b", headers });
    bank.faults.next("redirect", { path: "/v2/x", status: 303, location: "/v2/z" });
    await bank.fetch(api, { method: "POST", body: "b" });
    expect(bank.journal.last()).toMatchObject({ method: "GET", path: "/v2/z", body: "" });
    bank.faults.always("redirect", { path: "/v2/x", location: "/v2/x" });
    expect((await bank.fetch(api, { redirect: "manual" })).status).toBe(307);
    await expect(bank.fetch(api)).rejects.toThrow("too many redirects");
    await expect(bank.fetch(api, { redirect: "error" })).rejects.toThrow("does not follow");
    bank.faults.next("redirect", { path: "/v2/q", location: "https://example.com/" });
    await expect(bank.fetch("https://api.tidewater.example/v2/q")).rejects.toMatchObject({
      cause: { code: "ENOTFOUND" },
    });
  });
});
