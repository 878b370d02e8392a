import { generateKeyPairSync } from "node:crypto";
import { decodeJwt, decodeProtectedHeader, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { publicClient } from "../src/index.ts";
import { application, faultOf, owner, session, type Transport } from "./support/application.ts";
import { type IndependentServer, independentServer, redirectUri, signingKeys } from "./support/server.ts";

/** ID tokens: who the user is, as the server signed it for this flow. */

let server: IndependentServer;
beforeAll(async () => {
  server = await independentServer({
    clients: [
      {
        client_id: "public",
        redirect_uris: [redirectUri],
        grant_types: ["authorization_code", "refresh_token"],
        scope: "openid read",
        token_endpoint_auth_method: "none",
      },
    ],
  });
});
afterAll(() => server[Symbol.asyncDispose]());

function withIdToken(
  change?: (token: string) => string | undefined | Promise<string | undefined>,
  scope = ["openid", "read"],
) {
  const transport: Transport = async (input, init) => {
    const response = await fetch(input, init);
    if (!change || !input.endsWith("/token") || !response.ok) return response;
    const answer = (await response.json()) as { id_token: string };
    return Response.json({ ...answer, id_token: await change(answer.id_token) });
  };
  const options = { issuer: server.origin, clientId: "public", authentication: publicClient(), redirectUri, scope };
  const built = application(options, { transport });
  return {
    ...built,
    async link(parameters: { maxAge?: number; connection?: string } = {}) {
      const flow = await built.bank.connect({ owner, session, ...parameters });
      return built.complete(await server.authorize(flow.url));
    },
  };
}

const signedWith =
  (changes: Record<string, unknown>, key = signingKeys.rsa.privateKey) =>
  (token: string) =>
    new SignJWT({ ...decodeJwt(token), ...changes })
      .setProtectedHeader({ ...decodeProtectedHeader(token), alg: "RS256" })
      .sign(key);

test("the nonce is one flow's, and the account is `sub`", async () => {
  const { connector, bank, complete } = withIdToken();
  const flows = await Promise.all([1, 2].map(() => bank.connect({ owner, session })));
  const nonces = flows.map(({ url }) => new URL(url).searchParams.get("nonce"));
  expect(new Set(nonces).size).toBe(2);
  const connection = await complete(await server.authorize(flows[0]?.url ?? ""));
  expect((await connection.status()).account).toBe("user-1");
  await connector.close();
});

const stranger = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;

test.each([
  ["of another flow (nonce)", signedWith({ nonce: "another" })],
  ["without a nonce", signedWith({ nonce: undefined })],
  ["for another client", signedWith({ aud: "other" })],
  ["of another issuer", signedWith({ iss: "https://evil.example" })],
  ["that has ended", signedWith({ exp: Math.floor(Date.now() / 1000) - 120 })],
  ["without a user", signedWith({ sub: undefined })],
  ["signed by a stranger", signedWith({}, stranger)],
  ["without a signature", (token: string) => `${btoa('{"alg":"none"}')}.${token.split(".")[1]}.`],
  ["that is none", () => "x"],
  ["that is missing", () => undefined],
])("C4 an ID token %s is refused, and what came with it is revoked", async (_, change) => {
  const { connector, link, to } = withIdToken(change);
  expect(await faultOf(link())).toMatchObject({ kind: "protocol", message: expect.stringContaining("ID token") });
  expect(to("/token/revocation").map(({ form, status }) => [form.get("token_type_hint"), status])).toEqual([
    ["refresh_token", 200],
    ["access_token", 200],
  ]);
  for await (const connection of connector.connections({ owner })) throw new Error(`${connection.id} was made of it`);
  await connector.close();
});

test("G70 nothing of a refused ID token is in the error", async () => {
  let token = "";
  const { connector, link } = withIdToken((given) => {
    token = given;
    return signedWith({ aud: "other" })(given);
  });
  const fault = JSON.stringify(await faultOf(link()));
  for (const part of [...token.split("."), "user-1", decodeJwt<{ nonce: string }>(token).nonce])
    expect(fault).not.toContain(part);
  await connector.close();
});

test("without `openid` no ID token is asked for, and one that comes is left alone", async () => {
  const { connector, bank, complete } = withIdToken(() => "not a token", ["read"]);
  const flow = await bank.connect({ owner, session });
  expect(new URL(flow.url).searchParams.has("nonce")).toBe(false);
  expect((await (await complete(await server.authorize(flow.url))).status()).account).toBeUndefined();
  await connector.close();
});

test("`maxAge` is asked for, and the time of the sign-in is checked", async () => {
  const { connector, link } = withIdToken();
  expect((await (await link({ maxAge: 60 })).status()).account).toBe("user-1");
  await connector.close();
  for (const auth_time of [Math.floor(Date.now() / 1000) - 3_600, undefined]) {
    const old = withIdToken(signedWith({ auth_time }));
    expect(await faultOf(old.link({ maxAge: 60 }))).toMatchObject({ kind: "protocol" });
    await old.connector.close();
  }
});

test("`maxAge` is counted from when the user was sent: the time that they take is not held against them", async () => {
  for (const [signedInBefore, fault] of [
    [45, undefined],
    // Longer ago than the flow, and than the 30 s that clocks may differ.
    [120, "protocol"],
  ] as const) {
    const auth_time = Math.floor(Date.now() / 1000) - signedInBefore;
    const { connector, bank, clock, complete } = withIdToken(signedWith({ auth_time }));
    const flow = await bank.connect({ owner, session, maxAge: 0 });
    const callback = await server.authorize(flow.url);
    await clock.advance(45_000);
    if (fault) expect(await faultOf(complete(callback))).toMatchObject({ kind: fault });
    else expect((await (await complete(callback)).status()).account).toBe("user-1");
    await connector.close();
  }
});

test("C4 `openid` that an option asks for brings a nonce and an account as well", async () => {
  const { connector, bank, complete } = application({
    issuer: server.origin,
    clientId: "public",
    authentication: publicClient(),
    redirectUri,
    authorizationParameters: { scope: "openid read" },
  });
  const flow = await bank.connect({ owner, session });
  const { searchParams } = new URL(flow.url);
  expect(searchParams.get("scope")).toBe("openid read");
  expect(searchParams.get("nonce")).toMatch(/^[\w-]{43}$/);
  expect((await (await complete(await server.authorize(flow.url))).status()).account).toBe("user-1");
  await connector.close();
});

test("G67 connecting again as somebody else makes another connection; as the same, the same", async () => {
  let sub = "user-1";
  const { connector, link } = withIdToken((token) => signedWith({ sub })(token));
  const first = await link();
  expect((await link({ connection: first.id })).id).toBe(first.id);
  sub = "user-2";
  expect((await link({ connection: first.id })).id).not.toBe(first.id);
  await connector.close();
});

test("the server's keys are fetched once", async () => {
  const { connector, link, to } = withIdToken();
  await link();
  await link();
  expect(to("/jwks")).toHaveLength(1);
  await connector.close();
});

describe("G32 keys that cannot be had when the code is spent already", () => {
  /** A flow that came back, at a server whose keys are away so many times. */
  async function withoutKeys(times: number, headers: Record<string, string> = {}) {
    const asked: number[] = [];
    const { promise: first, resolve } = Promise.withResolvers<void>();
    const built = application(
      {
        issuer: server.origin,
        clientId: "public",
        authentication: publicClient(),
        redirectUri,
        scope: ["openid", "read"],
      },
      {
        async transport(input, init) {
          if (!input.endsWith("/jwks")) return fetch(input, init);
          asked.push(built.clock.now());
          resolve();
          return asked.length > times ? fetch(input, init) : new Response(null, { status: 503, headers });
        },
      },
    );
    const flow = await built.bank.connect({ owner, session });
    const callback = await server.authorize(flow.url);
    const work = built.complete(callback);
    let over = false;
    const end = () => {
      over = true;
    };
    work.then(end, end);
    await first;
    await built.pass(() => over);
    return { ...built, callback, work, pauses: asked.slice(1).map((at, index) => at - (asked[index] ?? 0)) };
  }

  test.each([
    ["a second later", 1, {}, [1_000]],
    ["and again", 2, {}, [1_000, 1_000]],
    ["soon, whatever the server would like, since the user waits", 2, { "retry-after": "3600" }, [2_000, 2_000]],
  ])("are asked for %s, and the user is connected", async (_, times, headers, expected) => {
    const { connector, work, pauses, to } = await withoutKeys(times, headers);
    expect((await (await work).status()).account).toBe("user-1");
    expect(pauses).toEqual(expected);
    expect([to("/token").length, to("/token/revocation").length]).toEqual([1, 0]);
    await connector.close();
  });

  test("are given up after three times, in so many words, and what came is revoked", async () => {
    const { connector, work, callback, complete, pauses, to } = await withoutKeys(Infinity);
    expect(await faultOf(work)).toMatchObject({
      kind: "retry",
      message: expect.stringMatching(
        /^The ID token could not be verified: .* answered 503\. Try again\. The code may be spent: begin the authorization again\./,
      ),
    });
    expect(pauses).toEqual([1_000, 1_000]);
    expect(to("/token/revocation").map(({ status }) => status)).toEqual([200, 200]);
    expect(await faultOf(complete(callback))).toMatchObject({ kind: "flow", reason: "used" });
    await connector.close();
  });
});
