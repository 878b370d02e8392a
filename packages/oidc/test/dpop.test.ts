import { execFile } from "node:child_process";
import { createHash, generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { memoryStore } from "@linkwright/core";
import { sqliteStore } from "@linkwright/store-sqlite";
import { virtualClock } from "@linkwright/testing";
import { calculateJwkThumbprint, decodeJwt, decodeProtectedHeader, type JWK } from "jose";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type OidcOptions, privateKeyJwt, publicClient } from "../src/index.ts";
import { type Api, api } from "./support/api.ts";
import { type ApplicationOptions, application, faultOf, owner, type Sent, session } from "./support/application.ts";
import { type IndependentServer, independentServer, redirectUri } from "./support/server.ts";

/** Tokens bound to a key of the connection's own (RFC 9449), against a server and an API that check every proof. */

const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const signer = JSON.stringify({ ...privateKey.export({ format: "jwk" }), kid: "client" });

let server: IndependentServer;
let bank: Api;
/** Whether the server asks for a nonce. */
let nonceRequired = false;

beforeAll(async () => {
  const client = {
    redirect_uris: [redirectUri],
    grant_types: ["authorization_code", "refresh_token"],
    scope: "openid offline_access read write",
    dpop_bound_access_tokens: true,
  };
  server = await independentServer({
    clients: [
      { ...client, client_id: "public", token_endpoint_auth_method: "none" },
      {
        ...client,
        grant_types: [...client.grant_types, "client_credentials"],
        client_id: "signing",
        token_endpoint_auth_method: "private_key_jwt",
        jwks: { keys: [{ ...publicKey.export({ format: "jwk" }), kid: "client", use: "sig" }] },
      },
      { ...client, client_id: "unbound", token_endpoint_auth_method: "none", dpop_bound_access_tokens: false },
    ],
    configuration: {
      features: { dPoP: { enabled: true, nonceSecret: Buffer.alloc(32, 1), requireNonce: () => nonceRequired } },
    },
  });
  bank = await api(server);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await bank[Symbol.asyncDispose]();
});
beforeEach(() => {
  nonceRequired = false;
  bank.nonce = undefined;
  bank.stale = 0;
});

const clients = {
  public: { clientId: "public", authentication: publicClient() },
  signing: { clientId: "signing", authentication: privateKeyJwt({ key: signer }) },
};

function bound(client: keyof typeof clients, more: Partial<OidcOptions> = {}, options: ApplicationOptions = {}) {
  const built = application(
    {
      issuer: server.origin,
      ...clients[client],
      redirectUri,
      scope: ["openid", "read"],
      clientCredentials: { scope: ["read"] },
      dpop: true,
      refreshToken: { rotation: "rotating" },
      api: bank.origin,
      ...more,
    },
    options,
  );
  return {
    ...built,
    async link(connection?: string) {
      const flow = await built.bank.connect({ owner, session, ...(connection !== undefined && { connection }) });
      return built.complete(await server.authorize(flow.url));
    },
  };
}

const proofOf = ({ headers }: Sent) =>
  decodeJwt<{ htm: string; htu: string; ath?: string; nonce?: string }>(headers.get("dpop") ?? "");
const keyOf = ({ headers }: Sent) =>
  calculateJwkThumbprint(decodeProtectedHeader(headers.get("dpop") ?? "").jwk as JWK);
const proven = (sent: readonly Sent[]) => sent.filter(({ headers }) => headers.has("dpop"));

for (const client of ["public", "signing"] as const)
  test(`C36 C39 ${client}: every request to token endpoint and API carries a fresh proof`, async () => {
    const { connector, link, clock, sent, to } = bound(client);
    const connection = await link();
    const from = bank.calls.length;
    expect((await connection.fetch("/accounts?limit=5#top")).status).toBe(200);
    await clock.advance(301_000);
    expect((await connection.fetch("/accounts?limit=5", { method: "POST", body: "{}" })).status).toBe(200);
    expect(bank.calls.slice(from).map(({ method, url, scheme, status }) => [method, url, scheme, status])).toEqual([
      ["GET", "/accounts?limit=5", "DPoP", 200],
      ["POST", "/accounts?limit=5", "DPoP", 200],
    ]);
    const requests = proven(sent);
    expect(requests.map((request) => [proofOf(request).htm, proofOf(request).htu])).toEqual([
      ["POST", `${server.origin}/token`],
      ["GET", `${bank.origin}/accounts`],
      ["POST", `${server.origin}/token`],
      ["POST", `${bank.origin}/accounts`],
    ]);
    expect(new Set(requests.map((request) => proofOf(request).jti)).size).toBe(4);
    for (const request of requests) {
      const { iat, ath } = proofOf(request);
      expect(Math.abs(Date.now() / 1000 - (iat ?? 0))).toBeLessThan(30);
      const token = request.headers.get("authorization")?.replace(/^DPoP /, "");
      const expected = token && createHash("sha256").update(token).digest("base64url");
      expect(ath).toBe(request.url.origin === bank.origin ? expected : undefined);
      expect(decodeProtectedHeader(request.headers.get("dpop") ?? "")).toEqual({
        alg: "ES256",
        typ: "dpop+jwt",
        jwk: { kty: "EC", crv: "P-256", x: expect.any(String), y: expect.any(String) },
      });
    }
    expect(new Set(await Promise.all(requests.map(keyOf))).size).toBe(1);
    expect(to("/token").map(({ answer }) => answer.token_type)).toEqual(["DPoP", "DPoP"]);
    await connector.close();
  });

test("C36 the code is bound to the key that its tokens will be bound to", async () => {
  const { connector, bank: handle, complete, to } = bound("public");
  const flow = await handle.connect({ owner, session });
  const jkt = new URL(flow.url).searchParams.get("dpop_jkt");
  await complete(await server.authorize(flow.url));
  const [exchange] = to("/token");
  expect(exchange && (await keyOf(exchange))).toBe(jkt);
  await connector.close();
});

for (const client of ["public", "signing"] as const)
  test(`C37 ${client}: a nonce asked for at the token endpoint: once more, with the same refresh token, as one presentation`, async () => {
    const clock = virtualClock({ start: Date.now() });
    const store = memoryStore({ clock });
    const { id } = await bound(client, {}, { clock, store }).link();
    // A process that knows no nonce yet.
    const { connector, to } = bound(client, {}, { clock, store });
    const doubts: unknown[] = [];
    connector.on("connection.in_doubt", (event) => doubts.push(event));
    connector.on("connection.renewal_failed", (event) => doubts.push(event));
    nonceRequired = true;
    await clock.advance(301_000);
    const connection = await connector.connection(id, { owner });
    expect((await connection.fetch("/accounts")).status).toBe(200);
    const [refused, granted, ...more] = to("/token");
    expect(more).toEqual([]);
    expect([refused?.status, refused?.answer.error]).toEqual([400, "use_dpop_nonce"]);
    expect(refused && proofOf(refused).nonce).toBeUndefined();
    expect(granted && proofOf(granted).nonce).toBe(refused?.answerHeaders.get("dpop-nonce"));
    expect(granted?.form.get("refresh_token")).toBe(refused?.form.get("refresh_token"));
    expect(granted?.status).toBe(200);
    if (client === "signing")
      expect(granted?.form.get("client_assertion")).not.toBe(refused?.form.get("client_assertion"));
    // Remembered: the next renewal needs one request.
    await clock.advance(301_000);
    expect((await connection.fetch("/accounts")).status).toBe(200);
    expect(to("/token")).toHaveLength(3);
    expect(await connection.status()).toMatchObject({ health: "healthy", inDoubt: false });
    expect(doubts).toEqual([]);
    await connector.close();
  });

test("C37 the newest nonce of a server is the one that is sent, and another connection uses it, too", async () => {
  const { connector, link, clock, to } = bound("public");
  nonceRequired = true;
  const first = await link();
  const second = await link();
  // Only the very first request did without.
  expect(to("/token").map(({ status }) => status)).toEqual([400, 200, 200]);
  await clock.advance(301_000);
  // One after the other: the server's nonce changes with the minute, and those under way together would have the older one.
  for (const each of [first, second]) await each.accessToken();
  for (const [index, request] of to("/token").entries()) {
    const newest = to("/token")
      .slice(0, index)
      .map(({ answerHeaders }) => answerHeaders.get("dpop-nonce"))
      .findLast((nonce) => nonce !== null);
    expect(proofOf(request).nonce).toBe(newest);
  }
  await connector.close();
});

test("C37 a nonce of the API: asked for by a 401 that renews nothing, and kept apart from the server's", async () => {
  const { connector, link, clock, sent, to } = bound("public");
  nonceRequired = true;
  const connection = await link();
  bank.nonce = "nonce-of-the-api-1";
  const tokens = to("/token").length;
  const from = bank.calls.length;
  expect((await connection.fetch("/accounts", { method: "POST", body: "text" })).status).toBe(200);
  expect(bank.calls.slice(from).map(({ status, error, body }) => [status, error, body])).toEqual([
    [401, "use_dpop_nonce", "text"],
    [200, undefined, "text"],
  ]);
  expect(to("/token")).toHaveLength(tokens);
  bank.nonce = "nonce-of-the-api-2";
  expect((await connection.fetch("/accounts")).status).toBe(200);
  await clock.advance(301_000);
  expect((await connection.fetch("/accounts")).status).toBe(200);
  const own = (origin: string) =>
    proven(sent)
      .filter(({ url }) => url.origin === origin)
      .map((request) => proofOf(request).nonce);
  expect(own(bank.origin)).toEqual([
    undefined,
    "nonce-of-the-api-1",
    "nonce-of-the-api-1",
    "nonce-of-the-api-2",
    "nonce-of-the-api-2",
  ]);
  expect(own(server.origin).some((nonce) => nonce?.startsWith("nonce-of-the-api"))).toBe(false);
  await connector.close();
});

test("C37 a nonce that comes with a success is the newest, too: the next call needs one request", async () => {
  const { connector, link } = bound("public", {
    async fetch(input, init) {
      const response = await fetch(input, init);
      if (!input.startsWith(bank.origin)) return response;
      // The API moves on with every success, and says so.
      bank.nonce = `nonce ${bank.calls.length}`;
      return new Response(response.body, {
        status: response.status,
        headers: { ...Object.fromEntries(response.headers), "dpop-nonce": bank.nonce },
      });
    },
  });
  bank.nonce = "nonce";
  const connection = await link();
  const from = bank.calls.length;
  for (let call = 0; call < 3; call++) expect((await connection.fetch("/accounts")).status).toBe(200);
  expect(bank.calls.slice(from).map(({ status }) => status)).toEqual([401, 200, 200, 200]);
  await connector.close();
});

test("C37 server and API at one origin: their nonces are kept apart", async () => {
  const { connector, link, sent } = bound("public", { api: server.origin });
  nonceRequired = true;
  const connection = await link();
  expect((await connection.fetch("/me")).status).toBe(200);
  const at = (path: string) => proven(sent).filter(({ url }) => url.pathname === path);
  expect(at("/me").map((request) => [request.status, proofOf(request).nonce === undefined])).toEqual([
    [401, true],
    [200, false],
  ]);
  await connector.close();
});

test("C37 G54 a body that streams is not sent twice: the refusal comes back, no token is renewed, and the next call has the nonce", async () => {
  const { connector, link, to } = bound("public");
  const connection = await link();
  bank.nonce = "nonce";
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode("once"));
      controller.close();
    },
  });
  expect((await connection.fetch("/accounts", { method: "POST", body })).status).toBe(401);
  expect(to("/token")).toHaveLength(1);
  expect((await connection.fetch("/accounts", { method: "POST", body: "again" })).status).toBe(200);
  expect(to("/token")).toHaveLength(1);
  await connector.close();
});

test("C37 an API that asks for ever gets two requests for one call, and no token is renewed", async () => {
  let asked = 0;
  const { connector, link } = bound("public", {
    async fetch(input, init) {
      if (!input.startsWith(bank.origin)) return fetch(input, init);
      const headers = { "dpop-nonce": `nonce ${++asked}`, "www-authenticate": 'DPoP error="use_dpop_nonce"' };
      return new Response(null, { status: 401, headers });
    },
  });
  const connection = await link();
  const tokens = server.count("/token");
  expect((await connection.fetch("/accounts")).status).toBe(401);
  expect(asked).toBe(2);
  expect(server.count("/token")).toBe(tokens);
  await connector.close();
});

test("C37 a server that asks for ever: two requests for one renewal, `retry`, and the refresh token is as good as before", async () => {
  let deaf = false;
  const tokens: string[] = [];
  const { connector, link, clock } = bound("public", {
    async fetch(input, init) {
      if (!input.endsWith("/token")) return fetch(input, init);
      tokens.push((init.body as URLSearchParams).get("refresh_token") ?? "");
      if (!deaf) return fetch(input, init);
      const headers = { "dpop-nonce": `nonce ${tokens.length}`, "content-type": "application/json" };
      return new Response('{"error":"use_dpop_nonce"}', { status: 400, headers });
    },
  });
  const connection = await link();
  await clock.advance(301_000);
  deaf = true;
  expect(await faultOf(connection.accessToken())).toMatchObject({ kind: "retry" });
  expect(tokens).toHaveLength(3);
  deaf = false;
  await clock.advance(3_600_000);
  expect((await connection.fetch("/accounts")).status).toBe(200);
  expect(new Set(tokens.slice(1)).size).toBe(1);
  await connector.close();
});

test("C38 the key is sealed with the grant: another process renews and calls with it, and the store shows nothing of it", async () => {
  const clock = virtualClock({ start: Date.now() });
  const memory = memoryStore({ clock });
  const written: string[] = [];
  const store = {
    ...memory,
    write: (...call: Parameters<typeof memory.write>) => {
      written.push(call[1]);
      return memory.write(...call);
    },
  };
  const before = bound("public", {}, { clock, store });
  const { id } = await before.link();
  const [exchange] = before.to("/token");
  await clock.advance(301_000);
  const after = bound("public", {}, { clock, store });
  const connection = await after.connector.connection(id, { owner });
  expect((await connection.fetch("/accounts")).status).toBe(200);
  const [renewal] = after.to("/token");
  expect([renewal?.form.get("grant_type"), renewal?.status]).toEqual(["refresh_token", 200]);
  expect(renewal && (await keyOf(renewal))).toBe(exchange && (await keyOf(exchange)));
  expect(written.length).toBeGreaterThan(3);
  for (const text of written) expect(text).not.toMatch(/"(proofKey|d)"|\\"d\\"|P-256/);
  await after.connector.close();
});

test("C38 a real process that begins an hour later renews and calls with the key, from a file", async () => {
  const directory = await mkdtemp(join(tmpdir(), "linkwright-oidc-"));
  const file = join(directory, "linkwright.db");
  try {
    const store = sqliteStore(file);
    const { connector, link } = bound("public", {}, { store });
    const { id } = await link();
    await connector.close();
    const tokens = server.count("/token");
    const script = fileURLToPath(new URL("support/process.ts", import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [
      "--conditions=@linkwright/source",
      "--disable-warning=ExperimentalWarning",
      script,
      ...[server.origin, bank.origin, file, id],
    ]);
    const { pid, status } = JSON.parse(stdout) as { pid: number; status: number };
    expect(pid).not.toBe(process.pid);
    expect([status, server.count("/token") - tokens]).toEqual([200, 1]);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});

test("C38 each connection has a key of its own, and keeps it when it is connected again", async () => {
  const { connector, link, to } = bound("public");
  const first = await link();
  await link();
  expect((await link(first.id)).id).toBe(first.id);
  const keys = await Promise.all(to("/token").map(keyOf));
  expect(keys[1]).not.toBe(keys[0]);
  expect(keys[2]).toBe(keys[0]);
  expect((await first.fetch("/accounts")).status).toBe(200);
  await connector.close();
});

test("C38 a grant that is moved takes its key with it", async () => {
  const { connector, link, bank: handle, clock } = bound("public");
  const { id } = await link();
  const { accessToken = "", refreshToken = "", proofKey = "" } = await connector.dangerouslyExportGrant(id, { owner });
  const moved = await handle.import({ owner: "user_2", accessToken, refreshToken, proofKey });
  await clock.advance(301_000);
  expect((await moved.fetch("/accounts")).status).toBe(200);
  await connector.close();
});

test("C39 G15 the application's own token is bound, too, and serves another process", async () => {
  const clock = virtualClock({ start: Date.now() });
  const store = memoryStore({ clock });
  const first = bound("signing", {}, { clock, store });
  expect((await first.bank.app().fetch("/all")).status).toBe(200);
  const second = bound("signing", {}, { clock, store });
  expect((await second.bank.app().fetch("/all")).status).toBe(200);
  expect(second.to("/token")).toEqual([]);
  expect(bank.calls.slice(-2).map(({ scheme, token }) => [scheme, token])).toEqual([
    ["DPoP", first.to("/token")[0]?.answer.access_token],
    ["DPoP", first.to("/token")[0]?.answer.access_token],
  ]);
  await second.connector.close();
});

test("C30 C36 a stale bound token is renewed once, and the second call has a proof of its own", async () => {
  const { connector, link, to } = bound("public");
  const connection = await link();
  bank.stale = 1;
  expect((await connection.fetch("/accounts")).status).toBe(200);
  expect(to("/token")).toHaveLength(2);
  await connector.close();
});

test("C21 C39 a token that is not bound is refused where bound ones are asked for, and the other way round", async () => {
  const asBearer = (type: string) => async (input: string, init: RequestInit) => {
    const response = await fetch(input, init);
    if (!input.endsWith("/token")) return response;
    return Response.json({ ...((await response.json()) as object), token_type: type });
  };
  for (const [type, dpop] of [
    ["Bearer", true],
    ["DPoP", false],
  ] as const) {
    const { connector, link } = bound("public", { dpop, clientId: dpop ? "public" : "unbound", fetch: asBearer(type) });
    expect(await faultOf(link())).toMatchObject({
      kind: "protocol",
      message: expect.stringContaining(`type ${type.toLowerCase()}`),
    });
    await connector.close();
  }
});
