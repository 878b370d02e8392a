import { decodeJwt, decodeProtectedHeader, importPKCS8 } from "jose";
import { afterAll, beforeAll, expect, test } from "vitest";
import { privateKeyJwt } from "../src/index.ts";
import { application, faultOf, owner, type Sent, session } from "./support/application.ts";
import { clientKeys } from "./support/keys.ts";
import { type IndependentServer, independentServer, redirectUri } from "./support/server.ts";

/** Clients that sign (private_key_jwt), at a server that takes each assertion once. */

const algorithms = ["PS256", "ES256", "EdDSA"] as const;
const keys = { PS256: clientKeys("PS256"), ES256: clientKeys("ES256"), EdDSA: clientKeys("EdDSA") };

let server: IndependentServer;
beforeAll(async () => {
  server = await independentServer({
    clients: algorithms.map((algorithm) => ({
      client_id: algorithm,
      redirect_uris: [redirectUri],
      grant_types: ["authorization_code", "refresh_token", "client_credentials"],
      scope: "openid read",
      token_endpoint_auth_method: "private_key_jwt",
      jwks: keys[algorithm].public,
    })),
    configuration: {
      enabledJWA: { clientAuthSigningAlgValues: ["PS256", "ES256", "EdDSA", "Ed25519"] },
      assertJwtClientAuthClaimsAndHeader: async (
        ctx: { oidc: { issuer: string } },
        claims: { aud: unknown },
      ): Promise<void> => {
        if (claims.aud !== ctx.oidc.issuer) throw new Error("aud is not the issuer alone");
      },
    },
  });
});
afterAll(() => server[Symbol.asyncDispose]());

const assertionOf = ({ form }: Sent) => form.get("client_assertion") ?? "";

for (const algorithm of algorithms)
  test(`C40 C43 C32 ${algorithm}: every request with the client's proof carries an assertion of its own, for this server alone`, async () => {
    const { connector, bank, complete, clock, to } = application({
      issuer: server.origin,
      clientId: algorithm,
      authentication: privateKeyJwt({ key: keys[algorithm].jwk }),
      redirectUri,
      scope: ["openid", "read"],
      par: true,
    });
    const flow = await bank.connect({ owner, session });
    const connection = await complete(await server.authorize(flow.url));
    await clock.advance(301_000);
    await connection.accessToken();
    expect((await connection.disconnect()).disconnected).toBe(true);
    const requests = [...to("/request"), ...to("/token"), ...to("/token/revocation")];
    expect(requests.map(({ status }) => status)).toEqual([201, 200, 200, 200, 200]);
    expect(new Set(requests.map((request) => decodeJwt(assertionOf(request)).jti)).size).toBe(5);
    for (const request of requests) {
      expect(request.form.get("client_assertion_type")).toBe("urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
      expect(decodeProtectedHeader(assertionOf(request))).toMatchObject({ kid: `client-${algorithm}` });
      const { alg } = decodeProtectedHeader(assertionOf(request));
      expect(alg === "Ed25519" ? "EdDSA" : alg).toBe(algorithm);
      const { aud, iss, sub, iat = 0, exp = 0, nbf = 0 } = decodeJwt(assertionOf(request));
      expect({ aud, iss, sub }).toEqual({ aud: server.origin, iss: algorithm, sub: algorithm });
      expect(exp - iat).toBeLessThanOrEqual(60);
      expect(Math.abs(Date.now() / 1000 - iat)).toBeLessThan(30);
      expect(nbf).toBeLessThanOrEqual(exp);
      expect(request.headers.has("authorization")).toBe(false);
      expect(request.form.has("client_secret")).toBe(false);
    }
    await connector.close();
  });

test("C40 a server that has not heard of the name Ed25519 is told EdDSA, as FAPI 2.0 has it", async () => {
  const sent: string[] = [];
  const ask = async (known: readonly string[]) => {
    const { connector, bank } = application({
      issuer: server.origin,
      metadata: { token_endpoint_auth_signing_alg_values_supported: [...known] },
      clientId: "EdDSA",
      authentication: privateKeyJwt({ key: keys.EdDSA.jwk }),
      clientCredentials: {},
      async fetch(input, init) {
        const body = init.body as URLSearchParams | null;
        const assertion = body?.get?.("client_assertion");
        if (assertion) sent.push(decodeProtectedHeader(assertion).alg ?? "");
        return fetch(input, init);
      },
    });
    await bank.app().accessToken();
    await connector.close();
  };
  await ask(["ES256", "EdDSA"]);
  await ask(["ES256", "EdDSA", "Ed25519"]);
  expect(sent).toEqual(["EdDSA", "Ed25519"]);
});

test("C35 C40 the key comes as PEM, as JWK, as a CryptoKey, or from a function that is asked each time", async () => {
  const other = clientKeys("ES256");
  let current = other.pem;
  const given = [
    { key: keys.ES256.pem, keyId: "client-ES256" },
    { key: keys.ES256.jwk },
    { key: await importPKCS8(keys.ES256.pem, "ES256"), keyId: "client-ES256" },
    { key: () => current, keyId: "client-ES256" },
  ];
  for (const key of given) {
    const { connector, bank, clock } = application({
      issuer: server.origin,
      clientId: "ES256",
      authentication: privateKeyJwt(key),
      clientCredentials: {},
    });
    if (typeof key.key === "function") {
      expect(await faultOf(bank.app().accessToken())).toMatchObject({
        kind: "configuration",
        details: { code: "invalid_client" },
      });
      // Put right in the vault: nothing is started anew.
      current = keys.ES256.pem;
      await clock.advance(10_000);
    }
    expect(await bank.app().accessToken()).toEqual(expect.stringMatching(/^[\w-]{40,}$/));
    await connector.close();
  }
});

test.each([
  ["no key at all", "not a key"],
  ["a public key", JSON.stringify(keys.ES256.public.keys[0])],
  ["broken JSON", "{"],
  ["a key of another kind", clientKeys("EdDSA").pem],
])("G70 %s: `configuration`, and nothing of it in the message", async (_, key) => {
  const { connector, bank, to } = application({
    issuer: server.origin,
    clientId: "ES256",
    authentication: privateKeyJwt({ key, algorithm: "ES256" }),
    clientCredentials: {},
  });
  const fault = await faultOf(bank.app().accessToken());
  expect(fault).toMatchObject({ kind: "configuration", message: expect.stringContaining("PKCS #8") });
  for (const line of key.split("\n")) if (/^[^-]{8}/.test(line)) expect(JSON.stringify(fault)).not.toContain(line);
  expect(to("/token")).toEqual([]);
  await connector.close();
});
