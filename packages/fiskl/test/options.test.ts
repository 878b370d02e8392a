import { isConnectorError, Secret } from "@linkwright/core";
import { describe, expect, expectTypeOf, test } from "vitest";
import { type FisklAppProvider, type FisklConfidentialOptions, type FisklKeyProvider, fiskl } from "../src/index.ts";

const canary = "canary-51b7c0de";
const key = `fsk_${canary}`;
const endpoints = { authorization: "https://my.fiskl.com/oauth/authorize", token: "https://my.fiskl.com/oauth/token" };
const app = { clientId: "app_01", redirectUri: "https://app.example/cb", endpoints };
const confidential: FisklConfidentialOptions = { client: "confidential", clientSecret: canary, ...app };

function complaint(options: Record<string, unknown>): string {
  try {
    fiskl(options as unknown as FisklConfidentialOptions);
  } catch (error) {
    if (!isConnectorError(error)) throw error;
    expect(error.fault).toEqual({ kind: "configuration" });
    expect(`${JSON.stringify(error)} ${error.stack}`).not.toContain(canary);
    return error.message;
  }
  return "accepted";
}

describe("kinds of client", () => {
  test("confidential: secret by Basic, and PKCE", () => {
    const provider = fiskl(confidential);
    expect(provider.id).toBe("fiskl");
    expect(provider.server).toEqual({
      issuer: "https://my.fiskl.com",
      authorization_endpoint: "https://my.fiskl.com/oauth/authorize",
      token_endpoint: "https://my.fiskl.com/oauth/token",
    });
    expect(provider.client.id).toBe("app_01");
    expect(provider.client.authentication.method).toBe("client_secret_basic");
    expect(provider.grants).toEqual({
      authorizationCode: { redirectUri: "https://app.example/cb", pkce: "S256" },
      refreshToken: { rotation: "observed" },
    });
    expect(provider.accessToken).toEqual({ type: "Bearer" });
    expect(provider.api?.base).toBe("https://api.fiskl.com");
    expectTypeOf(provider).toEqualTypeOf<FisklAppProvider>();
  });

  test("confidential: by post, without PKCE, other hosts", () => {
    const provider = fiskl({
      ...confidential,
      authentication: "post",
      pkce: false,
      baseUrl: "https://api.fiskl.ca/",
      issuer: "https://my.fiskl.ca",
      endpoints: { ...endpoints, revocation: "https://my.fiskl.com/oauth/revoke" },
      scope: ["invoicing:read", "contacts:write", "invoicing:read", "newarea:read", "offline_access"],
    });
    expect(provider.client.authentication.method).toBe("client_secret_post");
    expect(provider.grants.authorizationCode).toEqual({
      redirectUri: "https://app.example/cb",
      pkce: "unsupported",
      scope: ["invoicing:read", "contacts:write", "newarea:read", "offline_access"],
    });
    expect(provider.server.revocation_endpoint).toBe("https://my.fiskl.com/oauth/revoke");
    expect(provider.server.issuer).toBe("https://my.fiskl.ca");
    expect(provider.api?.base).toBe("https://api.fiskl.ca");
  });

  test("public: no secret, and PKCE always", () => {
    const provider = fiskl({ client: "public", ...app });
    expect(provider.client.authentication.method).toBe("none");
    expect(provider.grants.authorizationCode.pkce).toBe("S256");
    expect(complaint({ client: "public", ...app, pkce: false })).toMatch(/^fiskl: option pkce must be one of true/);
  });

  test("key: a static token, no users, nothing to renew", async () => {
    const provider = fiskl({ client: "key", apiKey: key });
    expect(Object.keys(provider.grants)).toEqual(["staticToken"]);
    expect(provider.server.token_endpoint).toBeUndefined();
    expect(JSON.stringify(provider)).not.toContain(canary);
    expectTypeOf(provider).toEqualTypeOf<FisklKeyProvider>();
  });

  test("discovery in place of endpoints, or beside them", () => {
    const { endpoints: _, ...rest } = confidential;
    expect(fiskl({ ...rest, discovery: true }).server).toEqual({ issuer: "https://my.fiskl.com", discovery: true });
    expect(fiskl({ ...confidential, discovery: true }).server).toEqual({
      issuer: "https://my.fiskl.com",
      authorization_endpoint: endpoints.authorization,
      token_endpoint: endpoints.token,
      discovery: true,
    });
  });

  test.each([
    ["observed", { rotation: "observed" }],
    ["fixed", { rotation: "fixed" }],
    ["rotating", { rotation: "rotating" }],
    ["none", undefined],
  ] as const)("refresh tokens that are %s", (refresh, expected) => {
    expect(fiskl({ ...confidential, refresh }).grants.refreshToken).toEqual(expected);
  });
});

describe("mistakes", () => {
  test("without endpoints the remedy names both ways out", () => {
    const { endpoints: _, ...rest } = confidential;
    const message = complaint(rest);
    expect(message).toMatch(/^fiskl: option endpoints is missing/);
    expect(message).toContain("endpoints: { authorization, token }");
    expect(message).toContain("discovery: true");
  });

  test("a key where an app's credentials belong", () => {
    expect(complaint({ ...confidential, clientId: key })).toMatch(
      /^fiskl: option clientId holds an API key.+client: "key" with apiKey/,
    );
    expect(complaint({ ...confidential, clientSecret: key })).toMatch(
      /^fiskl: option clientSecret holds an API key.+client: "key"/,
    );
    expect(complaint({ ...confidential, clientSecret: new Secret(key) })).toMatch(/^fiskl: option clientSecret/);
  });

  test("something else where a key belongs", () => {
    for (const apiKey of [canary, new Secret(canary), "", "fsk_", `fsk_${canary} `, undefined])
      expect(complaint({ client: "key", apiKey })).toMatch(/^fiskl: option apiKey .+/);
    expect(complaint({ client: "key", apiKey: canary })).toContain('client: "confidential" or "public"');
  });

  test("a secret from a function is checked when it is there", async () => {
    const provider = fiskl({ client: "key", apiKey: async () => canary });
    const { token } = provider.grants.staticToken;
    if (typeof token !== "function") throw new Error("not a function");
    await expect(token()).rejects.toMatchObject({
      fault: { kind: "configuration" },
      message: expect.stringMatching(/option apiKey/),
    });
    const good = fiskl({ client: "key", apiKey: async () => key }).grants.staticToken.token;
    if (typeof good !== "function") throw new Error("not a function");
    const value = await good();
    expect(value).toBeInstanceOf(Secret);
    expect((value as Secret).reveal()).toBe(key);
  });

  test.each([
    ["client", { ...confidential, client: "secret" }],
    ["clientId", { ...confidential, clientId: "" }],
    ["clientSecret", { ...confidential, clientSecret: "" }],
    ["clientSecret", { ...confidential, clientSecret: undefined }],
    ["authentication", { ...confidential, authentication: "json" }],
    ["pkce", { ...confidential, pkce: "S256" }],
    ["refresh", { ...confidential, refresh: "always" }],
    ["issuer", { ...confidential, issuer: "my.fiskl.com" }],
    ["endpoints.token", { ...confidential, endpoints: { authorization: endpoints.authorization } }],
    [
      "endpoints.authorization",
      { ...confidential, endpoints: { ...endpoints, authorization: "http://my.fiskl.com/a" } },
    ],
    ["endpoints.revocation", { ...confidential, endpoints: { ...endpoints, revocation: "/revoke" } }],
    ["baseUrl", { ...confidential, baseUrl: "https://api.fiskl.com/v1" }],
    ["baseUrl", { ...confidential, baseUrl: "https://my.fiskl.com" }],
    ["redirectUri", { ...confidential, redirectUri: undefined }],
    ["redirectUri", { ...confidential, redirectUri: "/cb" }],
    ["redirectUri", { ...confidential, redirectUri: "http://app.example/cb" }],
    ["redirectUri", { ...confidential, redirectUri: "http://127.0.0.1:3000/cb" }],
    ["redirectUri", { ...confidential, redirectUri: "http://[::1]:3000/cb" }],
    ["redirectUri", { ...confidential, redirectUri: "https://app.example/cb#" }],
    ["redirectUri", { ...confidential, redirectUri: "com.example:/cb" }],
    ["scope", { ...confidential, scope: ["invoice.read"] }],
    ["scope", { ...confidential, scope: ["invoicing:read contacts:read"] }],
    ["scope", { ...confidential, scope: ["bank_connection.read"] }],
    ["scope", { ...confidential, scope: [""] }],
    ["scope", { ...confidential, scope: ['invoicing:"read"'] }],
    ["scope", { ...confidential, scope: ["invoicing:\\read"] }],
    ["scope", { ...confidential, scope: ["f\u00fcr:read"] }],
    ["scope", { ...confidential, scope: ["invoicing:read\n"] }],
    ["scope", { ...confidential, scope: [7] }],
    ["webhook.secrets", { ...confidential, webhook: { secrets: [] } }],
    ["webhook.secrets", { ...confidential, webhook: { secrets: canary } }],
    ["webhook.secrets", { ...confidential, webhook: { secrets: "whsec_short" } }],
    ["webhook.secrets", { ...confidential, webhook: { secrets: "whsec_c2hvcnQ=" } }],
    ["webhook.secrets", { ...confidential, webhook: { secrets: "whsec_%%%" } }],
    [
      "webhook.tolerance",
      { ...confidential, webhook: { secrets: "whsec_ISIjJCUmJygpKissLS4vMDEyMzQ1Njc4", tolerance: 0 } },
    ],
  ])("a bad %s is refused by name (%#)", (option, options) => {
    expect(complaint(options)).toMatch(new RegExp(`^fiskl: option ${option.replace(".", "\\.")} .+`));
  });

  test("why 127.0.0.1 is refused, and what is not", () => {
    expect(complaint({ ...confidential, redirectUri: "http://127.0.0.1:3000/cb" })).toBe(
      "fiskl: option redirectUri uses 127.0.0.1; Fiskl takes plain http for the name localhost alone, so write http://localhost",
    );
    for (const redirectUri of [
      "http://localhost/cb",
      "http://localhost:3000/cb",
      "https://127.0.0.1/cb",
      "https://app.example/cb?x=1",
    ])
      expect(complaint({ ...confidential, redirectUri })).toBe("accepted");
  });
});
