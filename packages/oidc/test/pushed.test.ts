import { decodeJwt, decodeProtectedHeader } from "jose";
import { afterAll, beforeAll, expect, test } from "vitest";
import { clientSecretBasic, type OidcOptions, privateKeyJwt } from "../src/index.ts";
import { application, faultOf, owner, session, type Transport } from "./support/application.ts";
import { clientKeys } from "./support/keys.ts";
import { type IndependentServer, independentServer, redirectUri } from "./support/server.ts";

/** Authorization requests that are pushed (PAR) and signed (JAR), at a server that takes no others. */

const keys = clientKeys("ES256");
const secret = "aSecretOfMoreThanThirtyTwoBytesWithoutSigns";

let server: IndependentServer;
beforeAll(async () => {
  const client = {
    redirect_uris: [redirectUri],
    grant_types: ["authorization_code", "refresh_token"],
    scope: "openid read",
  };
  const authentication = { token_endpoint_auth_method: "private_key_jwt", jwks: keys.public };
  server = await independentServer({
    clients: [
      {
        ...client,
        ...authentication,
        client_id: "pushing",
        require_pushed_authorization_requests: true,
      },
      { ...client, client_id: "secret", client_secret: secret, require_pushed_authorization_requests: true },
      {
        ...client,
        ...authentication,
        client_id: "signing",
        require_signed_request_object: true,
        request_object_signing_alg: "ES256",
      },
    ],
    configuration: {
      features: {
        pushedAuthorizationRequests: { enabled: true },
        requestObjects: { enabled: true },
      },
    },
  });
});
afterAll(() => server[Symbol.asyncDispose]());

function pushing(more: Partial<OidcOptions> = {}, transport?: Transport) {
  return application(
    {
      issuer: server.origin,
      clientId: "pushing",
      authentication: privateKeyJwt({ key: keys.jwk }),
      redirectUri,
      scope: ["openid", "read"],
      par: true,
      ...more,
    },
    transport ? { transport } : {},
  );
}

const parametersOf = (url: string) => Object.fromEntries(new URL(url).searchParams);

test("C42 C3 pushed: the browser carries `client_id` and `request_uri`, and nothing else", async () => {
  const { connector, bank, complete, to } = pushing();
  const flow = await bank.connect({ owner, session, loginHint: "ada@example.org", prompt: ["login"] });
  const url = new URL(flow.url);
  expect(url.origin + url.pathname).toBe(`${server.origin}/auth`);
  expect(Object.keys(parametersOf(flow.url)).sort()).toEqual(["client_id", "request_uri"]);
  const [pushed] = to("/request");
  expect(pushed?.method).toBe("POST");
  expect(pushed?.answer.request_uri).toBe(url.searchParams.get("request_uri"));
  expect(Object.fromEntries(pushed?.form ?? [])).toMatchObject({
    response_type: "code",
    client_id: "pushing",
    redirect_uri: redirectUri,
    scope: "openid read",
    state: flow.state,
    nonce: expect.stringMatching(/^[\w-]{43}$/),
    login_hint: "ada@example.org",
    prompt: "login",
    code_challenge: expect.stringMatching(/^[\w-]{43}$/),
    code_challenge_method: "S256",
  });
  expect((await (await complete(await server.authorize(flow.url))).status()).account).toBe("user-1");
  await connector.close();
});

test("C42 where the server's metadata requires it, it is done without being asked for; else the request is plain", async () => {
  for (const [required, expected] of [
    [true, ["client_id", "request_uri"]],
    [false, expect.arrayContaining(["state", "code_challenge"])],
  ] as const) {
    const { connector, bank } = application({
      issuer: server.origin,
      metadata: { require_pushed_authorization_requests: required },
      clientId: "pushing",
      authentication: privateKeyJwt({ key: keys.jwk }),
      redirectUri,
    });
    const flow = await bank.connect({ owner, session });
    expect(Object.keys(parametersOf(flow.url)).sort()).toEqual(expected);
    await connector.close();
  }
});

test("C32 C42 the pushed request is authenticated as the token endpoint is", async () => {
  const { connector, bank, complete, to } = pushing({ clientId: "secret", authentication: clientSecretBasic(secret) });
  const flow = await bank.connect({ owner, session });
  await complete(await server.authorize(flow.url));
  const credentials = `Basic ${btoa(`secret:${secret}`)}`;
  expect([...to("/request"), ...to("/token")].map(({ headers }) => headers.get("authorization"))).toEqual([
    credentials,
    credentials,
  ]);
  expect(to("/request")[0]?.form.has("client_secret")).toBe(false);
  await connector.close();
});

test.each([301, 302, 303, 307, 308])(
  "C19 C42 G49 a redirect (%i) of a pushed request is not followed",
  async (status) => {
    const asked: string[] = [];
    const { connector, bank } = pushing({}, async (input, init) => {
      asked.push(new URL(input).pathname);
      if (!input.endsWith("/request")) return fetch(input, init);
      expect(init.redirect).toBe("manual");
      return new Response(null, { status, headers: { location: `${server.origin}/elsewhere` } });
    });
    expect(await faultOf(bank.connect({ owner, session }))).toMatchObject({ kind: "protocol" });
    expect(asked).toEqual(["/.well-known/openid-configuration", "/request"]);
    expect(server.count("/elsewhere")).toBe(0);
    await connector.close();
  },
);

test("C42 what a server says no to is `configuration`, with its words; one that is down is `retry`", async () => {
  const refusing = pushing({ authentication: privateKeyJwt({ key: clientKeys("ES256").jwk, keyId: "client-ES256" }) });
  expect(await faultOf(refusing.bank.connect({ owner, session }))).toMatchObject({
    kind: "configuration",
    details: { code: "invalid_client", status: 401, provider: "oidc" },
  });
  const now = refusing.clock.now();
  for (const [answer, retryAt] of [
    [() => new Response(null, { status: 503, headers: { "retry-after": "30" } }), now + 30_000],
    [() => Promise.reject(new TypeError("fetch failed")), now + 1_000],
  ] as const) {
    const { connector, bank } = application(
      {
        issuer: server.origin,
        clientId: "pushing",
        authentication: privateKeyJwt({ key: keys.jwk }),
        redirectUri,
        par: true,
      },
      {
        clock: refusing.clock,
        transport: async (input, init) => (input.endsWith("/request") ? answer() : fetch(input, init)),
      },
    );
    expect(await faultOf(bank.connect({ owner, session }))).toMatchObject({ kind: "retry", retryAt });
    await connector.close();
  }
  const without = pushing({ metadata: { pushed_authorization_request_endpoint: undefined } });
  expect(await faultOf(without.bank.connect({ owner, session }))).toMatchObject({
    kind: "configuration",
    message: expect.stringContaining("metadata does not say where"),
  });
  for (const { connector } of [refusing, without]) await connector.close();
});

test("G35 C42 a refusal that is told by a challenge (RFC 6749, section 5.2) is `configuration`, too", async () => {
  const wrong = { clientId: "secret", authentication: clientSecretBasic("another") };
  const real = pushing(wrong);
  expect(await faultOf(real.bank.connect({ owner, session }))).toMatchObject({
    kind: "configuration",
    message: expect.stringMatching(/^The pushed authorization request was refused \(401: invalid_client: /),
    details: { code: "invalid_client", status: 401, provider: "oidc" },
  });
  expect(real.to("/request")[0]?.answerHeaders.get("www-authenticate")).toContain("Basic");
  await real.connector.close();
  for (const [challenge, code] of [
    ['Basic realm="bank"', "invalid_client"],
    ['Basic realm="bank", Other error="unauthorized_client"', "unauthorized_client"],
  ] as const) {
    const { connector, bank } = pushing(wrong, async (input, init) =>
      input.endsWith("/request")
        ? new Response(null, { status: 401, headers: { "www-authenticate": challenge } })
        : fetch(input, init),
    );
    expect(await faultOf(bank.connect({ owner, session }))).toMatchObject({
      kind: "configuration",
      details: { code, status: 401 },
    });
    await connector.close();
  }
});

for (const par of [false, true])
  test(`C42 C40 a signed request${par ? ", pushed" : ""}: what was asked is in the request object alone`, async () => {
    const { connector, bank, complete, to } = pushing({ clientId: "signing", jar: true, par });
    const flow = await bank.connect({ owner, session });
    const front = parametersOf(flow.url);
    expect(Object.keys(front).sort()).toEqual(["client_id", par ? "request_uri" : "request"]);
    const request = par ? (to("/request")[0]?.form.get("request") ?? "") : (front.request ?? "");
    if (par)
      expect([...(to("/request")[0]?.form.keys() ?? [])].sort()).toEqual([
        "client_assertion",
        "client_assertion_type",
        "client_id",
        "request",
      ]);
    expect(decodeProtectedHeader(request)).toEqual({ alg: "ES256", typ: "oauth-authz-req+jwt", kid: "client-ES256" });
    const { iat = 0, exp = 0, ...claims } = decodeJwt(request);
    expect(claims).toMatchObject({ aud: server.origin, iss: "signing", state: flow.state, redirect_uri: redirectUri });
    expect(exp - iat).toBe(60);
    expect((await (await complete(await server.authorize(flow.url))).status()).account).toBe("user-1");
    await connector.close();
  });

test("C10 parameters of the protocol cannot be replaced by an option's", async () => {
  const { connector, bank } = application({
    issuer: server.origin,
    clientId: "pushing",
    authentication: privateKeyJwt({ key: keys.jwk }),
    redirectUri,
    scope: ["openid"],
    authorizationParameters: {
      audience: "https://api.example",
      state: "fixed",
      nonce: "fixed",
      redirect_uri: "https://evil.example",
      response_type: "token",
    },
  });
  const flow = await bank.connect({ owner, session });
  expect(parametersOf(flow.url)).toMatchObject({
    audience: "https://api.example",
    state: flow.state,
    nonce: expect.stringMatching(/^[\w-]{43}$/),
    redirect_uri: redirectUri,
    response_type: "code",
  });
  await connector.close();
});

test("an authorization endpoint with a query of its own keeps it, once", async () => {
  const { connector, bank } = pushing({
    par: false,
    metadata: { authorization_endpoint: `${server.origin}/auth?tenant=7` },
  });
  const flow = await bank.connect({ owner, session });
  expect(new URL(flow.url).searchParams.getAll("tenant")).toEqual(["7"]);
  await connector.close();
});
