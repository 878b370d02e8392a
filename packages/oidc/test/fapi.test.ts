import { decodeJwt, decodeProtectedHeader, importJWK } from "jose";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  clientSecretBasic,
  clientSecretPost,
  type OidcOptions,
  oidc,
  privateKeyJwt,
  publicClient,
  tlsClientAuth,
} from "../src/index.ts";
import { type Api, api } from "./support/api.ts";
import { application, faultOf, owner, session } from "./support/application.ts";
import { clientKeys } from "./support/keys.ts";
import { type IndependentServer, independentServer, redirectUri } from "./support/server.ts";

/** FAPI 2.0 by one option, at a server that holds its clients to it. */

const algorithms = ["PS256", "ES256", "EdDSA"] as const;
const keys = { PS256: clientKeys("PS256"), ES256: clientKeys("ES256"), EdDSA: clientKeys("EdDSA") };

let security: IndependentServer;
let signing: IndependentServer;
let bank: Api;
const known = ["PS256", "ES256", "EdDSA", "Ed25519"];

beforeAll(async () => {
  const clients = algorithms.map((algorithm) => ({
    client_id: algorithm,
    redirect_uris: [redirectUri],
    grant_types: ["authorization_code", "refresh_token"],
    scope: "openid read",
    token_endpoint_auth_method: "private_key_jwt",
    jwks: keys[algorithm].public,
    id_token_signed_response_alg: "ES256",
    authorization_signed_response_alg: "ES256",
    dpop_bound_access_tokens: true,
  }));
  const common = {
    enabledJWA: {
      clientAuthSigningAlgValues: known,
      idTokenSigningAlgValues: ["ES256", "PS256", "RS256"],
      requestObjectSigningAlgValues: known,
      authorizationSigningAlgValues: ["ES256", "PS256"],
      dPoPSigningAlgValues: ["ES256", "PS256", "Ed25519"],
    },
    // As FAPI 2.0 would have it (section 5.3.2.1).
    rotateRefreshToken: false,
  };
  const features = {
    fapi: { enabled: true, profile: "2.0" },
    pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: true },
    dPoP: { enabled: true, nonceSecret: Buffer.alloc(32, 2), requireNonce: () => true },
  };
  security = await independentServer({ clients, configuration: { ...common, features } });
  signing = await independentServer({
    clients: clients.map((client) => ({ ...client, require_signed_request_object: true })),
    configuration: {
      ...common,
      features: {
        ...features,
        requestObjects: { enabled: true, requireSignedRequestObject: true },
        jwtResponseModes: { enabled: true },
      },
    },
  });
  bank = await api(security);
  bank.nonce = "nonce-of-the-api";
});
afterAll(async () => {
  await security[Symbol.asyncDispose]();
  await signing[Symbol.asyncDispose]();
  await bank[Symbol.asyncDispose]();
});

for (const algorithm of algorithms)
  test(`C39 C40 C42 fapi2 with ${algorithm}: pushed, signed for, bound, and renewed`, async () => {
    const {
      connector,
      bank: handle,
      complete,
      clock,
      to,
    } = application({
      issuer: security.origin,
      clientId: algorithm,
      authentication: privateKeyJwt({ key: keys[algorithm].jwk }),
      redirectUri,
      scope: ["openid", "read"],
      profile: "fapi2",
      api: bank.origin,
    });
    const flow = await handle.connect({ owner, session });
    expect([...new URL(flow.url).searchParams.keys()].sort()).toEqual(["client_id", "request_uri"]);
    expect(to("/request")[0]?.form.get("dpop_jkt")).toMatch(/^[\w-]{43}$/);
    expect(to("/request")[0]?.form.get("code_challenge_method")).toBe("S256");
    const connection = await complete(await security.authorize(flow.url));
    expect((await connection.fetch("/accounts")).status).toBe(200);
    await clock.advance(301_000);
    expect((await connection.fetch("/accounts")).status).toBe(200);
    expect(to("/token").map(({ status, form }) => [status, form.get("grant_type")])).toEqual([
      [400, "authorization_code"],
      [200, "authorization_code"],
      [200, "refresh_token"],
    ]);
    for (const { form, answer, status } of to("/token")) {
      expect(decodeJwt(form.get("client_assertion") ?? "").aud).toBe(security.origin);
      if (status === 200) expect(answer.token_type).toBe("DPoP");
    }
    expect((await connection.disconnect()).revocations.map(({ result }) => result)).toEqual(["revoked", "revoked"]);
    await connector.close();
  });

for (const algorithm of algorithms)
  test(`C40 C42 fapi2-message-signing with ${algorithm}: request and response are signed as well`, async () => {
    const {
      connector,
      bank: handle,
      complete,
      clock,
      to,
    } = application({
      issuer: signing.origin,
      clientId: algorithm,
      authentication: privateKeyJwt({ key: keys[algorithm].jwk }),
      redirectUri,
      scope: ["openid", "read"],
      profile: "fapi2-message-signing",
      api: signing.origin,
    });
    const flow = await handle.connect({ owner, session });
    expect([...new URL(flow.url).searchParams.keys()].sort()).toEqual(["client_id", "request_uri"]);
    const request = to("/request")[0]?.form.get("request") ?? "";
    const { aud, nbf = 0, exp = 0, response_mode } = decodeJwt(request);
    expect({ aud, response_mode }).toEqual({ aud: signing.origin, response_mode: "jwt" });
    expect(exp - nbf).toBeLessThanOrEqual(3_600);
    expect(decodeProtectedHeader(request).alg?.replace("Ed25519", "EdDSA")).toBe(algorithm);
    const callback = await signing.authorize(flow.url);
    expect([...new URL(callback).searchParams.keys()]).toEqual(["response"]);
    const connection = await complete(callback);
    expect(await (await connection.fetch("/me")).json()).toEqual({ sub: "user-1" });
    await clock.advance(301_000);
    expect((await connection.fetch("/me")).status).toBe(200);
    await connector.close();
  });

test("C5 C6 a callback without `iss` is refused, also where the metadata promises none", async () => {
  const {
    connector,
    bank: handle,
    complete,
    to,
  } = application({
    issuer: security.origin,
    metadata: { authorization_response_iss_parameter_supported: false },
    clientId: "ES256",
    authentication: privateKeyJwt({ key: keys.ES256.jwk }),
    redirectUri,
    profile: "fapi2",
  });
  const flow = await handle.connect({ owner, session });
  const callback = new URL(await security.authorize(flow.url));
  callback.searchParams.delete("iss");
  expect(await faultOf(complete(callback.href))).toMatchObject({ kind: "flow", reason: "issuer" });
  expect(to("/token")).toEqual([]);
  await connector.close();
});

test("C40 an ID token with an algorithm that the profile does not know is refused, whatever the server offers", async () => {
  const {
    connector,
    bank: handle,
    complete,
  } = application(
    {
      issuer: security.origin,
      clientId: "ES256",
      authentication: privateKeyJwt({ key: keys.ES256.jwk }),
      redirectUri,
      scope: ["openid"],
      profile: "fapi2",
    },
    {
      transport: async (input, init) => {
        const response = await fetch(input, init);
        if (!input.endsWith("/token") || !response.ok) return response;
        const answer = (await response.json()) as { id_token: string };
        const { SignJWT } = await import("jose");
        const { signingKeys } = await import("./support/server.ts");
        const weaker = new SignJWT(decodeJwt(answer.id_token)).setProtectedHeader({ alg: "RS256", kid: "rsa" });
        const headers = [...response.headers].filter(([name]) => name === "dpop-nonce");
        return Response.json({ ...answer, id_token: await weaker.sign(signingKeys.rsa.privateKey) }, { headers });
      },
    },
  );
  const flow = await handle.connect({ owner, session });
  const callback = await security.authorize(flow.url);
  expect(await faultOf(complete(callback))).toMatchObject({ kind: "protocol" });
  await connector.close();
});

const conforming = {
  issuer: "https://bank.test",
  clientId: "app",
  authentication: privateKeyJwt({ key: keys.ES256.jwk }),
  redirectUri,
  profile: "fapi2",
} as const satisfies OidcOptions;

test.each<[string, Partial<OidcOptions>, string]>([
  ["a shared secret (basic)", { authentication: clientSecretBasic("secret") }, "authentication"],
  ["a shared secret (post)", { authentication: clientSecretPost("secret") }, "authentication"],
  ["no authentication", { authentication: publicClient() }, "authentication"],
  ["requests that are not pushed", { par: false }, "par"],
  ["tokens that anybody can use", { dpop: false }, "dpop"],
  [
    "another algorithm",
    { authentication: privateKeyJwt({ key: keys.PS256.pem, algorithm: "RS256" }) },
    "authentication",
  ],
  [
    "another algorithm for requests",
    { profile: "fapi2-message-signing", jar: { key: keys.PS256.pem, algorithm: "RS256" } },
    "jar",
  ],
  [
    "ID tokens of another algorithm",
    { clientMetadata: { id_token_signed_response_alg: "RS256" } },
    "clientMetadata.id_token_signed_response_alg",
  ],
  [
    "responses of another algorithm",
    { profile: "fapi2-message-signing", clientMetadata: { authorization_signed_response_alg: "RS256" } },
    "clientMetadata.authorization_signed_response_alg",
  ],
  ["unsigned requests", { profile: "fapi2-message-signing", jar: false }, "jar"],
  ["unsigned responses", { profile: "fapi2-message-signing", jarm: false }, "jarm"],
  [
    "a certificate, and no key to sign requests with",
    { profile: "fapi2-message-signing", authentication: tlsClientAuth() },
    "jar",
  ],
])("C39 C43 the profile with %s is refused, and the option named", (_, more, option) => {
  expect(() => oidc({ ...conforming, ...more })).toThrow(`oidc: option ${option} `);
});

test("C40 a key from a vault that turns out to be of another algorithm signs nothing that is sent", async () => {
  const {
    connector,
    bank: handle,
    to,
  } = application({
    ...conforming,
    issuer: security.origin,
    authentication: privateKeyJwt({
      key: () => JSON.stringify({ ...keys.PS256.private.export({ format: "jwk" }), alg: "RS256" }),
    }),
  });
  expect(await faultOf(handle.connect({ owner, session }))).toMatchObject({
    kind: "configuration",
    message: expect.stringContaining("PS256, ES256 or EdDSA"),
  });
  expect(to("/request")).toEqual([]);
  await connector.close();
});

test("C40 nor does the key of requests, whether it is from a vault or a CryptoKey", async () => {
  const rsa = { ...keys.PS256.private.export({ format: "jwk" }), alg: "RS256" };
  for (const key of [() => JSON.stringify(rsa), (await importJWK(rsa, "RS256")) as CryptoKey]) {
    const {
      connector,
      bank: handle,
      to,
    } = application({
      ...conforming,
      issuer: signing.origin,
      clientId: "ES256",
      profile: "fapi2-message-signing",
      jar: { key },
    });
    expect(await faultOf(handle.connect({ owner, session }))).toMatchObject({
      kind: "configuration",
      message: "oidc: option jar holds a key of an algorithm that FAPI 2.0 does not allow; use PS256, ES256 or EdDSA",
    });
    expect(to("/request")).toEqual([]);
    await connector.close();
  }
});

test("C39 the profile takes metadata of its own algorithms", () => {
  const clientMetadata = { id_token_signed_response_alg: "PS256", authorization_signed_response_alg: "ES256" };
  expect(oidc({ ...conforming, clientMetadata }).client.metadata).toMatchObject(clientMetadata);
});

test("C42 the profile pushes requests also where the server does not insist", async () => {
  const { connector, bank: handle } = application({
    ...conforming,
    issuer: security.origin,
    clientId: "ES256",
    metadata: { require_pushed_authorization_requests: false },
  });
  const flow = await handle.connect({ owner, session });
  expect([...new URL(flow.url).searchParams.keys()].sort()).toEqual(["client_id", "request_uri"]);
  await connector.close();
});

test("C39 with a certificate the tokens are bound to that, and no DPoP is needed", () => {
  expect(oidc({ ...conforming, authentication: tlsClientAuth() }).proof).toBeUndefined();
  expect(oidc({ ...conforming, mtls: true }).proof).toBeUndefined();
  expect(oidc(conforming).proof?.tokenType).toBe("DPoP");
});
