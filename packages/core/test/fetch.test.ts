import { Readable } from "node:stream";
import {
  type ClientDefinition,
  type Connection,
  ConnectorError,
  clientSecretBasic,
  type FaultReading,
} from "@linkwright/core";
import { simulateAuthorizationServer, virtualClock } from "@linkwright/testing";
import { expect, test } from "vitest";
import { passing, session } from "./support/house.ts";
import { clientSecret, watchedHouse } from "./support/watched.ts";

type Watched = Awaited<ReturnType<typeof watchedHouse>>;
const apiCalls = (h: Watched, path = "/api/me") => h.server.journal.filter({ path });
const challenge = { "www-authenticate": 'Bearer error="invalid_token"' };

test("G54 an API that always says 401: two calls, one renewal, and the 401 goes to the caller", async () => {
  await using h = await watchedHouse();
  const connection = await h.link();
  h.server.faults.always("answer", { path: "/api/me", status: 401, body: { message: "no" }, headers: challenge });
  const response = await connection.fetch("/api/me", { method: "POST", body: "again" });
  expect(response.status).toBe(401);
  expect(await response.json()).toEqual({ message: "no" });
  expect(apiCalls(h).map(({ body }) => body)).toEqual(["again", "again"]);
  const tokens = apiCalls(h).map(({ headers }) => headers.authorization);
  expect(new Set(tokens).size).toBe(2);
  expect(h.tokenRequests()).toBe(1);
  expect((await connection.status()).health).toBe("healthy");
});

test("G54 the same for the application's own token", async () => {
  await using h = await watchedHouse();
  const app = h.connector.providers.bank.app();
  await app.accessToken();
  h.server.faults.always("answer", { path: "/api/me", status: 401, body: {}, headers: challenge });
  expect((await app.fetch("/api/me")).status).toBe(401);
  expect(apiCalls(h)).toHaveLength(2);
  expect(h.tokenRequests("client_credentials")).toBe(2);
});

test.each([
  ["a stream", (url: string, body: ReadableStream) => [url, { method: "POST", body, duplex: "half" }] as const],
  [
    "what a generator gives",
    (url: string, body: ReadableStream) => {
      async function* chunks() {
        yield* body;
      }
      return [url, { method: "POST", body: chunks() as unknown as ReadableStream, duplex: "half" }] as const;
    },
  ],
  [
    "a stream of Node's",
    (url: string, body: ReadableStream) =>
      [url, { method: "POST", body: Readable.from(body) as unknown as ReadableStream, duplex: "half" }] as const,
  ],
  [
    "a Request",
    (url: string, body: ReadableStream) =>
      [new Request(url, { method: "POST", body, duplex: "half" } as RequestInit), undefined] as const,
  ],
])("G54 %s that was read is not sent again; the next call has a good token", async (_, call) => {
  await using h = await watchedHouse();
  const connection = await h.link();
  const refused = await connection.accessToken();
  h.server.faults.next("answer", { path: "/api/me", status: 401, body: {}, headers: challenge });
  const [input, init] = call(`${h.server.origin}/api/me`, new Blob(["once"]).stream());
  const response = await connection.fetch(input, init);
  expect(response.status).toBe(401);
  expect(apiCalls(h).map(({ body }) => body)).toEqual(["once"]);
  expect(await connection.accessToken()).not.toBe(refused);
  expect((await connection.fetch("/api/me")).status).toBe(200);
  expect(h.tokenRequests()).toBe(1);
});

test("G54 C30 a 403 renews nothing and leaves the connection as it is", async () => {
  await using h = await watchedHouse();
  const connection = await h.link();
  expect((await connection.fetch("/api/scoped/admin")).status).toBe(403);
  h.server.faults.next("status", { status: 403, path: "/api/me", body: "plain" });
  expect((await connection.fetch("/api/me")).status).toBe(403);
  expect(h.tokenRequests()).toBe(0);
  expect((await connection.status()).health).toBe("healthy");
});

test("G54 a 401 with a body beyond all bounds is a 401", async () => {
  await using h = await watchedHouse();
  const connection = await h.link();
  h.server.faults.next("answer", { path: "/api/me", status: 401, body: "x".repeat(600_000), headers: challenge });
  expect((await connection.fetch("/api/me")).status).toBe(200);
  expect(h.tokenRequests()).toBe(1);
});

test("G13 a 401 after another process renewed: the row is read, and no token requested", async () => {
  await using h = await watchedHouse({ server: { accessTokensValid: "newest" } });
  const connection = await h.link();
  const elsewhere = await h.application().connection(connection.id, { owner: "user_1" });
  expect(await elsewhere.accessToken()).toBe(await connection.accessToken());
  h.server.revokeAccessTokens();
  expect((await elsewhere.fetch("/api/me")).status).toBe(200);
  expect(h.tokenRequests()).toBe(1);
  // This one holds the old token in memory still.
  expect((await connection.fetch("/api/me")).status).toBe(200);
  expect(h.tokenRequests()).toBe(1);
  expect(await connection.accessToken()).toBe(await elsewhere.accessToken());
});

test("G14 20 callers in two processes refused together: one renewal, and all succeed", async () => {
  await using h = await watchedHouse({ server: { accessTokensValid: "newest" } });
  const connection = await h.link();
  const elsewhere = await h.application().connection(connection.id, { owner: "user_1" });
  await Promise.all([connection.accessToken(), elsewhere.accessToken()]);
  h.server.revokeAccessTokens();
  const responses = await Promise.all(
    Array.from({ length: 20 }, (_, index) => (index % 2 ? connection : elsewhere).fetch("/api/me")),
  );
  expect(responses.map(({ status }) => status)).toEqual(Array(20).fill(200));
  expect(h.tokenRequests()).toBe(1);
  expect(h.server.counters.reuses).toBe(0);
});

test("G14 a renewal that brings the same access token again is still a renewal", async () => {
  await using h = await watchedHouse({ server: { refresh: { kind: "rotating", earlyRefresh: "same" } } });
  const connection = await h.link();
  const token = await connection.accessToken();
  h.server.faults.next("answer", { path: "/api/me", status: 401, body: {}, headers: challenge });
  expect((await connection.fetch("/api/me")).status).toBe(200);
  expect(await connection.accessToken()).toBe(token);
  expect(h.tokenRequests()).toBe(1);
});

test("C23 C29 G10 the token goes to the provider's own origins alone", async () => {
  await using h = await watchedHouse();
  await using other = await simulateAuthorizationServer({ clock: h.clock });
  const connection = await h.link();
  const { host } = new URL(h.server.origin);
  const { host: foreign } = new URL(other.origin);
  const attempts: (string | URL | Request)[] = [
    `${other.origin}/api/me`,
    new URL("/api/me", other.origin),
    new Request(`${other.origin}/api/me`),
    `//${foreign}/api/me`,
    `\\\\${foreign}\\api\\me`,
    `http://${host}@${foreign}/api/me`,
    `https://${host}/api/me`,
    "https:evil.example",
    "data:text/plain,x",
    "file:///etc/passwd",
    `http://${host.split(":")[0]}.evil.example/api/me`,
  ];
  for (const attempt of attempts)
    expect((await h.refused(connection.fetch(attempt))).fault, String(attempt)).toEqual({ kind: "permission" });
  expect(other.journal.entries).toEqual([]);
  expect(apiCalls(h)).toEqual([]);
});

test("C23 a hook of the provider's cannot lead elsewhere either", async () => {
  await using other = await simulateAuthorizationServer();
  await using h = await watchedHouse();
  const application = h.application({
    bank: {
      api: { base: h.server.origin, request: (request) => ({ ...request, url: new URL("/api/me", other.origin) }) },
    },
  });
  const connection = await h.link("user_1", application);
  expect((await h.refused(connection.fetch("/api/me"))).fault).toEqual({ kind: "permission" });
  // Nor lead home what was meant for elsewhere.
  const homing = h.application({
    bank: {
      api: { base: h.server.origin, request: (request) => ({ ...request, url: new URL("/api/me", h.server.origin) }) },
    },
  });
  const second = await homing.connection(connection.id, { owner: "user_1" });
  expect((await h.refused(second.fetch(`${other.origin}/api/me`))).fault).toEqual({ kind: "permission" });
  expect(other.journal.entries).toEqual([]);
  expect(apiCalls(h)).toEqual([]);
});

test("C23 https is demanded of an API that is not on loopback", async () => {
  await using h = await watchedHouse();
  const application = h.application({ bank: { api: { base: "https://api.example/v1/" } } });
  const connection = await h.link("user_1", application);
  const error = await h.refused(connection.fetch("http://api.example/v1/me"));
  expect(error.fault).toEqual({ kind: "permission" });
  expect(error.message).toContain("http://api.example");
});

test.each([302, 303, 307, 308] as const)(
  "C23 on a cross-origin redirect (%i) the token is left behind",
  async (status) => {
    await using h = await watchedHouse();
    await using other = await simulateAuthorizationServer({ clock: h.clock });
    const connection = await h.link();
    h.server.faults.always("redirect", { path: "/api/me", location: `${other.origin}/api/me`, status });
    expect((await connection.fetch("/api/me")).status).toBe(401);
    expect(other.journal.count()).toBeGreaterThan(0);
    for (const seen of other.journal.entries) {
      expect([seen.path, seen.query]).toEqual(["/api/me", {}]);
      expect(seen.headers.authorization).toBeUndefined();
      expect(JSON.stringify(seen)).not.toMatch(/at_/);
    }
  },
);

test("C23 a redirect is not followed where the Request says so", async () => {
  await using h = await watchedHouse();
  await using other = await simulateAuthorizationServer({ clock: h.clock });
  const connection = await h.link();
  h.server.faults.always("redirect", { path: "/api/me", location: `${other.origin}/api/me`, status: 302 });
  const request = new Request(`${h.server.origin}/api/me`, { redirect: "manual" });
  expect((await connection.fetch(request)).status).toBe(302);
  expect((await connection.fetch("/api/me", { redirect: "manual" })).status).toBe(302);
  await expect(connection.fetch(new Request(request, { redirect: "error" }))).rejects.toThrow(TypeError);
  expect(other.journal.entries).toEqual([]);
});

test("C29 the token stands in the Authorization header and nowhere else; the caller's own is replaced", async () => {
  await using h = await watchedHouse();
  const connection = await h.link();
  const token = await connection.accessToken();
  const headers = { authorization: "Bearer mine", "x-trace": "7" };
  await connection.fetch("/api/me?page=2", { headers });
  const [call] = apiCalls(h);
  expect(call?.query).toEqual({ page: "2" });
  const carrying = Object.entries(call?.headers ?? {}).filter(([, value]) => value.includes(token));
  expect(carrying).toEqual([["authorization", `Bearer ${token}`]]);
  expect(call?.headers).toMatchObject({ "x-trace": "7" });
  expect(`${call?.path}${call?.body}`).not.toContain(token);
});

test("G10 interleaved calls of three connections and the application each see their own user", async () => {
  await using h = await watchedHouse();
  const { bank } = h.connector.providers;
  const connections: { user: string; connection: Connection }[] = [];
  for (const user of ["user-1", "user-2", "user-1"]) {
    const flow = await bank.connect({ owner: user, session: "an-unguessable-session-value" });
    const callback = await h.server.consent(flow.url, { user });
    connections.push({
      user,
      connection: await h.connector.complete(callback, { session: "an-unguessable-session-value" }),
    });
  }
  h.server.revokeAccessTokens();
  const seen = await Promise.all(
    Array.from({ length: 80 }, async (_, index) => {
      const one = connections[index % 4];
      const response = await (one ? one.connection : bank.app()).fetch("/api/me");
      return [one?.user, ((await response.json()) as { sub?: string }).sub];
    }),
  );
  for (const [expected, sub] of seen) expect(sub).toBe(expected);
  expect(h.tokenRequests()).toBe(3);
});

test("paths, URLs and Requests reach the API, with method, headers and body", async () => {
  await using h = await watchedHouse();
  const application = h.application({ bank: { api: { base: `${h.server.origin}/api/` } } });
  const connection = await h.link("user_1", application);
  const absolute = `${h.server.origin}/api/me`;
  await connection.fetch("me");
  await connection.fetch("/api/me");
  await connection.fetch(absolute);
  await connection.fetch(new URL(absolute));
  await connection.fetch(new Request(absolute, { method: "PUT", headers: { "x-a": "1" }, body: "text" }));
  await connection.fetch(new Request(absolute, { method: "PUT", body: "text" }), { method: "PATCH", body: "other" });
  await connection.fetch("me", { method: "POST", body: new URLSearchParams({ a: "b c" }) });
  expect(apiCalls(h).map(({ method, body }) => [method, body])).toEqual([
    ["GET", ""],
    ["GET", ""],
    ["GET", ""],
    ["GET", ""],
    ["PUT", "text"],
    ["PATCH", "other"],
    ["POST", "a=b+c"],
  ]);
  expect(apiCalls(h)[4]?.headers).toMatchObject({ "x-a": "1" });
  expect(apiCalls(h)[6]?.form).toEqual({ a: "b c" });
  const { authorization } = apiCalls(h)[0]?.headers ?? {};
  expect(new Set(apiCalls(h).map(({ headers }) => headers.authorization))).toEqual(new Set([authorization]));
});

test("G09 a caller's signal ends that call alone: before, at the API, in a Request", async () => {
  await using h = await watchedHouse();
  const connection = await h.link();
  await expect(connection.fetch("/api/me", { signal: AbortSignal.abort() })).rejects.toThrow();
  expect(apiCalls(h)).toEqual([]);
  const latch = h.server.faults.next("latch", { path: "/api/me" });
  const stop = new AbortController();
  const held = connection.fetch("/api/me", { signal: stop.signal });
  await latch.arrived;
  stop.abort();
  await expect(held).rejects.toThrow(/abort/i);
  latch.release();
  const second = h.server.faults.next("latch", { path: "/api/me" });
  const other = new AbortController();
  const request = connection.fetch(new Request(`${h.server.origin}/api/me`, { signal: other.signal }));
  await second.arrived;
  other.abort();
  await expect(request).rejects.toThrow(/abort/i);
  second.release();
  expect((await connection.fetch("/api/me")).status).toBe(200);
  expect(h.tokenRequests()).toBe(0);
});

test("G09 a signal that aborts during the renewal detaches that caller; the renewal is saved", async () => {
  await using h = await watchedHouse();
  const connection = await h.link();
  await h.clock.advance(301_000);
  const latch = h.server.faults.next("latch", { grantType: "refresh_token" });
  const stop = new AbortController();
  const aborted = h.refused(connection.fetch("/api/me", { signal: stop.signal }));
  const other = connection.fetch("/api/me");
  await latch.arrived;
  stop.abort();
  expect((await aborted).fault).toEqual({ kind: "aborted" });
  latch.release();
  expect((await other).status).toBe(200);
  expect(apiCalls(h)).toHaveLength(1);
  expect(h.tokenRequests()).toBe(1);
});

const over = (code: string): FaultReading => ({
  kind: "reauthorize",
  reason: "consent_ended",
  code,
  confirmAt: ["/api/scoped/read"],
});

test("G74 an API that says the grant is over is believed where a second place says the same", async () => {
  await using h = await watchedHouse({
    bank: {
      api: { base: "http://127.0.0.1:1" },
    },
  });
  const application = h.application({
    bank: {
      api: {
        base: h.server.origin,
        fault: ({ json }) => {
          const code = (json as { code?: string } | undefined)?.code;
          return code === undefined ? undefined : over(code);
        },
      },
    },
  });
  const connection = await h.link("user_1", application);
  const says = (path: string, code: string) => h.server.faults.next("answer", { path, status: 400, body: { code } });
  says("/api/me", "CONSENT_OVER");
  expect((await connection.fetch("/api/me")).status).toBe(400);
  expect((await connection.status()).health).toBe("healthy");
  says("/api/me", "CONSENT_OVER");
  says("/api/scoped/read", "SOMETHING_ELSE");
  await connection.fetch("/api/me");
  expect((await connection.status()).health).toBe("healthy");
  says("/api/me", "CONSENT_OVER");
  says("/api/scoped/read", "CONSENT_OVER");
  const response = await connection.fetch("/api/me");
  expect(await response.json()).toEqual({ code: "CONSENT_OVER" });
  expect(await connection.status()).toMatchObject({ health: "ended", reason: "consent_ended" });
  expect((await h.refused(connection.accessToken())).fault).toEqual({ kind: "reauthorize", reason: "consent_ended" });
  expect(h.tokenRequests()).toBe(0);
});

test("G74 what an API says of a grant that was replaced elsewhere does not end the new one", async () => {
  await using h = await watchedHouse();
  const application = () =>
    h.application({
      bank: {
        api: { base: h.server.origin, fault: ({ status }) => (status === 410 ? over("CONSENT_OVER") : undefined) },
      },
    });
  const [here, there] = [application(), application()];
  const connection = await h.link("user_1", here);
  const elsewhere = await there.connection(connection.id, { owner: "user_1" });
  expect((await elsewhere.fetch("/api/me")).status).toBe(200);
  const flow = await here.providers.bank.connect({ owner: "user_1", session, connection: connection.id });
  await here.complete(await h.server.consent(flow.url), { session });
  for (const path of ["/api/me", "/api/scoped/read"]) h.server.faults.always("answer", { path, status: 410, body: {} });
  // Its token is of the grant before.
  expect((await elsewhere.fetch("/api/me")).status).toBe(410);
  expect((await connection.status()).health).toBe("healthy");
  await h.clock.advance(30_000);
  expect((await elsewhere.fetch("/api/me")).status).toBe(410);
  expect(await connection.status()).toMatchObject({ health: "ended", reason: "consent_ended" });
});

test("G51 an error whose body never ends does not hold up who asked", async () => {
  const clock = virtualClock();
  const endless = () =>
    new Response(new ReadableStream({ start: (body) => body.enqueue(new Uint8Array(1)) }), { status: 500 });
  const transport: NonNullable<ClientDefinition["fetch"]> = async (input, init) =>
    input.endsWith("/odd") ? endless() : fetch(input, init);
  await using h = await watchedHouse({ clock });
  const { id } = await h.link();
  const client = { id: "client", authentication: clientSecretBasic(clientSecret), fetch: transport };
  const odd = h.application({ bank: { client } });
  const connection = await odd.connection(id, { owner: "user_1" });
  expect((await passing(clock, connection.fetch("/odd"), 1000)).status).toBe(500);
});

test("G40 what a provider's own hook refuses says where", async () => {
  await using h = await watchedHouse();
  const request = () => {
    throw new ConnectorError({ kind: "permission" }, "bank: another user's.");
  };
  const application = h.application({ bank: { api: { base: h.server.origin, request } } });
  const connection = await h.link("user_1", application);
  expect(await h.refused(connection.fetch("/api/me"))).toMatchObject({
    fault: { kind: "permission" },
    message: `bank: another user's. (registration "bank", connection ${connection.id})`,
    details: { provider: "bank", registration: "bank", connection: connection.id },
  });
  expect(apiCalls(h)).toEqual([]);
});
