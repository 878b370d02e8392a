import { createHash, X509Certificate } from "node:crypto";
import { Agent, fetch as undiciFetch } from "undici";
import { afterAll, beforeAll, expect, test } from "vitest";
import { privateKeyJwt, tlsClientAuth } from "../src/index.ts";
import { application, faultOf, owner, session, type Transport } from "./support/application.ts";
import { type Certificate, certificates } from "./support/certificates.ts";
import { clientKeys } from "./support/keys.ts";
import { type IndependentServer, independentServer, redirectUri } from "./support/server.ts";

/** Clients with a certificate (RFC 8705), over TLS, at a server that asks for it at other addresses (section 5). */

const keys = clientKeys("ES256");
let server: IndependentServer;
let made: Awaited<ReturnType<typeof certificates>>;
const agents: Agent[] = [];

beforeAll(async () => {
  made = await certificates();
  const client = {
    redirect_uris: [redirectUri],
    grant_types: [
      "authorization_code",
      "refresh_token",
      "client_credentials",
      "urn:ietf:params:oauth:grant-type:device_code",
    ],
    scope: "openid read",
    tls_client_certificate_bound_access_tokens: true,
    id_token_signed_response_alg: "ES256",
  };
  server = await independentServer({
    clients: [
      {
        ...client,
        client_id: "certified",
        token_endpoint_auth_method: "tls_client_auth",
        tls_client_auth_san_dns: "client.test",
      },
      { ...client, client_id: "signing", token_endpoint_auth_method: "private_key_jwt", jwks: keys.public },
    ],
    configuration: {
      clientAuthMethods: ["tls_client_auth", "private_key_jwt"],
      enabledJWA: { idTokenSigningAlgValues: ["ES256"] },
      features: { deviceFlow: { enabled: true }, fapi: { enabled: true, profile: "2.0" } },
    },
    tls: { server: made.server, authority: made.authority },
  });
});
afterAll(async () => {
  await Promise.all(agents.map((agent) => agent.close()));
  await server[Symbol.asyncDispose]();
});

/** What an application gives as `fetch`: the platform's, with a certificate. */
function presenting(certificate?: Certificate): Transport {
  const agent = new Agent({ connect: { ca: made.authority.cert, ...certificate } });
  agents.push(agent);
  return (input, init) => undiciFetch(input, { ...init, dispatcher: agent } as never) as unknown as Promise<Response>;
}

function certified(fetch: Transport, more: { mtls?: boolean } = {}) {
  return application({
    issuer: server.origin,
    clientId: "certified",
    authentication: tlsClientAuth(),
    fetch,
    redirectUri,
    scope: ["openid", "read"],
    profile: "fapi2",
    clientCredentials: { scope: ["read"] },
    api: server.mtlsOrigin,
    ...more,
  });
}

test("C41 C43 C32 what carries the certificate goes to the aliases, the rest to the usual addresses", async () => {
  const { connector, bank, complete, clock } = certified(presenting(made.client));
  const from = server.requests.length;
  const flow = await bank.connect({ owner, session });
  expect(new URL(flow.url).origin).toBe(server.origin);
  const connection = await complete(await server.authorize(flow.url));
  await clock.advance(301_000);
  expect(await (await connection.fetch("/me")).json()).toEqual({ sub: "user-1" });
  expect((await connection.disconnect()).revocations.map(({ result }) => result)).toEqual(["revoked", "revoked"]);
  const device = await bank.authorizeDevice({ owner });
  expect(new URL(device.verificationUri).origin).toBe(server.origin);
  const went = server.requests.slice(from).filter(({ path }) => !/^\/(interaction|auth)\b/.test(path));
  expect(went.map(({ path, mtls }) => `${mtls ? "alias" : "usual"} ${path}`)).toEqual([
    "usual /.well-known/openid-configuration",
    "alias /request",
    "alias /token",
    "usual /jwks",
    "alias /token",
    "alias /me",
    "alias /token/revocation",
    "alias /token/revocation",
    "alias /device/auth",
  ]);
  await connector.close();
});

test("C39 C41 the tokens are bound to the certificate: another one gets nothing for them", async () => {
  const { connector, bank, complete } = certified(presenting(made.client));
  const flow = await bank.connect({ owner, session });
  const connection = await complete(await server.authorize(flow.url));
  const token = await connection.accessToken();
  const stored = await server.provider.AccessToken.find(token);
  const { raw } = new X509Certificate(made.client.cert);
  expect(stored?.["x5t#S256"]).toBe(createHash("sha256").update(raw).digest("base64url"));
  const headers = { authorization: `Bearer ${token}` };
  for (const [certificate, status] of [
    [made.client, 200],
    [made.stranger, 401],
    [undefined, 401],
  ] as const)
    expect((await presenting(certificate)(`${server.mtlsOrigin}/me`, { headers })).status).toBe(status);
  expect((await connection.fetch("/me")).status).toBe(200);
  await connector.close();
});

test("C41 the application's own token, by its certificate", async () => {
  const { connector, bank } = certified(presenting(made.client));
  const stored = await server.provider.ClientCredentials.find(await bank.app().accessToken());
  expect(stored).toMatchObject({ clientId: "certified", "x5t#S256": expect.stringMatching(/^[\w-]{43}$/) });
  await connector.close();
});

test("C41 G35 a certificate that the server does not know, or none, is `configuration`; so is one that it cannot see", async () => {
  for (const [certificate, more] of [
    [made.stranger, {}],
    [undefined, {}],
    // At the usual addresses nobody asks for it.
    [made.client, { mtls: false, profile: undefined }],
  ] as const) {
    const { connector, bank } = certified(presenting(certificate), more as object);
    expect(await faultOf(bank.app().accessToken())).toMatchObject({
      kind: "configuration",
      details: { code: "invalid_client", status: 401 },
    });
    await connector.close();
  }
});

test("C15 C41 a server whose certificate is not trusted gets nothing", async () => {
  const { connector, bank } = certified(fetch);
  const from = server.requests.length;
  expect(await faultOf(bank.connect({ owner, session }))).toMatchObject({ kind: "retry" });
  expect(server.requests.length).toBe(from);
  await connector.close();
});

test("C39 C41 a client that signs may bind its tokens to a certificate all the same", async () => {
  const { connector, bank, complete } = application({
    issuer: server.origin,
    clientId: "signing",
    authentication: privateKeyJwt({ key: keys.jwk }),
    mtls: true,
    fetch: presenting(made.client),
    redirectUri,
    scope: ["openid", "read"],
    profile: "fapi2",
    api: server.mtlsOrigin,
  });
  const flow = await bank.connect({ owner, session });
  const connection = await complete(await server.authorize(flow.url));
  expect((await connection.fetch("/me")).status).toBe(200);
  const stored = await server.provider.AccessToken.find(await connection.accessToken());
  expect(stored?.["x5t#S256"]).toEqual(expect.stringMatching(/^[\w-]{43}$/));
  await connector.close();
});

test("C9 C15 an alias that is not https is refused with the document that names it", async () => {
  const { connector, bank } = application({
    issuer: server.origin,
    metadata: { mtls_endpoint_aliases: { token_endpoint: "http://bank.example/token" } },
    clientId: "certified",
    authentication: tlsClientAuth(),
    fetch: presenting(made.client),
    redirectUri,
    clientCredentials: {},
  });
  expect(await faultOf(bank.connect({ owner, session }))).toMatchObject({
    kind: "configuration",
    message: expect.stringContaining("mtls_endpoint_aliases.token_endpoint"),
  });
  await connector.close();
});
