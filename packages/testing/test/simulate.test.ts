import { type ClientAuthentication, publicClient } from "@linkwright/core";
import { listen, type ProviderSimulator, type ProviderSimulatorOptions, simulate } from "@linkwright/testing";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { describe, expect, onTestFinished, test } from "vitest";
import { connected, hour, house, owner, post, redirectUri, session, threeHosts } from "./support/three-hosts.ts";

describe("a server made from a definition", () => {
  test("G46 answers at the definition's own addresses: page, token endpoint, API and revocation, each on its host", async () => {
    const { bank, connection, clock, url } = await connected();
    expect(url.origin).toBe("https://login.tidewater.example");
    expect((await connection.status()).accessTokenExpiresAt).toBe(clock.now() + 1_800_000);
    const answer = await connection.fetch("accounts?page=2");
    expect(await answer.json()).toEqual({ sub: "user-1", client_id: "tide", scope: "accounts offline_access" });
    expect((await connection.disconnect()).revocations).toEqual([
      { what: "refresh_token", result: "revoked" },
      { what: "access_token", result: "revoked" },
    ]);
    expect(bank.journal.entries.map(({ method, origin, path }) => `${method} ${origin}${path}`)).toEqual([
      "GET https://login.tidewater.example/connect/authorize",
      "POST https://login.tidewater.example/connect/authorize",
      "POST https://id.tidewater.example/connect/token",
      "GET https://api.tidewater.example/v2/accounts",
      "POST https://id.tidewater.example/connect/revocation",
      "POST https://id.tidewater.example/connect/revocation",
    ]);
    expect(bank.endpoints.token_endpoint).toBe("https://id.tidewater.example/connect/token");
  });

  test("a host that is none of its own is nowhere, and what is on loopback is left alone", async () => {
    const { bank, connector } = await connected();
    const elsewhere = await bank.fetch("https://example.com/").catch((error: Error) => error);
    expect(elsewhere).toMatchObject({ message: "fetch failed", cause: { code: "ENOTFOUND" } });
    expect((elsewhere as Error & { cause: Error }).cause.message).toContain(
      "https://example.com is none of the simulated hosts (https://id.tidewater.example, https://login",
    );
    const own = await listen((_request, response) => response.end("hello"));
    onTestFinished(() => own.close());
    expect(await (await bank.fetch(`${own.origin}/x`)).text()).toBe("hello");
    await connector.ready();
  });

  test("an origin on loopback that names its port is listened at, without a routing fetch", async () => {
    const { at, bank } = await onFreePort();
    onTestFinished(() => bank.close());
    expect(bank.origin).toBe(at);
    const answer = await post(
      `${at}/token`,
      { grant_type: "client_credentials" },
      { authorization: `Basic ${btoa("tide:s3cr3t%2F%C3%A9%3A%2B")}` },
    );
    expect(answer.status).toBe(200);
    expect(bank.locate(`${at}/x?y=1`)).toBe(`${at}/x?y=1`);
  });

  test("C9 a discovered server publishes its metadata at the issuer, and invents what the definition leaves out", async () => {
    const issuer = "https://tidewater.example/tenant";
    const { bank, connection } = await connected(threeHosts({ server: { issuer, discovery: true } }));
    expect(bank.endpoints).toEqual({
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      revocation_endpoint: `${issuer}/revoke`,
    });
    const [first] = bank.journal.entries;
    expect(first?.origin + (first?.path ?? "")).toBe(
      "https://tidewater.example/.well-known/oauth-authorization-server/tenant",
    );
    expect((await connection.status()).health).toBe("healthy");
  });

  test("C9 OpenID Connect Discovery is served where the definition asks for it", async () => {
    const issuer = "https://tidewater.example/tenant/";
    const { bank } = await connected(threeHosts({ server: { issuer, discovery: "oidc" } }));
    const [first] = bank.journal.entries;
    expect(first?.path).toBe("/tenant/.well-known/openid-configuration");
  });

  test("C5 C6 carries iss in callbacks where the definition promises it", async () => {
    const { server } = threeHosts();
    const it = await house(threeHosts({ server: { ...server, authorization_response_iss_parameter_supported: true } }));
    const flow = await it.connector.providers.bank.connect({ owner, session });
    const callback = await it.bank.consent(flow.url);
    expect(new URL(callback).searchParams.get("iss")).toBe("https://id.tidewater.example");
    await it.connector.complete(callback, { session });
  });
});

describe("its client", () => {
  test("C18 is the definition's, with its secret and its one method", async () => {
    const { bank } = await house(threeHosts());
    expect(bank.client).toMatchObject({ clientId: "tide", clientSecret: "s3cr3t/é:+", pkce: "required" });
    expect(bank.client.authentication).toEqual(["client_secret_basic"]);
    const asPost = await post(bank.locate(bank.endpoints.token_endpoint), {
      grant_type: "client_credentials",
      client_id: "tide",
      client_secret: "s3cr3t/é:+",
    });
    expect(asPost.status).toBe(401);
    bank.client.clientSecret = "another";
    const { connector } = await connected().then(async (it) => {
      it.bank.client.clientSecret = "another";
      return it;
    });
    await expect(connector.providers.bank.app().accessToken()).rejects.toMatchObject({
      fault: { kind: "configuration" },
      details: { code: "invalid_client" },
    });
  });

  test("C1 a public client needs PKCE; without PKCE declared, none is asked for", async () => {
    const client = { id: "tide", authentication: publicClient() };
    const { bank, connection } = await connected(threeHosts({ client }));
    expect(bank.client).toMatchObject({ authentication: ["none"], pkce: "required" });
    expect((await connection.status()).health).toBe("healthy");
    const grants = { ...threeHosts().grants, authorizationCode: { redirectUri, pkce: "unsupported" } } as const;
    const without = await connected(threeHosts({ grants }));
    expect(without.bank.client.pkce).toBe("ignored");
    expect(without.url.searchParams.has("code_challenge")).toBe(false);
  });

  test("a secret that nobody has is said so", async () => {
    const custom: ClientAuthentication = { method: "client_secret_post", apply: () => {} };
    await expect(simulate(threeHosts({ client: { id: "tide", authentication: custom } }))).rejects.toThrow(
      "simulate: tidewater holds no client secret; give it as the option clientSecret",
    );
  });

  test("C40 private_key_jwt: claims, signature and single use are checked", async () => {
    const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
    const claims = { sub: "tide", iss: "tide", aud: "https://id.tidewater.example", jti: "j-1" };
    const sign = (over: Record<string, unknown> = {}, key = privateKey) =>
      new SignJWT({ ...claims, ...over })
        .setProtectedHeader({ alg: "ES256" })
        .setIssuedAt()
        .setExpirationTime((over.exp as number | undefined) ?? "60s")
        .sign(key);
    const authentication: ClientAuthentication = { method: "private_key_jwt", apply: () => {} };
    const { bank } = await house(threeHosts({ client: { id: "tide", authentication } }), {
      publicKey: await exportJWK(publicKey),
    });
    const ask = async (client_assertion: string, more: Record<string, string> = {}) => {
      const client_assertion_type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
      const answer = await post(bank.locate(bank.endpoints.token_endpoint), {
        grant_type: "client_credentials",
        client_assertion_type,
        ...(client_assertion && { client_assertion }),
        ...more,
      });
      const { error_description = "" } = (await answer.json()) as { error_description?: string };
      return `${answer.status} ${error_description}`.trim();
    };
    const good = await sign();
    expect(await ask(good)).toBe("200");
    expect(await ask(good)).toBe("401 The client's assertion has no jti of its own.");
    expect(await ask("")).toBe("401 client_assertion is missing.");
    expect(await ask("x.y")).toBe("401 The client's assertion is no JWT.");
    expect(await ask(await sign({ aud: "https://other.example" }))).toBe(
      "401 The client's assertion is for another server.",
    );
    expect(await ask(await sign({ sub: "other" }))).toBe("401 The client's assertion is another client's.");
    expect(await ask(await sign({ exp: 1_000_000 }))).toBe("401 The client's assertion has expired.");
    const stranger = (await generateKeyPair("ES256")).privateKey;
    expect(await ask(await sign({}, stranger))).toBe("401 The client's assertion is not signed with the client's key.");
    expect(await ask(await sign({ jti: "j-2" }), { client_secret: "x" })).toBe(
      "400 More than one method of client authentication.",
    );
  });
});

describe("its refresh tokens", () => {
  test("C26 rotate once each, and reuse ends the family, as strict servers do", async () => {
    const { bank, clock, connection } = await connected();
    for (let renewal = 1; renewal <= 3; renewal++) {
      await clock.advance(1_801_000);
      expect((await connection.fetch("x")).status).toBe(200);
    }
    expect([...bank.counters.presentations.values()]).toEqual([1, 1, 1]);
    await clock.advance(1_801_000);
    bank.faults.next("lost-response");
    await expect(connection.accessToken()).rejects.toMatchObject({
      fault: { kind: "reauthorize", reason: "rotation_lost" },
    });
    expect(bank.counters).toMatchObject({ reuses: 1, familiesRevoked: 1 });
  });

  test("G19 a grace that is declared is kept", async () => {
    const grants = { ...threeHosts().grants, refreshToken: { rotation: "rotating", reuseGrace: 60 } } as const;
    const { bank, clock, connection } = await connected(threeHosts({ grants }));
    await clock.advance(1_801_000);
    bank.faults.next("lost-response");
    expect((await connection.fetch("x")).status).toBe(200);
    expect(bank.counters).toMatchObject({ reuses: 0, replays: 1 });
  });

  test("G57 an idle timeout that is declared is kept; the options say otherwise where the documentation does", async () => {
    const idle = async (options: ProviderSimulatorOptions) => {
      const { clock, connection } = await connected(threeHosts(), options);
      await clock.advance(59 * 24 * hour);
      await connection.accessToken();
      await clock.advance(61 * 24 * hour);
      return connection.accessToken().then(
        () => "alive",
        (error) => error.fault.reason,
      );
    };
    expect(await idle({})).toBe("idle_timeout");
    expect(await idle({ refresh: "rotating" })).toBe("alive");
  });

  test("fixed ones stay, and none are given where none are declared", async () => {
    const fixed = { ...threeHosts().grants, refreshToken: { rotation: "fixed" } } as const;
    const { bank, clock, connection } = await connected(threeHosts({ grants: fixed }));
    for (let renewal = 1; renewal <= 2; renewal++) {
      await clock.advance(1_801_000);
      await connection.accessToken();
    }
    expect([...bank.counters.presentations.values()]).toEqual([2]);
    const { refreshToken: _none, ...without } = threeHosts().grants;
    const short = await connected(threeHosts({ grants: without }));
    expect(short.bank.issue().refresh_token).toBeUndefined();
  });
});

/** Somebody else may take a port between its being free and its being listened at. */
async function onFreePort(): Promise<{ readonly at: string; readonly bank: ProviderSimulator }> {
  for (;;) {
    const free = await listen(() => {});
    await free.close();
    const at = `http://127.0.0.1:${free.port}`;
    const provider = threeHosts({ server: { issuer: at, token_endpoint: `${at}/token` }, api: { base: at } });
    const bank = await simulate(provider).catch((error: { readonly code?: unknown }) => {
      if (error.code !== "EADDRINUSE") throw error;
    });
    if (bank) return { at, bank };
  }
}
