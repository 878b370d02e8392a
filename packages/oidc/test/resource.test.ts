import { afterAll, beforeAll, expect, test } from "vitest";
import { clientSecretBasic, type OidcOptions } from "../src/index.ts";
import { application, owner, session } from "./support/application.ts";
import { type IndependentServer, independentServer, redirectUri } from "./support/server.ts";

/** Tokens for one resource (RFC 8707), at a server that gives each its own. */

const accounts = "https://accounts.bank.test";
const payments = "https://payments.bank.test/v2";
const secret = "aSecretOfMoreThanThirtyTwoBytesWithoutSigns";

let server: IndependentServer;
beforeAll(async () => {
  server = await independentServer({
    clients: [
      {
        client_id: "client",
        client_secret: secret,
        redirect_uris: [redirectUri],
        grant_types: ["authorization_code", "refresh_token", "client_credentials"],
        scope: "openid offline_access read write",
      },
    ],
    configuration: {
      features: {
        resourceIndicators: {
          enabled: true,
          defaultResource: () => undefined,
          useGrantedResource: () => true,
          getResourceServerInfo: (_: unknown, resource: string) => ({
            scope: "read write",
            audience: resource,
            accessTokenFormat: "opaque",
            accessTokenTTL: 300,
          }),
        },
      },
    },
  });
});
afterAll(() => server[Symbol.asyncDispose]());

const client = (more: Partial<OidcOptions> = {}) =>
  application({
    issuer: server.origin,
    clientId: "client",
    authentication: clientSecretBasic(secret),
    redirectUri,
    scope: ["read", "write"],
    clientCredentials: { scope: ["read"] },
    resource: [accounts, payments],
    api: server.origin,
    ...more,
  });

const audienceOf = async (token: string) =>
  ((await server.provider.AccessToken.find(token)) ?? (await server.provider.ClientCredentials.find(token)))?.aud;

test("C23 the grant is for all of them, each token for one: the first, where none is named", async () => {
  const { connector, bank, complete, clock, to } = client();
  const flow = await bank.connect({ owner, session });
  expect(new URL(flow.url).searchParams.getAll("resource")).toEqual([accounts, payments]);
  const connection = await complete(await server.authorize(flow.url));
  expect(await audienceOf(await connection.accessToken())).toBe(accounts);
  expect(await audienceOf(await connection.accessToken({ resource: payments }))).toBe(payments);
  await clock.advance(301_000);
  expect(await audienceOf(await connection.accessToken())).toBe(accounts);
  const narrow = await connection.accessToken({ resource: payments, scope: ["read"] });
  expect(await server.provider.AccessToken.find(narrow)).toMatchObject({ aud: payments, scope: "read" });
  expect(to("/token").map(({ form }) => [form.get("grant_type"), form.getAll("resource"), form.get("scope")])).toEqual([
    ["authorization_code", [accounts], null],
    ["refresh_token", [payments], null],
    ["refresh_token", [accounts], null],
    ["refresh_token", [payments], "read"],
  ]);
  await connector.close();
});

test("C23 the application's own tokens, too", async () => {
  const { connector, bank } = client();
  expect(await audienceOf(await bank.app().accessToken())).toBe(accounts);
  expect(await audienceOf(await bank.app().accessToken({ resource: payments }))).toBe(payments);
  await connector.close();
});

test("a pushed and signed request carries several resources as one list", async () => {
  const { connector, bank, complete, to } = client({ par: true });
  const flow = await bank.connect({ owner, session });
  expect(to("/request")[0]?.form.getAll("resource")).toEqual([accounts, payments]);
  const connection = await complete(await server.authorize(flow.url));
  expect(await audienceOf(await connection.accessToken())).toBe(accounts);
  await connector.close();
});
