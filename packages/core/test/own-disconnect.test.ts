import { ConnectorError, type DisconnectContext, memoryStore, type Revocation } from "@linkwright/core";
import { virtualClock } from "@linkwright/testing";
import { expect, test } from "vitest";
import { passing, patient, session, settled, shared } from "./support/house.ts";
import { watchedHouse } from "./support/watched.ts";

/** A provider's own way to let go that goes on to RFC 7009: `context.revoke`. */

const owner = "user_1";
type Watched = Awaited<ReturnType<typeof watchedHouse>>;
const revoked = (h: Watched) => h.server.journal.filter({ path: "/revoke" }).map(({ form }) => form?.token);

async function deleteAndRevoke(context: DisconnectContext): Promise<readonly Revocation[]> {
  await context.call("/api/consent", { method: "DELETE" });
  return [{ what: "consent", result: "revoked" }, ...(await context.revoke())];
}

const whole = [
  { what: "consent", result: "revoked" },
  { what: "refresh_token", result: "revoked" },
  { what: "access_token", result: "revoked" },
];

test("G73 a provider's own way ends with RFC 7009, of the tokens that its calls renewed", async () => {
  await using h = await watchedHouse({ bank: { disconnect: deleteAndRevoke } });
  h.server.faults.always("answer", { path: "/api/consent", method: "DELETE", status: 204, body: undefined });
  const connection = await h.link();
  await h.clock.advance(301_000); // the call has to renew first
  expect(await connection.disconnect()).toEqual({ disconnected: true, revocations: whole });
  const [renewal] = h.server.journal.filter({ path: "/token", grantType: "refresh_token" });
  const [refreshToken, accessToken] = revoked(h);
  expect(refreshToken).not.toBe(renewal?.form?.refresh_token);
  expect(h.server.journal.last({ path: "/api/consent" })?.headers.authorization).toBe(`Bearer ${accessToken}`);
  expect(await h.store.read(`connection:${connection.id}`)).toBeUndefined();
});

test("G73 where the revocation fails, all of it is tried again", async () => {
  await using h = await watchedHouse({ bank: { disconnect: deleteAndRevoke } });
  h.server.faults.always("answer", { path: "/api/consent", method: "DELETE", status: 204, body: undefined });
  const connection = await h.link();
  h.server.faults.next("status", { path: "/revoke", status: 503 });
  expect(await connection.disconnect()).toEqual({
    disconnected: false,
    revocations: [whole[0], { what: "refresh_token", result: "failed" }, whole[2]],
  });
  expect(await connection.disconnect()).toEqual({ disconnected: true, revocations: whole });
});

test("G26 a renewal that lands while a provider's own way revokes: the new tokens are revoked too", async () => {
  await using h = await watchedHouse({ bank: { disconnect: ({ revoke }) => revoke() } });
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
  expect((await renewing).fault).toEqual({ kind: "gone", reason: "disconnected" });
  revocation.release();
  expect(await disconnecting).toEqual({ disconnected: true, revocations: whole.slice(1) });
  expect(new Set(revoked(h)).size).toBe(4);
});

test("G04 G73 who lets go waits for the renewal that another process has under way, and presents nothing beside it", async () => {
  const clock = virtualClock();
  const store = shared(memoryStore({ clock }));
  await using h = await watchedHouse({ clock, store, timing: patient, bank: { disconnect: deleteAndRevoke } });
  h.server.faults.always("answer", { path: "/api/consent", method: "DELETE", status: 204, body: undefined });
  const connection = await h.link();
  const elsewhere = await h.application().connection(connection.id, { owner });
  await clock.advance(301_000);
  const renewal = h.server.faults.next("latch", { grantType: "refresh_token", handled: true });
  const renewing = h.refused(connection.accessToken());
  await renewal.arrived;
  const disconnecting = elsewhere.disconnect();
  for (let step = 0; step < 40; step++) {
    await clock.advance(250);
    await settled();
  }
  expect(h.tokenRequests()).toBe(1);
  renewal.release();
  expect((await passing(clock, renewing)).fault).toEqual({ kind: "gone", reason: "disconnected" });
  expect(await passing(clock, disconnecting)).toEqual({ disconnected: true, revocations: whole });
  expect([h.tokenRequests(), h.server.counters.reuses]).toEqual([1, 0]);
});

test("G73 without a revocation endpoint it tells that nothing was revoked", async () => {
  await using h = await watchedHouse();
  const { revocation_endpoint: _none, ...server } = h.server.endpoints;
  const application = h.application({ bank: { server, disconnect: ({ revoke }) => revoke() } });
  const connection = await h.link(owner, application);
  expect(await connection.disconnect()).toEqual({
    disconnected: true,
    revocations: [
      { what: "refresh_token", result: "unsupported" },
      { what: "access_token", result: "unsupported" },
    ],
  });
});

test("G26 G40 G73 of a grant that the adapter refuses the tokens are revoked, and the error says where", async () => {
  const granted = () => {
    throw new ConnectorError({ kind: "permission" }, "bank: not this one.");
  };
  await using h = await watchedHouse({ bank: { connect: { granted }, disconnect: ({ revoke }) => revoke() } });
  const flow = await h.connector.providers.bank.connect({ owner, session });
  const refused = h.connector.complete(await h.server.consent(flow.url), { session });
  expect(await h.refused(refused)).toMatchObject({
    fault: { kind: "permission" },
    details: { provider: "bank", registration: "bank" },
  });
  expect(h.server.journal.filter({ path: "/revoke" }).map(({ form }) => form?.token_type_hint)).toEqual([
    "refresh_token",
    "access_token",
  ]);
});

test("G73 a call that wants a token for using does not answer for one that lets go", async () => {
  const clock = virtualClock();
  const store = memoryStore({ clock });
  const held = { reached: Promise.withResolvers<void>(), gate: Promise.withResolvers<void>(), next: false };
  let using: Promise<ConnectorError> | undefined;
  await using h = await watchedHouse({
    clock,
    freshness: 0,
    store: {
      ...store,
      async read(name) {
        if (held.next) {
          held.next = false;
          held.reached.resolve();
          await held.gate.promise;
        }
        return store.read(name);
      },
    },
    bank: {
      async disconnect(context) {
        held.next = true;
        using = h.refused(connection.accessToken());
        await held.reached.promise;
        const called = deleteAndRevoke(context);
        held.gate.resolve();
        return called;
      },
    },
  });
  h.server.faults.always("answer", { path: "/api/consent", method: "DELETE", status: 204, body: undefined });
  const connection = await h.link();
  expect(await connection.disconnect()).toEqual({ disconnected: true, revocations: whole });
  expect((await using)?.fault).toEqual({ kind: "gone", reason: "disconnected" });
});
