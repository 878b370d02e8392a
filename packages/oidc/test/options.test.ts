import { inspect } from "node:util";
import { isConnectorError } from "@linkwright/core";
import { expect, expectTypeOf, test } from "vitest";
import { clientSecretBasic, type OidcOptions, oidc, privateKeyJwt, publicClient } from "../src/index.ts";
import { application } from "./support/application.ts";
import { clientKeys } from "./support/keys.ts";

const minimal = {
  issuer: "https://bank.test",
  clientId: "app",
  authentication: publicClient(),
} as const satisfies OidcOptions;

test.each<[string, object, string]>([
  ["no issuer", { issuer: undefined }, "option issuer is missing; give an absolute https URL"],
  [
    "an issuer that is no URL",
    { issuer: "bank.test" },
    "option issuer must be an absolute https URL without a fragment",
  ],
  ["no client id", { clientId: "" }, "option clientId is missing; give the client_id that the server issued"],
  ["no authentication", { authentication: "secret" }, "option authentication is missing; give privateKeyJwt({ key })"],
  ["an option of another name", { clientSecret: "s3cr3t" }, "option clientSecret is not known"],
  ["discovery elsewhere", { discovery: "saml" }, 'option discovery must be "oidc" or "oauth2"'],
  ["another profile", { profile: "fapi1" }, 'option profile must be "fapi2" or "fapi2-message-signing"'],
  ["scope as one text", { scope: "openid read" }, "option scope must be a list"],
  ["two scopes in one", { scope: ["openid read"] }, "option scope.0 holds something that is no scope"],
  [
    "a resource with a fragment",
    { resource: "https://api.test#x" },
    "option resource must be an absolute URI without a fragment",
  ],
  ["no resource at all", { resource: [] }, "option resource"],
  ["an API that is no address", { api: "api.bank.test" }, "option api must be an absolute https URL"],
  ["an unknown DPoP algorithm", { dpop: "HS256" }, "option dpop must be true, false"],
  ["JAR with no key", { jar: true }, "option jar needs a key of its own here"],
  ["JAR with half a key", { jar: { keyId: "x" } }, "option jar must be true, false, or a key: { key }"],
  ["an id that is no name", { id: "My Bank" }, "option id must be a lower-case name"],
  ["a transport that is none", { fetch: {} }, "option fetch must be a function like fetch"],
  ["a refresh token that is text", { refreshToken: "rotating" }, "option refreshToken must be false or an object"],
])("%s: refused, with the option's name and the remedy", (_, more, message) => {
  try {
    oidc({ ...minimal, ...more } as OidcOptions);
  } catch (error) {
    expect(isConnectorError(error) && error.fault).toEqual({ kind: "configuration" });
    expect((error as Error).message).toContain(message);
    expect((error as Error).message).not.toContain("s3cr3t");
    return;
  }
  throw new Error("it was taken");
});

test("G70 the provider can be printed: no key and no secret is to be seen", () => {
  const keys = clientKeys("ES256");
  for (const authentication of [
    privateKeyJwt({ key: keys.jwk }),
    privateKeyJwt({ key: keys.pem }),
    clientSecretBasic("s3cr3t"),
  ]) {
    const provider = oidc({
      ...minimal,
      authentication,
      ...(authentication.method === "private_key_jwt" && { jar: { key: keys.pem } }),
    });
    const { d } = JSON.parse(keys.jwk) as { d: string };
    for (const text of [inspect(provider, { depth: null, showHidden: true }), JSON.stringify(provider)])
      for (const secret of [d, keys.pem.split("\n")[1] ?? "", "s3cr3t"]) expect(text).not.toContain(secret);
  }
});

test("a registration offers what it was given: `connect` with a redirect URI, `app` with client credentials", async () => {
  const bare = application(minimal);
  const whole = application({ ...minimal, redirectUri: "https://app.example/callback", clientCredentials: {} });
  expect(Object.keys(bare.bank).sort()).toEqual(["authorizeDevice", "exchangeToken"]);
  expect(Object.keys(whole.bank).sort()).toEqual([
    "app",
    "authorizeDevice",
    "connect",
    "exchangeToken",
    "import",
    "redirectUris",
  ]);
  expectTypeOf(bare.bank).not.toHaveProperty("connect");
  expectTypeOf(bare.bank).not.toHaveProperty("app");
  expectTypeOf(whole.bank).toHaveProperty("connect");
  expectTypeOf(whole.bank).toHaveProperty("app");
  for (const { connector } of [bare, whole]) await connector.close();
});

test("the record's name of the provider is the one that is given", () => {
  expect(oidc(minimal).id).toBe("oidc");
  expect(oidc({ ...minimal, id: "north-bank" }).id).toBe("north-bank");
});
