import {
  allowInsecureLoopback,
  type ClientAuthentication,
  type Connector,
  type ConnectorError,
  clientSecretBasic,
  clientSecretPost,
  createConnector,
  defineProvider,
  keyring,
  memoryStore,
  publicClient,
} from "@linkwright/core";
import { virtualClock } from "@linkwright/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { faultOf, key, session } from "./support/house.ts";
import { type IndependentServer, independentServer, redirectUri } from "./support/oidc-provider.ts";
import { expectNoSecret } from "./support/watched.ts";

/** The same core against an authorization server that others wrote and certified. */

let server: IndependentServer;
beforeAll(async () => {
  server = await independentServer(clientSecret);
});
afterAll(() => server[Symbol.asyncDispose]());

const owner = "user_1";
/** Of the characters that RFC 6749, appendix A.2 allows, those that encodings write differently. */
const clientSecret = "c4nary+0f/the:client=%&~ of-32-bytes";
const clients: Readonly<Record<"basic" | "post" | "public", ClientAuthentication>> = {
  basic: clientSecretBasic(clientSecret),
  post: clientSecretPost(clientSecret),
  public: publicClient(),
};

function application(client: keyof typeof clients, options: { discovery?: boolean; iss?: boolean } = {}) {
  const { discovery = false, iss = true } = options;
  // The server's time is the machine's; ours is moved past the end of its tokens.
  const clock = virtualClock({ start: Date.now() });
  const answers: Record<string, string>[] = [];
  const connector = createConnector({
    providers: {
      bank: defineProvider({
        id: "independent",
        server: {
          issuer: server.origin,
          ...(discovery
            ? { discovery }
            : {
                authorization_endpoint: `${server.origin}/auth`,
                token_endpoint: `${server.origin}/token`,
                revocation_endpoint: `${server.origin}/token/revocation`,
                authorization_response_iss_parameter_supported: iss,
              }),
        },
        client: { id: client, authentication: clients[client] },
        grants: {
          clientCredentials: { scope: ["read"] },
          authorizationCode: { redirectUri, pkce: "S256", scope: ["read"] },
          refreshToken: { rotation: "rotating" },
        },
        api: { base: server.origin },
      }),
    },
    store: memoryStore({ clock }),
    concurrency: "one-process",
    keys: keyring([{ id: "test", key }]),
    clock,
    fetch: async (input, init) => {
      const response = await fetch(input, init);
      if (input.endsWith("/token") && response.ok) answers.push(await response.clone().json());
      return response;
    },
    [allowInsecureLoopback]: true,
  });
  return { connector, clock, answers };
}

type Bank = ReturnType<typeof application>["connector"];

async function link(connector: Bank) {
  const flow = await connector.providers.bank.connect({ owner, session });
  return connector.complete(await server.authorize(flow.url), { session });
}

/** The fault, after the whole error was searched for secrets. */
async function refused(work: Promise<unknown>, answers: readonly Record<string, string>[]) {
  const error = await work.then(
    () => undefined,
    (thrown: ConnectorError) => thrown,
  );
  const secrets = answers.flatMap(({ access_token = "", refresh_token = "" }) => [access_token, refresh_token]);
  expectNoSecret(error, [clientSecret, session, ...secrets.filter((secret) => secret !== "")]);
  return faultOf(Promise.reject(error));
}

for (const client of ["basic", "post", "public"] as const) {
  test(`C1 C18 G20 ${client}: code with PKCE, then refresh with rotation, three times`, async () => {
    const { connector, clock, answers } = application(client);
    const connection = await link(connector);
    expect(await (await connection.fetch("/api/me")).json()).toEqual({ sub: "user-1", scope: "read" });
    for (let round = 1; round <= 3; round++) {
      await clock.advance(301_000);
      expect(await connection.accessToken()).toBe(answers[round]?.access_token);
      expect((await connection.fetch("/api/me")).status).toBe(200);
    }
    expect(answers).toHaveLength(4);
    expect(new Set(answers.map(({ refresh_token }) => refresh_token)).size).toBe(4);
    expect(await connection.status()).toMatchObject({ health: "healthy", scope: { granted: ["read"], missing: [] } });
    await connector.close();
  });

  test(`G73 C31 C32 ${client}: disconnecting revokes at the server`, async () => {
    const { connector, answers } = application(client);
    const connection = await link(connector);
    const before = server.count("/token/revocation");
    expect(await connection.disconnect()).toEqual({
      disconnected: true,
      revocations: [
        { what: "refresh_token", result: "revoked" },
        { what: "access_token", result: "revoked" },
      ],
    });
    expect(server.count("/token/revocation") - before).toBe(2);
    const headers = { authorization: `Bearer ${answers[0]?.access_token}` };
    expect((await fetch(`${server.origin}/api/me`, { headers })).status).toBe(401);
    await connector.close();
  });
}

for (const client of ["basic", "post"] as const)
  test(`G15 G55 ${client}: client credentials, minted again`, async () => {
    const { connector, clock, answers } = application(client);
    const app = connector.providers.bank.app();
    const first = await app.accessToken();
    expect(await (await app.fetch("/api/me")).json()).toEqual({ sub: client, scope: "read" });
    await clock.advance(301_000);
    expect(await app.accessToken()).not.toBe(first);
    expect(answers.map(({ refresh_token }) => refresh_token)).toEqual([undefined, undefined]);
    await connector.close();
  });

test("C9 everything from the metadata document: discovery, code, refresh, revocation", async () => {
  const { connector, clock } = application("basic", { discovery: true });
  const documents = server.count("/.well-known/oauth-authorization-server");
  const connection = await link(connector);
  await clock.advance(301_000);
  expect((await connection.fetch("/api/me")).status).toBe(200);
  expect((await connection.disconnect()).revocations.map(({ result }) => result)).toEqual(["revoked", "revoked"]);
  expect(server.count("/.well-known/oauth-authorization-server") - documents).toBe(1);
  await connector.close();
});

for (const discovery of [false, true])
  test(`G64 C5 C6 its \`iss\` is checked (${discovery ? "advertised" : "declared"}): tampered and removed are refused, on errors too`, async () => {
    const { connector, answers } = application("basic", { discovery });
    for (const decision of ["approve", "deny"] as const) {
      const flow = await connector.providers.bank.connect({ owner, session });
      const callback = await server.authorize(flow.url, decision);
      expect(new URL(callback).searchParams.get("iss")).toBe(server.origin);
      for (const iss of ["https://evil.example", `${server.origin}/`, undefined]) {
        const tampered = new URL(callback);
        if (iss === undefined) tampered.searchParams.delete("iss");
        else tampered.searchParams.set("iss", iss);
        const fault = await refused(connector.complete(tampered, { session }), answers);
        expect(fault).toMatchObject({ kind: "flow", reason: "issuer" });
      }
      expect(answers).toEqual([]);
      if (decision === "deny") {
        const fault = await refused(connector.complete(callback, { session }), answers);
        expect(fault).toMatchObject({ kind: "cancelled", details: { code: "access_denied" } });
      }
    }
    await connector.close();
  });

test("G33 a grant that was revoked at the server: one request, then `reauthorize`, and connecting again revives it", async () => {
  const { connector, clock, answers } = application("basic");
  const connection = await link(connector);
  const body = new URLSearchParams({ token: answers[0]?.refresh_token ?? "", token_type_hint: "refresh_token" });
  const credentials = [`basic`, clientSecret].map((part) => new URLSearchParams({ "": part }).toString().slice(1));
  const headers = { authorization: `Basic ${Buffer.from(credentials.join(":")).toString("base64")}` };
  const response = await fetch(`${server.origin}/token/revocation`, { method: "POST", body, headers });
  expect(response.status).toBe(200);
  await clock.advance(301_000);
  const before = server.count("/token");
  for (let call = 0; call < 5; call++)
    expect(await refused(connection.accessToken(), answers)).toMatchObject({ kind: "reauthorize", reason: "revoked" });
  expect(server.count("/token") - before).toBe(1);
  const flow = await connector.providers.bank.connect({ owner, session, connection: connection.id });
  const again = await connector.complete(await server.authorize(flow.url), { session });
  expect(again.id).toBe(connection.id);
  expect((await connection.fetch("/api/me")).status).toBe(200);
  await connector.close();
});

test("G35 a wrong client secret is `configuration`, without the secret; the code stays unspent at the server", async () => {
  const { connector, answers } = application("basic");
  const wrong = createConnector({
    providers: {
      bank: defineProvider({
        id: "independent",
        server: { issuer: server.origin, discovery: true },
        client: { id: "basic", authentication: clientSecretBasic("an0ther-s3cret-that-is-wrong") },
        grants: { clientCredentials: { scope: ["read"] } },
      }),
    },
    store: memoryStore(),
    concurrency: "one-process",
    keys: keyring([{ id: "test", key }]),
    [allowInsecureLoopback]: true,
  });
  const fault = await refused(wrong.providers.bank.app().accessToken(), answers);
  expect(fault).toMatchObject({ kind: "configuration", details: { code: "invalid_client", status: 401 } });
  expect(JSON.stringify(fault)).not.toContain("an0ther");
  await Promise.all<void>([connector, wrong as unknown as Connector<never>].map((one) => one.close()));
});
