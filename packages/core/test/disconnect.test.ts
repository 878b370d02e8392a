import { type ConnectionContext, ConnectorError, keyring, type Revocation } from "@linkwright/core";
import { simulateAuthorizationServer } from "@linkwright/testing";
import { expect, test } from "vitest";
import { key, session } from "./support/house.ts";
import { watchedHouse } from "./support/watched.ts";

const owner = "user_1";
type Watched = Awaited<ReturnType<typeof watchedHouse>>;
const revocations = (h: Watched) => h.server.journal.filter({ path: "/revoke" });
const row = (h: Watched, id: string) => h.store.read(`connection:${id}`);

/** A house that keeps what the token endpoint answered. */
async function houseWithAnswers(options: Parameters<typeof watchedHouse>[0] = {}) {
  const h = await watchedHouse(options);
  const answers: Record<string, unknown>[] = [];
  h.server.faults.always("rewrite", {
    rewrite: (answer) => {
      answers.push(answer);
      return answer;
    },
  });
  return { ...h, answers };
}

test("G30 G73 a revocation endpoint that says when is not asked before", async () => {
  await using h = await watchedHouse();
  const [connection, other] = [await h.link(), await h.link("user_2")];
  h.server.faults.next("status", { path: "/revoke", status: 503, headers: { "retry-after": "600" } });
  for (const each of [connection, other]) expect(await each.disconnect()).toMatchObject({ disconnected: false });
  await h.clock.advance(590_000);
  await h.connector.maintain();
  expect(revocations(h)).toHaveLength(1);
  // What nobody holds, so that nobody would try again, is let go of at once.
  const flow = await h.connector.providers.bank.connect({ owner, session, requiredScope: ["read"] });
  const grantType = "authorization_code";
  h.server.faults.next("rewrite", { grantType, rewrite: (answer) => ({ ...answer, scope: "other" }) });
  await h.refused(h.connector.complete(await h.server.consent(flow.url), { session }));
  expect(revocations(h)).toHaveLength(3);
  await h.clock.advance(310_000);
  expect((await h.connector.maintain()).outcomes).toMatchObject({ disconnected: 2 });
  expect(revocations(h)).toHaveLength(7);
});

test("G73 C31 C32 the refresh token is revoked first, then the access token; then the row is gone", async () => {
  await using h = await houseWithAnswers();
  const connection = await h.link();
  const app = h.connector.providers.bank.app();
  const appToken = await app.accessToken();
  expect(await connection.disconnect()).toEqual({
    disconnected: true,
    revocations: [
      { what: "refresh_token", result: "revoked" },
      { what: "access_token", result: "revoked" },
    ],
  });
  const [{ access_token, refresh_token } = {}] = h.answers;
  expect(revocations(h).map(({ form }) => form)).toEqual([
    { token: refresh_token, token_type_hint: "refresh_token" },
    { token: access_token, token_type_hint: "access_token" },
  ]);
  for (const { headers, query } of revocations(h)) {
    expect(headers.authorization).toMatch(/^Basic /);
    expect(query).toEqual({});
  }
  expect(await row(h, connection.id)).toBeUndefined();
  expect(h.told("connection.disconnected")).toBe(1);
  const gone = { kind: "gone", reason: "unknown" };
  expect((await h.refused(connection.accessToken())).fault).toEqual(gone);
  expect((await h.refused(connection.fetch("/api/me"))).fault).toEqual(gone);
  expect((await h.refused(connection.status())).fault).toEqual(gone);
  expect((await h.refused(h.connector.connection(connection.id, { owner }))).fault).toEqual(gone);
  // The application's own token is another thing.
  expect(await app.accessToken()).toBe(appToken);
  expect((await app.fetch("/api/me")).status).toBe(200);
  // Once more: nothing left to do, nothing sent.
  expect(await connection.disconnect()).toEqual({ disconnected: true, revocations: [] });
  expect(revocations(h)).toHaveLength(2);
  expect(h.told("connection.disconnected")).toBe(1);
});

test("G73 a refresh token that was kept as spare is revoked with the others", async () => {
  await using h = await watchedHouse();
  const connection = await h.link();
  const { refresh_token: spare } = h.server.issue();
  const stored = await row(h, connection.id);
  const before = JSON.parse(stored?.value ?? "{}") as { grant: string; generation: number };
  const { seal } = keyring([{ id: "test", key }]);
  const binding = {
    key: `connection:${connection.id}`,
    field: "grant",
    format: 1,
    generation: before.generation,
  } as const;
  const tokens = JSON.parse(await seal.open(before.grant, binding)) as object;
  const grant = await seal.seal(JSON.stringify({ ...tokens, spare }), binding);
  await h.store.write(binding.key, JSON.stringify({ ...before, grant }), { ifVersion: stored?.version ?? "" });
  const report = await connection.disconnect();
  expect(report.revocations.map(({ what, result }) => [what, result])).toEqual([
    ["refresh_token", "revoked"],
    ["refresh_token", "revoked"],
    ["access_token", "revoked"],
  ]);
  expect(revocations(h)[0]?.form?.token).toBe(spare);
});

test.each<[string, (h: Watched) => void]>([
  ["503", (h) => void h.server.faults.next("status", { path: "/revoke", status: 503, times: 2 })],
  ["500", (h) => void h.server.faults.next("status", { path: "/revoke", status: 500, times: 2 })],
  ["an HTML page", (h) => void h.server.faults.next("html", { path: "/revoke", times: 2 })],
  ["a refused client", (h) => void h.server.faults.next("status", { path: "/revoke", status: 401, times: 2 })],
  ["a cut connection", (h) => void h.server.faults.next("refused-before", { path: "/revoke", times: 2 })],
  ["an echo of what it got", (h) => void h.server.faults.next("echo-secrets", { path: "/revoke", times: 2 })],
])("G73 answered with %s: it may live on, nothing is handed out, and it can be tried again", async (_, arm) => {
  await using h = await watchedHouse();
  const connection = await h.link();
  const elsewhere = await h.application({ freshness: 0 }).connection(connection.id, { owner });
  await elsewhere.accessToken();
  arm(h);
  expect(await connection.disconnect()).toEqual({
    disconnected: false,
    revocations: [
      { what: "refresh_token", result: "failed" },
      { what: "access_token", result: "failed" },
    ],
  });
  const gone = { kind: "gone", reason: "disconnected" };
  expect((await h.refused(connection.accessToken())).fault).toEqual(gone);
  expect((await h.refused(elsewhere.accessToken())).fault).toEqual(gone);
  expect((await h.refused(connection.fetch("/api/me"))).fault).toEqual(gone);
  expect(await connection.status()).toMatchObject({ health: "ended", reason: "disconnected" });
  expect(h.told("connection.disconnected")).toBe(0);
  expect((await connection.disconnect()).disconnected).toBe(true);
  expect(await row(h, connection.id)).toBeUndefined();
  expect(h.tokenRequests()).toBe(0);
});

test("G73 maintenance finishes what failed, later", async () => {
  await using h = await watchedHouse();
  const connection = await h.link();
  h.server.faults.next("status", { path: "/revoke", status: 503, times: 2 });
  await connection.disconnect();
  await h.clock.advance(600_000);
  expect((await h.connector.maintain()).outcomes).toMatchObject({ disconnected: 1, failed: 0 });
  expect(await row(h, connection.id)).toBeUndefined();
  expect(revocations(h)).toHaveLength(4);
});

test.each([301, 302, 303, 307, 308] as const)(
  "G49 C19 a redirect (%i) of the revocation is not followed",
  async (status) => {
    await using h = await watchedHouse();
    await using other = await simulateAuthorizationServer({ clock: h.clock });
    const connection = await h.link();
    h.server.faults.always("redirect", { path: "/revoke", status, location: `${other.origin}/revoke` });
    expect((await connection.disconnect()).disconnected).toBe(false);
    expect(other.journal.entries).toEqual([]);
  },
);

test("G08 a revocation that hangs ends at its deadline", async () => {
  await using h = await watchedHouse();
  const connection = await h.link();
  h.server.faults.next("stall-headers", { path: "/revoke", times: 2 });
  const done = connection.disconnect();
  await h.server.journal.arrived({ path: "/revoke" });
  await h.clock.advance(15_001);
  await h.server.journal.arrived({ path: "/revoke" }, 2);
  await h.clock.advance(15_001);
  expect((await done).revocations.map(({ result }) => result)).toEqual(["failed", "failed"]);
});

test.for(["stall-headers", "stall-body"] as const)(
  "G08 a provider's own way that hangs (%s) ends, too",
  async (stall) => {
    await using h = await watchedHouse({
      bank: {
        disconnect: async (context) => {
          await context.call("/api/me");
          return [{ what: "consent", result: "revoked" }];
        },
      },
    });
    const connection = await h.link();
    h.server.faults.next(stall, { path: "/api/me" });
    const done = connection.disconnect();
    await h.server.journal.arrived({ path: "/api/me" });
    await h.clock.advance(60_001);
    expect(await done).toEqual({ disconnected: false, revocations: [{ what: "grant", result: "failed" }] });
    expect((await connection.disconnect()).disconnected).toBe(true);
  },
);

test("G73 without a revocation endpoint it is told that nothing was revoked, and the connection is forgotten", async () => {
  await using h = await watchedHouse();
  const { revocation_endpoint: _none, ...endpoints } = h.server.endpoints;
  const application = h.application({ bank: { server: endpoints } });
  const connection = await h.link(owner, application);
  expect(await connection.disconnect()).toEqual({
    disconnected: true,
    revocations: [
      { what: "refresh_token", result: "unsupported" },
      { what: "access_token", result: "unsupported" },
    ],
  });
  expect(await row(h, connection.id)).toBeUndefined();
});

test("G73 a server that revokes no access tokens says so, and that is no failure", async () => {
  await using h = await watchedHouse();
  const connection = await h.link();
  h.server.faults.always("answer", {
    path: "/revoke",
    match: ({ form }) => form?.token_type_hint === "access_token",
    status: 400,
    body: { error: "unsupported_token_type" },
  });
  expect(await connection.disconnect()).toEqual({
    disconnected: true,
    revocations: [
      { what: "refresh_token", result: "revoked" },
      { what: "access_token", result: "unsupported" },
    ],
  });
});

test("G73 a connection whose grant is dead, or that ended, can be disconnected", async () => {
  await using h = await watchedHouse();
  const dead = await h.link();
  const over = await h.link();
  await h.connector.markEnded(over.id, { owner });
  h.server.revokeGrants();
  await h.clock.advance(301_000);
  expect((await h.refused(dead.accessToken())).fault.kind).toBe("reauthorize");
  for (const { id, disconnect } of [dead, over]) {
    expect((await disconnect()).disconnected).toBe(true);
    expect(await row(h, id)).toBeUndefined();
  }
});

test("G73 two processes at once: both end well, and the event is told once each at most", async () => {
  await using h = await watchedHouse();
  const connection = await h.link();
  const elsewhere = await h.application().connection(connection.id, { owner });
  const reports = await Promise.all([connection.disconnect(), elsewhere.disconnect()]);
  expect(reports.map(({ disconnected }) => disconnected)).toEqual([true, true]);
  expect(await row(h, connection.id)).toBeUndefined();
  expect(h.told("connection.disconnected")).toBeLessThanOrEqual(1);
});

test("G26 a renewal in flight cannot bring back a connection that was disconnected; its tokens are revoked", async () => {
  await using h = await houseWithAnswers();
  const connection = await h.link();
  await h.clock.advance(301_000);
  // The server has rotated; its answer is held back.
  const latch = h.server.faults.next("latch", { grantType: "refresh_token", handled: true });
  const renewing = h.refused(connection.accessToken());
  await latch.arrived;
  const elsewhere = await h.application().connection(connection.id, { owner });
  expect((await elsewhere.disconnect()).disconnected).toBe(true);
  expect(await row(h, connection.id)).toBeUndefined();
  latch.release();
  expect((await renewing).fault).toEqual({ kind: "gone", reason: "unknown" });
  expect(await row(h, connection.id)).toBeUndefined();
  expect((await h.store.list({ prefix: "connection:", limit: 10 })).items).toEqual([]);
  const tokens = revocations(h).map(({ form }) => form?.token);
  expect(tokens).toEqual([
    h.answers[0]?.refresh_token,
    h.answers[0]?.access_token,
    h.answers[1]?.refresh_token,
    h.answers[1]?.access_token,
  ]);
});

test("G26 a renewal that lands while the old tokens are being revoked: the new ones are revoked too", async () => {
  await using h = await houseWithAnswers();
  const connection = await h.link();
  await h.clock.advance(301_000);
  const renewal = h.server.faults.next("latch", { grantType: "refresh_token", handled: true });
  const renewing = h.refused(connection.accessToken());
  await renewal.arrived;
  const revocation = h.server.faults.next("latch", { path: "/revoke" });
  const elsewhere = await h.application().connection(connection.id, { owner });
  const disconnecting = elsewhere.disconnect();
  await revocation.arrived;
  renewal.release();
  // Its tokens are in the row now, which is being disconnected: nobody gets them.
  expect((await renewing).fault).toEqual({ kind: "gone", reason: "disconnected" });
  revocation.release();
  expect((await disconnecting).disconnected).toBe(true);
  expect(revocations(h).map(({ form }) => form?.token)).toEqual([
    h.answers[0]?.refresh_token,
    h.answers[0]?.access_token,
    h.answers[1]?.refresh_token,
    h.answers[1]?.access_token,
  ]);
  expect(await row(h, connection.id)).toBeUndefined();
});

test("G26 a flow that targets a connection being disconnected makes a new one", async () => {
  await using h = await watchedHouse();
  const connection = await h.link();
  const flow = await h.connector.providers.bank.connect({ owner, session, connection: connection.id });
  h.server.faults.next("status", { path: "/revoke", status: 503, times: 2 });
  await connection.disconnect();
  const again = await h.connector.complete(await h.server.consent(flow.url), { session });
  expect(again.id).not.toBe(connection.id);
  expect((await again.fetch("/api/me")).status).toBe(200);
  expect(await connection.status()).toMatchObject({ health: "ended", reason: "disconnected" });
  const refused = h.connector.providers.bank.connect({ owner, session, connection: connection.id });
  expect((await h.refused(refused)).fault).toEqual({ kind: "gone", reason: "unknown" });
});

test("G73 the provider's own way: with a live token of the connection, and its failures told", async () => {
  let answer: () => Promise<readonly Revocation[]> = async () => [];
  const seen: ConnectionContext[] = [];
  await using h = await watchedHouse({
    bank: {
      disconnect: async (context) => {
        seen.push(context);
        await context.call("/api/me");
        return answer();
      },
    },
  });
  const [first, second, third] = [await h.link(), await h.link(), await h.link()];
  await h.clock.advance(301_000);
  answer = async () => [{ what: "consent", result: "revoked" }];
  expect(await first?.disconnect()).toEqual({
    disconnected: true,
    revocations: [{ what: "consent", result: "revoked" }],
  });
  // Its access token had expired: it was renewed in order to let go, and in order to nothing else.
  expect(h.tokenRequests()).toBe(1);
  expect(h.server.journal.last({ path: "/api/me" })?.status).toBe(200);
  expect(seen[0]?.connection).toMatchObject({ id: first?.id, owner });
  expect(revocations(h)).toEqual([]);

  answer = async () => {
    throw new TypeError("fetch failed");
  };
  expect(await second?.disconnect()).toEqual({
    disconnected: false,
    revocations: [{ what: "grant", result: "failed" }],
  });
  answer = async () => {
    throw new ConnectorError({ kind: "gone", reason: "unknown" }, "no such consent");
  };
  expect(await second?.disconnect()).toEqual({
    disconnected: true,
    revocations: [{ what: "grant", result: "already_gone" }],
  });

  h.server.revokeGrants();
  expect(await third?.disconnect()).toEqual({
    disconnected: true,
    revocations: [{ what: "grant", result: "already_gone" }],
  });
});

test("G73 who fails beside another that has let go of it says that it is gone", async () => {
  await using h = await watchedHouse();
  const { id } = await h.link();
  const here = await h.connector.connection(id, { owner });
  const there = await h.application().connection(id, { owner });
  const latch = h.server.faults.next("latch", { path: "/revoke" });
  const first = here.disconnect();
  await latch.arrived;
  expect(await there.disconnect()).toMatchObject({ disconnected: true });
  h.server.faults.always("status", { path: "/revoke", status: 503 });
  latch.release();
  expect(await first).toMatchObject({ disconnected: true, revocations: [{}, { result: "failed" }] });
  expect(await row(h, id)).toBeUndefined();
});
