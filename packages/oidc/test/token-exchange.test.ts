import { memoryStore } from "@linkwright/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { clientSecretBasic, type OidcOptions, tokenTypes } from "../src/index.ts";
import { type Api, api } from "./support/api.ts";
import { application, faultOf, owner } from "./support/application.ts";
import { type IndependentServer, independentServer, type Oidc } from "./support/server.ts";

/** One token for another (RFC 8693), at a server to which the grant was added. */

const secret = "aSecretOfMoreThanThirtyTwoBytesWithoutSigns";
const grantType = "urn:ietf:params:oauth:grant-type:token-exchange";
const parameters = [
  "subject_token",
  "subject_token_type",
  "actor_token",
  "actor_token_type",
  "requested_token_type",
  "audience",
  "scope",
  "resource",
];

interface Exchange {
  readonly oidc: {
    readonly client: { readonly clientId: string };
    readonly params: Readonly<Record<string, string | undefined>>;
  };
  status: number;
  body: object;
}

/** Gives a token for every subject whose name begins with "user". */
function exchange(provider: Oidc) {
  return async (context: Exchange) => {
    const { subject_token = "", scope } = context.oidc.params;
    if (subject_token.startsWith("user")) {
      const token = new provider.AccessToken({
        client: context.oidc.client,
        accountId: subject_token,
        scope: scope ?? "read",
        gty: "exchange",
      });
      context.body = {
        access_token: await token.save(),
        issued_token_type: tokenTypes.accessToken,
        token_type: "Bearer",
        expires_in: 300,
        ...(scope && { scope }),
      };
    } else {
      context.status = 400;
      context.body = { error: "invalid_grant", error_description: `who is ${subject_token}?` };
    }
  };
}

let server: IndependentServer;
let bank: Api;
beforeAll(async () => {
  server = await independentServer({
    clients: [
      {
        client_id: "client",
        client_secret: secret,
        redirect_uris: [],
        response_types: [],
        grant_types: [grantType, "client_credentials"],
        scope: "read write",
      },
    ],
    extend: (provider) => provider.registerGrantType(grantType, exchange(provider), parameters),
  });
  bank = await api(server);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await bank[Symbol.asyncDispose]();
});

const client = (more: Partial<OidcOptions> = {}) =>
  application({
    issuer: server.origin,
    clientId: "client",
    authentication: clientSecretBasic(secret),
    refreshToken: false,
    api: bank.origin,
    ...more,
  });

test("a token in exchange becomes a connection; when it ends, the application exchanges again", async () => {
  const { connector, bank: handle, clock, to } = client();
  const request = {
    owner,
    subjectToken: () => "user-7",
    actorToken: "an-actors-token",
    audience: "accounts",
    scope: ["read"],
  };
  const connection = await handle.exchangeToken(request);
  expect((await connection.fetch("/accounts")).status).toBe(200);
  expect(await connection.status()).toMatchObject({
    health: "healthy",
    scope: { requested: ["read"], granted: ["read"] },
  });
  expect(Object.fromEntries(to("/token")[0]?.form ?? [])).toEqual({
    grant_type: grantType,
    subject_token: "user-7",
    subject_token_type: tokenTypes.accessToken,
    actor_token: "an-actors-token",
    actor_token_type: tokenTypes.accessToken,
    audience: "accounts",
    scope: "read",
  });
  await clock.advance(301_000);
  expect(await faultOf(connection.accessToken())).toMatchObject({ kind: "reauthorize", reason: "expired" });
  const again = await handle.exchangeToken({ ...request, connection: connection.id });
  expect(again.id).toBe(connection.id);
  expect((await connection.fetch("/accounts")).status).toBe(200);
  expect(to("/token")).toHaveLength(2);
  await connector.close();
});

test("G10 the connection is the owner's alone", async () => {
  const store = memoryStore();
  const { connector, bank: handle } = application(
    { issuer: server.origin, clientId: "client", authentication: clientSecretBasic(secret) },
    { store },
  );
  const { id } = await handle.exchangeToken({ owner, subjectToken: "user-7" });
  expect((await connector.connection(id, { owner })).id).toBe(id);
  expect(await faultOf(connector.connection(id, { owner: "user_2" }))).toMatchObject({ kind: "gone" });
  expect(
    await faultOf(handle.exchangeToken({ owner: "user_2", subjectToken: "user-7", connection: id })),
  ).toMatchObject({
    kind: "gone",
  });
  await connector.close();
});

test("G70 a refusal says what the server says, without the token", async () => {
  const { connector, bank: handle } = client();
  const fault = await faultOf(handle.exchangeToken({ owner, subjectToken: "a-strangers-token" }));
  expect(fault).toMatchObject({ kind: "reauthorize", details: { code: "invalid_grant", status: 400 } });
  expect(fault.message).toContain("who is [secret]?");
  expect(JSON.stringify(fault)).not.toContain("strangers");
  await connector.close();
});

test("what is missing is named", async () => {
  const { connector, bank: handle, to } = client();
  expect(await faultOf(handle.exchangeToken({ owner, subjectToken: "" }))).toMatchObject({
    kind: "configuration",
    message: expect.stringContaining("subjectToken is missing"),
  });
  expect(await faultOf(handle.exchangeToken({ owner: "", subjectToken: "user-7" }))).toMatchObject({
    kind: "configuration",
    message: expect.stringContaining("owner is missing"),
  });
  expect(to("/token")).toEqual([]);
  await connector.close();
});

test("C21 what is no access token (N_A) is refused", async () => {
  const { connector, bank: handle } = client({
    async fetch(input, init) {
      const response = await fetch(input, init);
      if (!input.endsWith("/token")) return response;
      return Response.json({
        ...((await response.json()) as object),
        token_type: "N_A",
        issued_token_type: tokenTypes.idToken,
      });
    },
  });
  expect(await faultOf(handle.exchangeToken({ owner, subjectToken: "user-7" }))).toMatchObject({ kind: "protocol" });
  await connector.close();
});
