import type { Connection } from "@linkwright/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { quiet } from "../../testing/test/support/ciphers.ts";
import { clientSecretBasic, type OidcOptions, publicClient } from "../src/index.ts";
import { type Api, api } from "./support/api.ts";
import { application, faultOf, owner, session, type Transport } from "./support/application.ts";
import { type IndependentServer, independentServer, redirectUri } from "./support/server.ts";

/** Users who authorize on another device (RFC 8628). The application's clock is moved; nothing sleeps. */

const grantType = "urn:ietf:params:oauth:grant-type:device_code";
const secret = "aSecretOfMoreThanThirtyTwoBytesWithoutSigns";

let server: IndependentServer;
let bank: Api;
beforeAll(async () => {
  const client = {
    redirect_uris: [],
    response_types: [],
    grant_types: [grantType, "refresh_token"],
    scope: "openid offline_access read",
  };
  server = await independentServer({
    clients: [
      { ...client, client_id: "television", token_endpoint_auth_method: "none" },
      { ...client, client_id: "secret", client_secret: secret },
      {
        ...client,
        client_id: "both",
        token_endpoint_auth_method: "none",
        redirect_uris: [redirectUri],
        response_types: ["code"],
        grant_types: [...client.grant_types, "authorization_code"],
      },
    ],
    configuration: { features: { deviceFlow: { enabled: true } } },
  });
  bank = await api(server);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await bank[Symbol.asyncDispose]();
});

function television(more: Partial<OidcOptions> = {}, transport: Transport = fetch) {
  const built = application(
    {
      issuer: server.origin,
      clientId: "television",
      authentication: publicClient(),
      scope: ["openid", "read"],
      api: bank.origin,
      ...more,
    },
    { transport },
  );
  const { pass, to } = built;
  return {
    ...built,
    /** Moves the clock until the server has answered so many questions. */
    until: (questions: number) => pass(() => to("/token").length >= questions),
  };
}

/** What becomes of a promise, without waiting for it. */
function followed(work: Promise<Connection>) {
  const state: { connection?: Connection; fault?: Awaited<ReturnType<typeof faultOf>> } = {};
  const done = work.then(
    (connection) => {
      state.connection = connection;
    },
    async () => {
      state.fault = await faultOf(work);
    },
  );
  return { state, done };
}

for (const [client, authentication, dpop] of [
  ["television", publicClient(), false],
  ["television", publicClient(), true],
  ["secret", clientSecretBasic(secret), false],
] as const)
  test(`${client}${dpop ? ", bound" : ""}: asked until the user has decided, then a connection as any other`, async () => {
    const { connector, bank: handle, clock, to, until } = television({ clientId: client, authentication, dpop });
    const device = await handle.authorizeDevice({ owner });
    expect(device).toMatchObject({
      userCode: expect.stringMatching(/^[A-Z]{4}-[A-Z]{4}$/),
      verificationUri: `${server.origin}/device`,
      verificationUriComplete: `${server.origin}/device?user_code=${device.userCode}`,
      expiresAt: clock.now() + 600_000,
    });
    expect(Object.fromEntries(to("/device/auth")[0]?.form ?? [])).toMatchObject({ scope: "openid read" });
    const { state, done } = followed(device.connection());
    await until(2);
    expect(to("/token").map(({ answer }) => answer.error)).toEqual(["authorization_pending", "authorization_pending"]);
    expect(state).toEqual({});
    await server.atDevice(device.userCode);
    await until(3);
    await done;
    const { connection } = state;
    expect(await connection?.status()).toMatchObject({
      health: "healthy",
      account: "user-1",
      scope: { requested: ["openid", "read"] },
    });
    expect((await connection?.fetch("/accounts"))?.status).toBe(200);
    expect(bank.calls.at(-1)?.scheme).toBe(dpop ? "DPoP" : "Bearer");
    await clock.advance(301_000);
    expect((await connection?.fetch("/accounts"))?.status).toBe(200);
    expect(to("/token").map(({ form }) => form.get("grant_type"))).toEqual([
      ...Array(3).fill(grantType),
      "refresh_token",
    ]);
    await connector.close();
  });

test("the user said no: `cancelled`", async () => {
  const { connector, bank: handle, until } = television();
  const device = await handle.authorizeDevice({ owner });
  await server.atDevice(device.userCode, "deny").catch(() => {});
  const { state, done } = followed(device.connection());
  await until(1);
  await done;
  expect(state.fault).toMatchObject({ kind: "cancelled", details: { code: "access_denied" } });
  await connector.close();
});

/** A server that says one thing after the other at the token endpoint. */
function saying(answers: readonly (Response | Error)[], at: number[], now: () => number): Transport {
  const left = [...answers];
  return async (input, init) => {
    if (!input.endsWith("/token")) return fetch(input, init);
    at.push(now());
    const answer = left.shift();
    if (answer instanceof Error) throw answer;
    return answer ?? fetch(input, init);
  };
}

const says = (error: string) => Response.json({ error }, { status: 400 });

test("asked every 5 s where the server names no interval, 5 s less often after each `slow_down`, and rarer without an answer", async () => {
  const at: number[] = [];
  const {
    connector,
    bank: handle,
    clock,
    until,
  } = television(
    {},
    saying(
      [
        says("authorization_pending"),
        says("slow_down"),
        says("authorization_pending"),
        new Error("reset"),
        says("authorization_pending"),
      ],
      at,
      () => clock.now(),
    ),
  );
  const device = await handle.authorizeDevice({ owner });
  await server.atDevice(device.userCode);
  const begun = clock.now();
  const { state, done } = followed(device.connection());
  await until(5);
  await until(6);
  await done;
  const times = [begun, ...at];
  expect(at.map((time, index) => (time - (times[index] ?? 0)) / 1000)).toEqual([5, 5, 10, 10, 20, 20]);
  expect(state.connection?.owner).toBe(owner);
  await connector.close();
});

test("a server's own interval, and Retry-After above it", async () => {
  const at: number[] = [];
  const busy = new Response(null, { status: 503, headers: { "retry-after": "40" } });
  const answers = saying([says("authorization_pending"), busy], at, () => clock.now());
  const {
    connector,
    bank: handle,
    clock,
    until,
  } = television({}, async (input, init) => {
    const response = await answers(input, init);
    if (!input.endsWith("/device/auth")) return response;
    return Response.json({ ...((await response.json()) as object), interval: 7 });
  });
  const device = await handle.authorizeDevice({ owner });
  await server.atDevice(device.userCode);
  const begun = clock.now();
  const { done } = followed(device.connection());
  await until(3);
  await done;
  expect(at.map((time) => (time - begun) / 1000)).toEqual([7, 14, 54]);
  await connector.close();
});

test("the code ends: by the server's word, or by the clock without another question", async () => {
  const {
    connector,
    bank: handle,
    clock,
    until,
  } = television(
    {},
    saying([says("expired_token")], [], () => 0),
  );
  const { state, done } = followed((await handle.authorizeDevice({ owner })).connection());
  await until(1);
  await done;
  expect(state.fault).toMatchObject({ kind: "reauthorize", reason: "expired", details: { code: "expired_token" } });
  const device = await handle.authorizeDevice({ owner });
  await clock.advance(600_000);
  const late = followed(device.connection());
  await clock.advance(5_000);
  await late.done;
  expect(late.state.fault).toMatchObject({ kind: "reauthorize", reason: "expired" });
  await connector.close();
});

test("a server that wants to be asked after the code's end is not: it ends with the code", async () => {
  const busy = Response.json({}, { status: 429, headers: { "retry-after": "3600" } });
  const built = television(
    {},
    saying([busy], [], () => 0),
  );
  const { expiresAt, connection } = await built.bank.authorizeDevice({ owner });
  const { state } = followed(connection());
  await built.until(1);
  await built.pass(() => state.fault !== undefined);
  expect(state.fault).toMatchObject({ kind: "reauthorize", reason: "expired" });
  expect(built.clock.now()).toBe(expiresAt);
  await built.connector.close();
});

test("G32 tokens whose signer cannot be asked for its keys end the asking: the code is spent", async () => {
  const built = television({}, async (input, init) =>
    input.endsWith("/jwks") ? new Response(null, { status: 503 }) : fetch(input, init),
  );
  const device = await built.bank.authorizeDevice({ owner });
  await server.atDevice(device.userCode);
  const { state } = followed(device.connection());
  await built.pass(() => state.fault !== undefined);
  expect(state.fault).toMatchObject({
    kind: "retry",
    message: expect.stringMatching(/answered 503\. .* The code may be spent: begin the authorization again\.$/),
  });
  expect([built.to("/token").length, built.to("/jwks").length]).toEqual([1, 3]);
  expect(built.to("/token/revocation")).toHaveLength(2);
  await built.connector.close();
});

test("G35 a client that is refused is `configuration`", async () => {
  const { connector, bank: handle } = television({ clientId: "secret", authentication: clientSecretBasic("another") });
  expect(await faultOf(handle.authorizeDevice({ owner }))).toMatchObject({
    kind: "configuration",
    details: { code: "invalid_client", status: 401, provider: "oidc" },
  });
  await connector.close();
});

test("a signal ends the asking, not the code", async () => {
  const { connector, bank: handle, clock, to, until } = television();
  const device = await handle.authorizeDevice({ owner });
  const stop = new AbortController();
  const first = followed(device.connection({ signal: stop.signal }));
  await until(1);
  stop.abort();
  await first.done;
  expect(first.state.fault).toMatchObject({ kind: "aborted" });
  const asked = to("/token").length;
  await clock.advance(60_000);
  await quiet(20);
  expect(to("/token")).toHaveLength(asked);
  await server.atDevice(device.userCode);
  const second = followed(device.connection());
  await until(asked + 1);
  await second.done;
  expect(second.state.connection?.owner).toBe(owner);
  await connector.close();
});

test("G67 a connection is connected again by a device, and keeps its id", async () => {
  const {
    connector,
    bank: handle,
    complete,
    clock,
    until,
    to,
  } = television({
    clientId: "both",
    redirectUri,
  }) as ReturnType<typeof application<OidcOptions & { redirectUri: string }>> & {
    until: ReturnType<typeof television>["until"];
  };
  const flow = await handle.connect({ owner, session });
  const before = await complete(await server.authorize(flow.url));
  const device = await handle.authorizeDevice({ owner, connection: before.id });
  await server.atDevice(device.userCode);
  const { state, done } = followed(device.connection());
  await until(to("/token").length + 1);
  await done;
  expect(state.connection?.id).toBe(before.id);
  const foreign = followed((await handle.authorizeDevice({ owner: "user_2", connection: before.id })).connection());
  const asked = to("/token").length;
  await clock.advance(5_000);
  await foreign.done;
  expect(foreign.state.fault).toMatchObject({ kind: "gone" });
  expect(to("/token")).toHaveLength(asked);
  expect(await faultOf(handle.authorizeDevice({ owner: "" }))).toMatchObject({ kind: "configuration" });
  await connector.close();
});

test("a server without the endpoint, and one whose page is none", async () => {
  const without = television({ metadata: { device_authorization_endpoint: undefined } });
  expect(await faultOf(without.bank.authorizeDevice({ owner }))).toMatchObject({ kind: "configuration" });
  const odd = television({}, async (input, init) => {
    const response = await fetch(input, init);
    if (!input.endsWith("/device/auth")) return response;
    return Response.json({ ...((await response.json()) as object), verification_uri: "javascript:alert(1)" });
  });
  expect(await faultOf(odd.bank.authorizeDevice({ owner }))).toMatchObject({ kind: "protocol" });
  for (const { connector } of [without, odd]) await connector.close();
});
