import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type OidcOptions, publicClient } from "../src/index.ts";
import { application, faultOf, owner, session } from "./support/application.ts";
import { redirectUri } from "./support/server.ts";

/** The metadata document, and what is wrong with some of them. */

let listener: Server;
let origin = "";
let answer: { status: number; body: string; headers?: Record<string, string> };
const asked: string[] = [];

beforeAll(async () => {
  listener = createServer((request, response) => {
    asked.push(request.url ?? "");
    response.writeHead(answer.status, { "content-type": "application/json", ...answer.headers }).end(answer.body);
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(listener.address() as AddressInfo).port}`;
});
afterAll(async () => {
  await new Promise<void>((resolve) => {
    listener.close(() => resolve());
    listener.closeAllConnections();
  });
});

const document = (issuer: string, members: object = {}) => ({
  status: 200,
  body: JSON.stringify({
    issuer,
    authorization_endpoint: `${origin}/authorize`,
    token_endpoint: `${origin}/token`,
    ...members,
  }),
});
beforeEach(() => {
  asked.length = 0;
  answer = document(origin);
});

const client = (more: Partial<OidcOptions> = {}) =>
  application({ issuer: origin, clientId: "app", authentication: publicClient(), redirectUri, ...more });

test.each([
  ["oidc", "/.well-known/openid-configuration", "/tenant/7/.well-known/openid-configuration"],
  ["oauth2", "/.well-known/oauth-authorization-server", "/.well-known/oauth-authorization-server/tenant/7"],
] as const)(
  "C9 %s: where the document is, for an issuer with and without a path",
  async (discovery, plain, withPath) => {
    for (const [path, expected] of [
      ["", plain],
      ["/tenant/7", withPath],
    ] as const) {
      asked.length = 0;
      answer = document(origin + path);
      const { connector, bank } = client({ issuer: origin + path, discovery });
      const flow = await bank.connect({ owner, session });
      await bank.connect({ owner, session });
      expect(new URL(flow.url).pathname).toBe("/authorize");
      expect(asked).toEqual([expected]);
      await connector.close();
    }
  },
);

test.each([
  ["of another issuer", () => document("https://evil.example")],
  ["of the issuer with a slash more", () => document(`${origin}/`)],
  ["without an issuer", () => ({ status: 200, body: JSON.stringify({ token_endpoint: `${origin}/token` }) })],
  ["with a token endpoint that is not https", () => document(origin, { token_endpoint: "http://bank.example/token" })],
  ["with keys that are not at https", () => document(origin, { jwks_uri: "http://bank.example/jwks" })],
  ["with an endpoint that is no address", () => document(origin, { pushed_authorization_request_endpoint: "x" })],
  ["without a token endpoint", () => document(origin, { token_endpoint: undefined })],
  ["that is a page", () => ({ status: 200, body: "<html>", headers: { "content-type": "text/html" } })],
  ["that is not there", () => ({ status: 404, body: "{}" })],
  ["that is elsewhere", () => ({ status: 302, body: "", headers: { location: `${origin}/elsewhere` } })],
])("C9 C15 C19 a document %s is refused, and nobody is sent anywhere", async (_, given) => {
  answer = given();
  const { connector, bank } = client();
  expect(await faultOf(bank.connect({ owner, session }))).toMatchObject({
    kind: "configuration",
    message: expect.stringContaining(origin),
  });
  expect(asked).toEqual(["/.well-known/openid-configuration"]);
  await connector.close();
});

test("G32 one that cannot be had now is had later", async () => {
  answer = { status: 503, body: "" };
  const { connector, bank, clock } = client();
  expect(await faultOf(bank.connect({ owner, session }))).toMatchObject({ kind: "retry" });
  answer = document(origin);
  await clock.advance(1_000);
  expect((await bank.connect({ owner, session })).redirectUri).toBe(redirectUri);
  await connector.close();
});

test("what the options name stands above the document", async () => {
  answer = document(origin, { authorization_endpoint: "https://old.bank.test/authorize" });
  const { connector, bank } = client({ metadata: { authorization_endpoint: "https://new.bank.test/authorize" } });
  expect(new URL((await bank.connect({ owner, session })).url).origin).toBe("https://new.bank.test");
  await connector.close();
});

test("C15 an issuer on plain http is for loopback alone", () => {
  expect(() => client({ issuer: "http://bank.example" })).toThrow("is not https");
});

test("what `connect` takes reaches the request, and what it does not know is named", async () => {
  const { connector, bank } = client({
    scope: ["openid", "offline_access"],
    authorizationParameters: { audience: "x" },
  });
  const flow = await bank.connect({
    owner,
    session,
    scope: ["openid", "offline_access", "payments"],
    loginHint: "ada@example.org",
    acrValues: ["urn:acr:2"],
    uiLocales: ["fr-CA", "fr"],
    maxAge: 0,
    claims: { id_token: { acr: { essential: true } } },
    authorizationDetails: [{ type: "account_information" }],
  });
  expect(Object.fromEntries(new URL(flow.url).searchParams)).toMatchObject({
    scope: "openid offline_access payments",
    prompt: "consent",
    login_hint: "ada@example.org",
    acr_values: "urn:acr:2",
    ui_locales: "fr-CA fr",
    max_age: "0",
    claims: '{"id_token":{"acr":{"essential":true}}}',
    authorization_details: '[{"type":"account_information"}]',
    audience: "x",
  });
  const asked = await bank.connect({ owner, session, prompt: ["login", "select_account"] });
  expect(new URL(asked.url).searchParams.get("prompt")).toBe("login select_account");
  for (const [wrong, message] of [
    [{ loginhint: "x" }, "loginhint"],
    [{ maxAge: 1.5 }, "maxAge: is not a number of whole seconds"],
    [{ prompt: [] }, "prompt: is empty"],
    [{ uiLocales: ["fr CA"] }, "uiLocales.0"],
  ] as const)
    expect(await faultOf(bank.connect({ owner, session, ...(wrong as object) }))).toMatchObject({
      kind: "configuration",
      message: expect.stringContaining(message),
    });
  await connector.close();
});
