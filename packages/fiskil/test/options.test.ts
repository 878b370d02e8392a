import { inspect } from "node:util";
import { misconfigured } from "@linkwright/core";
import { describe, expect, test } from "vitest";
import { type FiskilOptions, fiskil, productRoutes } from "../src/index.ts";
import { canary, failure, options } from "./adapter.ts";

const wrong: readonly [string, Partial<Record<keyof FiskilOptions | "redirectURI", unknown>>, RegExp][] = [
  ["clientId", { clientId: "" }, /^fiskil: option clientId is missing; .*Console/],
  ["clientSecret", { clientSecret: undefined }, /^fiskil: option clientSecret is missing/],
  ["redirectUri missing", { redirectUri: undefined }, /^fiskil: option redirectUri is missing/],
  ["redirectUri relative", { redirectUri: "/connected" }, /^fiskil: option redirectUri must be an absolute https URL/],
  [
    "redirectUri plain http",
    { redirectUri: "http://app.example/cb" },
    /option redirectUri must be an absolute https URL/,
  ],
  ["redirectUri with a fragment", { redirectUri: "https://app.example/cb#" }, /option redirectUri .*fragment/],
  [
    "redirectUri with its own state",
    { redirectUri: "https://app.example/cb?state=1" },
    /option redirectUri .*without state/,
  ],
  ["cancelUri", { cancelUri: "app.example" }, /^fiskil: option cancelUri must be an absolute https URL/],
  ["baseUrl with a path", { baseUrl: "https://api.fiskil.com/v1" }, /^fiskil: option baseUrl must be an https origin/],
  ["baseUrl plain", { baseUrl: "http://api.fiskil.com" }, /^fiskil: option baseUrl must be an https origin/],
  ["baseUrl with a user", { baseUrl: "https://a:b@api.fiskil.com" }, /^fiskil: option baseUrl must be an https origin/],
  ["authOrigin", { authOrigin: "auth.fiskil.com" }, /^fiskil: option authOrigin must be an https origin/],
  ["apiVersion", { apiVersion: "2.0.0" }, /^fiskil: option apiVersion must be a major version, such as "v3"/],
  ["tokenLifetime", { tokenLifetime: 0 }, /^fiskil: option tokenLifetime must be a positive number of seconds/],
  ["tokenLifetime NaN", { tokenLifetime: Number.NaN }, /^fiskil: option tokenLifetime must be a positive/],
  ["clockSkew", { clockSkew: -1 }, /^fiskil: option clockSkew must be a number of seconds/],
  ["webhookTolerance", { webhookTolerance: 300 }, /^fiskil: option webhookTolerance must be at least 3600 seconds/],
  ["webhookSecret", { webhookSecret: "" }, /^fiskil: option webhookSecret must be the signing secret/],
  [
    "productRoutes",
    { productRoutes: { update: "/v1/p" } },
    /^fiskil: option productRoutes.update must be a method and a path/,
  ],
  [
    "a route that is none",
    { productRoutes: { remove: "DELETE /" } },
    /^fiskil: option productRoutes.remove is not known/,
  ],
  ["a misspelt name", { redirectURI: "https://app.example" }, /^fiskil: option redirectURI is not known/],
];

describe("options", () => {
  test.each(wrong)("%s is refused by name, with the remedy", async (_name, change, message) => {
    const error = await failure(() => fiskil({ ...options, ...change } as FiskilOptions));
    expect(error.fault).toEqual({ kind: "configuration" });
    expect(error.message).toMatch(message);
    expect(error).toEqual(misconfigured(error.message));
  });

  test("no options at all", async () => {
    const error = await failure(() => fiskil(undefined as unknown as FiskilOptions));
    expect(error.message).toMatch(/^fiskil: option/);
  });

  test("the documented defaults", () => {
    const { server, client, grants, accessToken, api } = fiskil({
      clientId: "key_01example",
      clientSecret: "s",
      redirectUri: "https://app.example/cb",
    });
    expect(server).toEqual({ issuer: "https://api.fiskil.com", token_endpoint: "https://api.fiskil.com/v1/token" });
    expect(client.id).toBe("key_01example");
    expect(grants).toEqual({
      clientCredentials: {},
      hostedConsent: { redirectUri: "https://app.example/cb", cancelUri: "https://app.example/cb" },
    });
    expect(accessToken).toEqual({ lifetime: 900, type: "Bearer" });
    expect(api).toMatchObject({ base: "https://api.fiskil.com", origins: ["https://api.fiskil.com"] });
    expect(productRoutes.list).toBe("GET /v1/data-provider/cdr/products");
  });

  test("a simulator on loopback is taken", () => {
    const { server } = fiskil({ ...options, baseUrl: "http://127.0.0.1:4010", authOrigin: "http://localhost:4011/" });
    expect(server.token_endpoint).toBe("http://127.0.0.1:4010/v1/token");
  });

  test("G70 a definition shows no secret, nor does the error about one", async () => {
    const definition = fiskil({ ...options, webhookSecret: canary.webhookSecret });
    const shown = inspect(definition, { depth: 20, showHidden: true }) + JSON.stringify(definition);
    expect(shown).not.toContain(canary.clientSecret);
    expect(shown).not.toContain(canary.webhookSecret);

    const error = await failure(() =>
      fiskil({
        ...options,
        baseUrl: `https://${canary.clientSecret}@api.fiskil.com`,
        clientSecret: canary.clientSecret,
      }),
    );
    expect(inspect(error, { depth: 20 }) + JSON.stringify(error)).not.toContain(canary.clientSecret);
  });
});
