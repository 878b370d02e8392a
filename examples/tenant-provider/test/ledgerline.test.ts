import { type Connection, createConnector, keyring, memoryStore, type Store } from "@linkwright/core";
import { virtualClock } from "@linkwright/testing";
import { expect, test } from "vitest";
import { ledgerlineServer, provider } from "./support/ledgerline-server.ts";

const owner = "user_42";
const session = "an-unguessable-session-value";
const day = 86_400_000;

async function house() {
  const clock = virtualClock();
  const server = await ledgerlineServer(clock);
  const store: Store = memoryStore({ clock });
  const connector = createConnector({
    providers: { books: provider },
    fetch: server.fetch,
    store,
    concurrency: "one-process",
    keys: keyring([{ id: "test", key: new Uint8Array(32).fill(7) }]),
    clock,
  });
  return {
    clock,
    server,
    connector,
    async link(request: Partial<Parameters<typeof connector.providers.books.connect>[0]> = {}): Promise<Connection> {
      const flow = await connector.providers.books.connect({ owner, session, ...request });
      return connector.complete(await server.consent(flow.url), { session });
    },
    renewals: () => server.journal.count({ path: "/token", grantType: "refresh_token" }),
    async [Symbol.asyncDispose]() {
      await connector.close();
      await server.close();
    },
  };
}

test("the list of tenants is asked for with the new access token, and the newest is the connection's account", async () => {
  await using h = await house();
  const connection = await h.link();
  const asked = h.server.journal.last({ path: "/connections" });
  expect(asked?.headers.authorization).toBe(`Bearer ${await connection.accessToken()}`);
  expect(await connection.status()).toMatchObject({
    health: "healthy",
    account: "tenant-south",
    data: { access: "access-2", tenantName: "South Bakery" },
  });
});

test("G67 each connection of a user is to the tenant that was asked for, and its calls say which", async () => {
  await using h = await house();
  const [south, north] = [await h.link({ tenant: "tenant-south" }), await h.link({ tenant: "tenant-north" })];
  expect(north.id).not.toBe(south.id);
  for (const [connection, books, tenant] of [
    [south, "South Bakery", "tenant-south"],
    [north, "North Bakery", "tenant-north"],
  ] as const) {
    expect(await (await connection.fetch("invoices")).json()).toEqual({ books });
    expect(h.server.journal.last({ path: "/v2/invoices" })?.headers["ledgerline-tenant"]).toBe(tenant);
  }
});

test("a call cannot name another tenant than its connection's", async () => {
  await using h = await house();
  const north = await h.link({ tenant: "tenant-north" });
  const response = await north.fetch("invoices", { headers: { "Ledgerline-Tenant": "tenant-south" } });
  expect(await response.json()).toEqual({ books: "North Bakery" });
});

test("G59 connecting again to the same tenant keeps the connection; to another makes one of its own", async () => {
  await using h = await house();
  const north = await h.link({ tenant: "tenant-north" });
  expect((await h.link({ tenant: "tenant-north", connection: north.id })).id).toBe(north.id);
  expect((await h.link({ tenant: "tenant-south", connection: north.id })).id).not.toBe(north.id);
});

test("G40 a tenant that the user did not open is refused, where it happened is told, and the tokens are revoked", async () => {
  await using h = await house();
  await expect(h.link({ tenant: "tenant-west" })).rejects.toMatchObject({
    fault: { kind: "permission" },
    message: 'ledgerline: the user did not open that tenant. (registration "books")',
    details: { provider: "ledgerline", registration: "books" },
  });
  expect(h.server.journal.filter({ path: "/revoke" }).map(({ form }) => form?.token_type_hint)).toEqual([
    "refresh_token",
    "access_token",
  ]);
});

test.each([
  ["a refusal", { status: 403, body: [] }, "protocol"],
  ["no list", { status: 200, body: { tenants: [] } }, "protocol"],
  ["no JSON", { status: 200, body: "<p>" }, "protocol"],
  ["an empty list", { status: 200, body: [] }, "permission"],
  ["an outage", { status: 503, body: {} }, "retry"],
])("%s in place of the tenants makes no connection", async (_what, answer, kind) => {
  await using h = await house();
  h.server.faults.next("answer", { path: "/connections", ...answer });
  await expect(h.link()).rejects.toMatchObject({ fault: { kind }, details: { provider: "ledgerline" } });
  for await (const { id } of h.connector.connections({ owner })) expect.unreachable(id);
});

test("whatever scope is asked for, a refresh token is asked for with it", async () => {
  await using h = await house();
  const connection = await h.link({ scope: ["books.write"] });
  expect((await connection.status()).scope.granted).toEqual(["books.write", "offline_access"]);
  await h.clock.advance(1_801_000);
  expect((await connection.fetch("invoices")).status).toBe(200);
});

test("C24 each refresh token is presented once, and the tenant stays", async () => {
  await using h = await house();
  const connection = await h.link({ tenant: "tenant-north" });
  for (let renewal = 1; renewal <= 3; renewal++) {
    await h.clock.advance(1_801_000);
    expect(await (await connection.fetch("invoices")).json()).toEqual({ books: "North Bakery" });
    expect(h.renewals()).toBe(renewal);
  }
  const presented = h.server.journal.filter({ grantType: "refresh_token" }).map(({ form }) => form?.refresh_token);
  expect(new Set(presented).size).toBe(3);
  expect(h.server.counters.reuses).toBe(0);
  expect(h.server.journal.count({ path: "/connections" })).toBe(1); // asked when connecting alone
});

test("G57 maintenance keeps a connection alive that lies unused for a year, by a renewal in less than every 60 days", async () => {
  await using h = await house();
  const connection = await h.link();
  for (let passed = 0; passed < 365; passed++) {
    await h.clock.advance(day);
    await h.connector.maintain();
  }
  expect(h.renewals()).toBeGreaterThanOrEqual(6);
  expect(h.renewals()).toBeLessThanOrEqual(12);
  expect((await connection.fetch("invoices")).status).toBe(200);
});

test("without maintenance the refresh token dies after 60 days, and the reason is told", async () => {
  await using h = await house();
  const connection = await h.link();
  await h.clock.advance(61 * day);
  await expect(connection.fetch("invoices")).rejects.toMatchObject({
    fault: { kind: "reauthorize", reason: "idle_timeout" },
    details: { provider: "ledgerline", registration: "books", connection: connection.id },
  });
});

test("G74 a tenant that took the application out ends its connection, and no other", async () => {
  await using h = await house();
  const [south, north] = [await h.link({ tenant: "tenant-south" }), await h.link({ tenant: "tenant-north" })];
  h.server.tenants.shift();
  expect((await south.fetch("invoices")).status).toBe(403);
  expect(await south.status()).toMatchObject({ health: "ended", reason: "consent_ended" });
  expect((await north.fetch("invoices")).status).toBe(200);
});

test("G73 disconnecting takes the application out of the tenant, then revokes the tokens", async () => {
  await using h = await house();
  const connection = await h.link({ tenant: "tenant-north" });
  h.server.faults.next("status", { path: "/connections/access-1", status: 503 });
  expect(await connection.disconnect()).toEqual({
    disconnected: false,
    revocations: [{ what: "tenant", result: "failed" }],
  });
  expect(h.server.journal.count({ path: "/revoke" })).toBe(0); // its token is needed still
  expect(await connection.disconnect()).toEqual({
    disconnected: true,
    revocations: [
      { what: "tenant", result: "revoked" },
      { what: "refresh_token", result: "revoked" },
      { what: "access_token", result: "revoked" },
    ],
  });
  expect(h.server.tenants.map(({ tenantId }) => tenantId)).toEqual(["tenant-south"]);
});

test("G73 a tenant that is gone already is said to be, and the tokens are revoked all the same", async () => {
  await using h = await house();
  const connection = await h.link({ tenant: "tenant-north" });
  h.server.tenants.length = 0;
  expect(await connection.disconnect()).toMatchObject({
    disconnected: true,
    revocations: [{ what: "tenant", result: "already_gone" }, { result: "revoked" }, { result: "revoked" }],
  });
});

test("a grant that is imported needs the tenant's id", async () => {
  await using h = await house();
  const refreshToken = h.server.issue().refresh_token ?? "";
  await h.link(); // somebody opened the tenants
  const without = await h.connector.providers.books.import({ owner, refreshToken });
  await expect(without.fetch("invoices")).rejects.toMatchObject({
    fault: { kind: "configuration" },
    details: { provider: "ledgerline", connection: without.id },
  });
  const account = "tenant-north";
  const imported = await h.connector.providers.books.import({ owner, refreshToken, account });
  expect(await (await imported.fetch("invoices")).json()).toEqual({ books: "North Bakery" });
});
