import { type Connection, memoryStore } from "@linkwright/core";
import { virtualClock } from "@linkwright/testing";
import { expect, test } from "vitest";
import { faultOf, house, shared } from "./support/house.ts";

/** Access tokens for one resource, or for less than all of the scope, beside the connection's own (RFC 8707; RFC 6749, section 6). */

const accounts = "https://accounts.bank.example/";
const payments = "https://payments.bank.example/";
const resources = { bank: { accessToken: { type: "Bearer", resourceIndicators: true } } } as const;

type House = Awaited<ReturnType<typeof house>>;

const asked = (h: House) =>
  h.server.journal
    .filter({ path: "/token", grantType: "refresh_token" })
    .map(({ form }) => ({ resource: form?.resource, scope: form?.scope }));

const generation = async (h: House, { id }: Connection): Promise<number> =>
  JSON.parse((await h.store.read(`connection:${id}`))?.value ?? "{}").generation;

test("G10 C23 each resource and each set of scopes has a token of its own, asked for once", async () => {
  await using h = await house(resources);
  const connection = await h.link();
  const audiences = [
    undefined,
    { resource: accounts },
    { resource: payments },
    { scope: ["read"] },
    { resource: accounts, scope: ["read"] },
  ];
  const first = await Promise.all(audiences.map((audience) => connection.accessToken(audience)));
  expect(new Set(first).size).toBe(audiences.length);
  const again = await Promise.all(audiences.map((audience) => connection.accessToken(audience)));
  expect(again).toEqual(first);
  expect(asked(h)).toHaveLength(audiences.length - 1);
  expect(asked(h)).toEqual(
    expect.arrayContaining([
      { resource: accounts, scope: undefined },
      { resource: payments, scope: undefined },
      { resource: undefined, scope: "read" },
      { resource: accounts, scope: "read" },
    ]),
  );
  expect(h.server.counters.reuses).toBe(0);
});

test("G10 the order of scopes, and saying one twice, makes no other token", async () => {
  const grants = {
    authorizationCode: { redirectUri: "https://app.example/callback", pkce: "S256", scope: ["read", "write"] },
  } as const;
  await using h = await house({ bank: { ...resources.bank, grants } });
  const connection = await h.link();
  const token = await connection.accessToken({ scope: ["read", "write"] });
  expect(await connection.accessToken({ scope: ["write", "read", "read"] })).toBe(token);
  expect(asked(h)).toHaveLength(1);
});

test("G02 G10 two processes share the tokens of every audience, and never present one refresh token twice", async () => {
  const clock = virtualClock();
  const store = shared(memoryStore({ clock }));
  await using h = await house({ ...resources, clock, store });
  const a = await h.link();
  const b = await h.application().connection(a.id, { owner: "user_1" });
  for (let expiry = 0; expiry < 5; expiry++) {
    const calls = [a, b].flatMap((process) =>
      [undefined, { resource: accounts }, { resource: payments }].map((audience) => process.accessToken(audience)),
    );
    const [main, mine, pay, ...theirs] = await Promise.all(calls);
    expect(theirs).toEqual([main, mine, pay]);
    expect(new Set([main, mine, pay]).size).toBe(3);
    await clock.advance(301_000);
  }
  // The first default token came with the code.
  expect(asked(h)).toHaveLength(14);
  expect(h.server.counters.reuses).toBe(0);
});

test("G14 a token of one audience that is renewed leaves the others as they are", async () => {
  await using h = await house(resources);
  const connection = await h.link();
  const main = await connection.accessToken();
  await connection.accessToken({ resource: accounts });
  expect(await generation(h, connection)).toBe(2);
  expect(await connection.accessToken()).toBe(main);
  // The API refuses the default one: it is renewed, although the row is past the generation that it came with.
  h.server.faults.next("answer", { path: "/api/me", status: 401, body: {} });
  expect((await connection.fetch("/api/me")).status).toBe(200);
  expect(asked(h)).toEqual([
    { resource: accounts, scope: undefined },
    { resource: undefined, scope: undefined },
  ]);
  expect(await connection.accessToken()).not.toBe(main);
});

test("G10 after a restart the tokens of every audience are in the store, sealed", async () => {
  await using h = await house(resources);
  const connection = await h.link();
  const tokens = [
    await connection.accessToken(),
    await connection.accessToken({ resource: accounts }),
    await connection.accessToken({ scope: ["read"] }),
  ];
  const later = await h.application().connection(connection.id, { owner: "user_1" });
  expect([
    await later.accessToken(),
    await later.accessToken({ resource: accounts }),
    await later.accessToken({ scope: ["read"] }),
  ]).toEqual(tokens);
  const record = (await h.store.read(`connection:${connection.id}`))?.value ?? "";
  for (const token of tokens) expect(record).not.toContain(token);
});

test("G10 a token of an audience that has expired leaves the record with the next renewal", async () => {
  await using h = await house(resources);
  const connection = await h.link();
  await connection.accessToken({ resource: accounts });
  await h.clock.advance(301_000);
  await connection.accessToken();
  const row = JSON.parse((await h.store.read(`connection:${connection.id}`))?.value ?? "{}");
  expect(row.others).toBeUndefined();
});

test("G73 disconnecting revokes the token of every audience", async () => {
  await using h = await house(resources);
  const connection = await h.link();
  const tokens = [await connection.accessToken(), await connection.accessToken({ resource: accounts })];
  const { revocations } = await connection.disconnect();
  expect(revocations.map(({ what, result }) => [what, result])).toEqual([
    ["refresh_token", "revoked"],
    ["access_token", "revoked"],
    ["access_token", "revoked"],
  ]);
  const revoked = h.server.journal.filter({ path: "/revoke" }).map(({ form }) => form?.token);
  expect(revoked.slice(1)).toEqual(tokens);
});

test("the application as a whole is one, and one of less scope is another", async () => {
  await using h = await house();
  const { bank } = h.connector.providers;
  expect(bank.app()).toBe(bank.app());
  expect(await bank.app().accessToken()).toBe(await bank.app().accessToken());
  expect(await bank.app({ scope: ["read"] }).accessToken()).not.toBe(await bank.app().accessToken());
  expect(h.server.journal.count({ path: "/token", grantType: "client_credentials" })).toBe(2);
});

test("C22 what an audience was granted is not taken for what the connection was", async () => {
  await using h = await house(resources);
  const connection = await h.link();
  const before = (await connection.status()).scope;
  h.server.faults.next("answer", {
    path: "/token",
    status: 200,
    body: { access_token: "narrow", token_type: "Bearer", expires_in: 300, scope: "less" },
  });
  expect(await connection.accessToken({ scope: ["less"] })).toBe("narrow");
  expect((await connection.status()).scope).toEqual(before);
});

test("G74 an end declared elsewhere ends the tokens of every audience", async () => {
  await using h = await house(resources);
  const connection = await h.link();
  await connection.accessToken({ resource: accounts });
  await h.connector.markEnded(connection.id, { owner: "user_1" });
  for (const audience of [undefined, { resource: accounts }])
    expect(await faultOf(connection.accessToken(audience))).toMatchObject({
      kind: "reauthorize",
      reason: "consent_ended",
    });
});

test("G10 C23 the application's own tokens are kept apart by resource", async () => {
  await using h = await house(resources);
  const app = h.connector.providers.bank.app();
  const tokens = [await app.accessToken(), await app.accessToken({ resource: accounts })];
  expect([await app.accessToken(), await app.accessToken({ resource: accounts })]).toEqual(tokens);
  expect(new Set(tokens).size).toBe(2);
  const forms = h.server.journal.filter({ path: "/token", grantType: "client_credentials" }).map(({ form }) => form);
  expect(forms.map((form) => form?.resource)).toEqual([undefined, accounts]);
});

test.for(["not a URI", "/accounts", `${accounts}#part`])(
  "C23 the resource %j is refused before anything is sent",
  async (resource) => {
    await using h = await house(resources);
    const connection = await h.link();
    expect(await faultOf(connection.accessToken({ resource }))).toMatchObject({ kind: "configuration" });
    expect(asked(h)).toEqual([]);
  },
);

test("C23 a resource is refused where the provider is not declared to know any", async () => {
  await using h = await house();
  const connection = await h.link();
  expect(await faultOf(connection.accessToken({ resource: accounts }))).toMatchObject({
    kind: "configuration",
    message: expect.stringContaining("RFC 8707"),
  });
});

test("C23 an empty resource is refused, and not answered with a token for everything", async () => {
  await using h = await house(resources);
  const connection = await h.link();
  expect(await faultOf(connection.accessToken({ resource: "" }))).toMatchObject({ kind: "configuration" });
  expect(asked(h)).toEqual([]);
});
