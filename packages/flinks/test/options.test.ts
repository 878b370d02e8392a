import { days, isConnectorError, Secret } from "@linkwright/core";
import { describe, expect, test } from "vitest";
import { type FlinksOptions, flinks } from "../src/index.ts";
import { userScope } from "../src/options.ts";
import { connectParameters } from "../src/parameters.ts";

const canary = "canary-51b7c0de";
const good: FlinksOptions = { clientId: "dc-demo0001", clientSecret: canary, redirectUri: "https://app.example/cb" };

function complaint(options: Partial<Record<keyof FlinksOptions, unknown>>): string {
  try {
    flinks({ ...good, ...options } as FlinksOptions);
  } catch (error) {
    if (!isConnectorError(error)) throw error;
    expect(error.fault).toEqual({ kind: "configuration" });
    expect(`${JSON.stringify(error)} ${error.stack}`).not.toContain(canary);
    return error.message;
  }
  return "accepted";
}

describe("options", () => {
  test("defaults", () => {
    const provider = flinks(good);
    expect(provider.id).toBe("flinks");
    expect(provider.server).toEqual({
      issuer: "https://ob.flinksapp.com",
      authorization_endpoint: "https://ob.flinksapp.com/api/v1/authorize",
      token_endpoint: "https://ob.flinksapp.com/api/v1/token",
    });
    expect(provider.client.id).toBe("dc-demo0001");
    expect(provider.client.authentication.method).toBe("client_secret_post");
    expect(provider.grants).toEqual({
      authorizationCode: { redirectUri: "https://app.example/cb", pkce: "unsupported", scope: ["ACCOUNT_BASIC"] },
      refreshToken: { rotation: "fixed", idleTimeout: 30 * 86_400 },
      clientCredentials: {},
    });
    expect(provider.accessToken).toEqual({ lifetime: 300, type: "Bearer" });
    expect(provider.api?.base).toBe("https://ob.flinksapp.com");
  });

  test("what is told is used", () => {
    const provider = flinks({
      ...good,
      baseUrl: "https://ob-preprod.flinksapp.dev/",
      tokenUrl: "https://api.flinks.example/api/v1/token",
      authentication: "basic",
      pkce: true,
      scope: ["TRANSACTIONS", "ACCOUNT_BASIC", "TRANSACTIONS"],
      idleTimeout: days(10),
      accessTokenLifetime: 600,
    });
    expect(provider.server.authorization_endpoint).toBe("https://ob-preprod.flinksapp.dev/api/v1/authorize");
    expect(provider.server.token_endpoint).toBe("https://api.flinks.example/api/v1/token");
    expect(provider.client.authentication.method).toBe("client_secret_basic");
    expect(provider.grants.authorizationCode.pkce).toBe("S256");
    expect(provider.grants.authorizationCode.scope).toEqual(["ACCOUNT_BASIC", "TRANSACTIONS"]);
    expect(provider.grants.refreshToken.idleTimeout).toBe(864_000);
    expect(provider.accessToken).toEqual({ lifetime: 600, type: "Bearer" });
    expect(flinks({ ...good, authentication: "form" }).client.authentication.method).toBe("client_secret_post");
  });

  test("a secret may come as text, hidden, or from a function", () => {
    for (const clientSecret of [canary, new Secret(canary), () => canary, async () => new Secret(canary)])
      expect(complaint({ clientSecret })).toBe("accepted");
    expect(JSON.stringify(flinks(good))).not.toContain(canary);
  });

  test.each([
    ["clientId", { clientId: "" }],
    ["clientId", { clientId: undefined }],
    ["clientSecret", { clientSecret: "" }],
    ["clientSecret", { clientSecret: undefined }],
    ["redirectUri", { redirectUri: undefined }],
    ["redirectUri", { redirectUri: "/cb" }],
    ["redirectUri", { redirectUri: "http://app.example/cb" }],
    ["redirectUri", { redirectUri: "https://app.example/cb#top" }],
    ["redirectUri", { redirectUri: "https://app.example/cb#" }],
    ["redirectUri", { redirectUri: "http://localhost.evil.example/cb" }],
    ["redirectUri", { redirectUri: "http://127.0.0.1.evil.example/cb" }],
    ["redirectUri", { redirectUri: "javascript:alert(1)" }],
    ["baseUrl", { baseUrl: "ob.flinksapp.com" }],
    ["baseUrl", { baseUrl: "http://ob.flinksapp.com" }],
    ["baseUrl", { baseUrl: "https://ob.flinksapp.com/api" }],
    ["baseUrl", { baseUrl: "https://user:pw@ob.flinksapp.com" }],
    ["baseUrl", { baseUrl: "https://ob.flinksapp.com?x" }],
    ["tokenUrl", { tokenUrl: "http://api.flinks.example/token" }],
    ["authentication", { authentication: "client_secret_basic" }],
    ["pkce", { pkce: "S256" }],
    ["scope", { scope: ["client:admin"] }],
    ["scope", { scope: ["ACCOUNT_BASIC TRANSACTIONS"] }],
    ["scope", { scope: [""] }],
    ["languageParameter", { languageParameter: "" }],
    ["languageParameter", { languageParameter: "lang=fr&state" }],
    ["idleTimeout", { idleTimeout: 0 }],
    ["idleTimeout", { idleTimeout: Number.NaN }],
    ["accessTokenLifetime", { accessTokenLifetime: -1 }],
    ["accessTokenLifetime", { accessTokenLifetime: "300" }],
    ["consentProbes", { consentProbes: ["https://evil.example/accounts"] }],
    ["consentProbes", { consentProbes: [] }],
    ["redirectUrisAs", { redirectUrisAs: "list" }],
  ])("a bad %s is refused by name: %j", (option, options) => {
    expect(complaint(options)).toMatch(new RegExp(`^flinks: option ${option} .+`));
  });

  test("a user's scope has the minimum in it, and nothing of the application's", () => {
    expect(userScope(["TRANSACTIONS", "STATEMENTS", "TRANSACTIONS"])).toEqual([
      "ACCOUNT_BASIC",
      "TRANSACTIONS",
      "STATEMENTS",
    ]);
    expect(userScope([])).toEqual(["ACCOUNT_BASIC"]);
    expect(() => userScope(["ACCOUNT_BASIC", "client:admin"])).toThrow(/^flinks: option scope contains "client:admin"/);
  });

  test("loopback is left to the connector", () => {
    expect(complaint({ baseUrl: "http://127.0.0.1:4000", redirectUri: "http://localhost:3000/cb" })).toBe("accepted");
  });
});

describe("parameters of connect", () => {
  const validate = async (value: unknown) => connectParameters["~standard"].validate(value);
  const uuid = "6a1f2c1e-0000-4000-8000-000000000001";

  test("the bank is needed, the rest is not", async () => {
    expect(await validate({ providerId: 1000 })).toEqual({ value: { providerId: 1000 } });
    expect(await validate({ providerId: 1000, correlationId: uuid, language: "fr" })).toEqual({
      value: { providerId: 1000, correlationId: uuid, language: "fr" },
    });
  });

  test.each([
    ["providerId", {}],
    ["providerId", { providerId: "1000" }],
    ["providerId", { providerId: 1.5 }],
    ["providerId", { providerId: -1 }],
    ["correlationId", { providerId: 1000, correlationId: "42" }],
    ["language", { providerId: 1000, language: "de" }],
  ])("a bad %s is refused: %j", async (member, value) => {
    const result = await validate(value);
    expect(result.issues?.map(({ path }) => path)).toEqual([[member]]);
  });

  test("they travel under Flinks's names", () => {
    const authorize = flinks({ ...good, languageParameter: "locale" }).connect?.authorize;
    expect(authorize?.({ providerId: 1000, correlationId: uuid, language: "fr" })).toEqual({
      provider_id: "1000",
      correlation_id: uuid,
      locale: "fr",
    });
    expect(flinks(good).connect?.authorize?.({ providerId: 1000 })).toEqual({
      provider_id: "1000",
      correlation_id: undefined,
      lang: undefined,
    });
  });
});
