import { expect, test } from "vitest";
import { session } from "./support/house.ts";
import { watchedHouse } from "./support/watched.ts";

const owner = "user_1";
type Watched = Awaited<ReturnType<typeof watchedHouse>>;
const begin = (h: Watched, more: object = {}) =>
  h.connector.providers.bank.connect({
    owner,
    session,
    scope: ["read", "write"],
    requiredScope: ["write"],
    ...more,
  });
const revoked = (h: Watched) => h.server.journal.filter({ path: "/revoke" }).map(({ form }) => form?.token_type_hint);
const narrow = { kind: "flow", reason: "scope" };

test("C22 a required scope that the user left out fails the connect: what came is revoked, and nothing stays", async () => {
  await using h = await watchedHouse();
  const flow = await begin(h);
  const callback = await h.server.consent(flow.url, { scopes: ["read"] });
  const error = await h.refused(h.connector.complete(callback, { session }));
  expect(error.fault).toEqual(narrow);
  expect(error.message).toContain("what is required: write.");
  expect(error.details).toEqual({ registration: "bank", provider: "bank" });
  expect(await h.list()).toEqual([]);
  expect(revoked(h)).toEqual(["refresh_token", "access_token"]);
  expect(h.told("connection.connected")).toBe(0);
  expect((await h.refused(h.connector.complete(callback, { session }))).fault).toMatchObject({ reason: "used" });
});

test("C22 what is not required may be left out, and is told", async () => {
  await using h = await watchedHouse();
  const flow = await begin(h, { requiredScope: ["read"] });
  const connection = await h.connector.complete(await h.server.consent(flow.url, { scopes: ["read"] }), { session });
  expect((await connection.status()).scope).toEqual({
    requested: ["read", "write"],
    granted: ["read"],
    missing: ["write"],
  });
  expect(revoked(h)).toEqual([]);
});

test("C22 an answer that names no scope grants what was asked for", async () => {
  await using h = await watchedHouse();
  h.server.faults.next("rewrite", {
    grantType: "authorization_code",
    rewrite: ({ scope: _none, ...answer }) => answer,
  });
  const flow = await begin(h);
  const connection = await h.connector.complete(await h.server.consent(flow.url), { session });
  expect((await connection.status()).scope).toEqual({ requested: ["read", "write"], granted: undefined, missing: [] });
});

test("C22 G59 connecting again without the required scope leaves the old grant as it was, and revokes nothing", async () => {
  await using h = await watchedHouse();
  const connection = await h.link();
  const before = await h.store.read(`connection:${connection.id}`);
  const flow = await begin(h, { connection: connection.id });
  const callback = await h.server.consent(flow.url, { scopes: ["read"] });
  expect((await h.refused(h.connector.complete(callback, { session }))).fault).toEqual(narrow);
  expect(await h.store.read(`connection:${connection.id}`)).toEqual(before);
  expect(revoked(h)).toEqual([]);
  await h.clock.advance(301_000);
  expect((await connection.fetch("/api/me")).status).toBe(200);
  expect(await h.list()).toHaveLength(1);
});

test("C22 what is required must be asked for", async () => {
  await using h = await watchedHouse();
  const error = await h.refused(begin(h, { requiredScope: ["write", "delete\u001b[31m"] }));
  expect(error.fault).toEqual({ kind: "configuration" });
  expect(error.message).toBe('connect: requiredScope has "delete [31m", which scope does not ask for');
  expect((await h.store.list({ prefix: "flow:", limit: 1 })).items).toEqual([]);
});

test("C22 the adapter's own reading of the granted scope counts", async () => {
  await using h = await watchedHouse({ bank: { connect: { granted: () => ({ scope: ["read"] }) } } });
  const callback = await h.server.consent((await begin(h)).url);
  expect((await h.refused(h.connector.complete(callback, { session }))).fault).toEqual(narrow);
});

test("G62 an adapter that cannot read the answer lets go of what came", async () => {
  const { ConnectorError } = await import("@linkwright/core");
  await using h = await watchedHouse({
    bank: {
      connect: {
        granted: () => {
          throw new ConnectorError({ kind: "protocol" }, "no account in it");
        },
      },
    },
  });
  const flow = await h.connector.providers.bank.connect({ owner, session });
  const callback = await h.server.consent(flow.url);
  expect((await h.refused(h.connector.complete(callback, { session }))).fault).toEqual({ kind: "protocol" });
  expect(revoked(h)).toEqual(["refresh_token", "access_token"]);
  expect(await h.list()).toEqual([]);
});
