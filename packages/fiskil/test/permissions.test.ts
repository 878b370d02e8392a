import { expect, test } from "vitest";
import { failure } from "./adapter.ts";
import { house, session } from "./house.ts";

const permissions = ["accounts", "transactions"];
const wish = { owner: "user_42", session, endUser: {}, permissions };

/** The user agrees, to accounts alone. */
async function agreeToAccounts(it: Awaited<ReturnType<typeof house>>, url: string): Promise<string> {
  const callback = await it.sim.consent(url);
  for (const consent of it.sim.consents.values()) Object.assign(consent, { permissions: ["accounts"] });
  return callback;
}

async function connections(it: Awaited<ReturnType<typeof house>>) {
  const found = [];
  for await (const connection of it.connector.connections({ owner: "user_42" })) found.push(connection);
  return found;
}

test("C22 permissions that the user left out are told as missing", async () => {
  await using it = await house();
  const flow = await it.handle.connect(wish);
  const callback = await agreeToAccounts(it, flow.url);
  const connection = await it.connector.complete(callback, { session });
  expect((await connection.status()).scope).toEqual({
    requested: permissions,
    granted: ["accounts"],
    missing: ["transactions"],
  });
});

test("C22 a required permission that was left out fails the connect: the consent is revoked, and nothing stays", async () => {
  await using it = await house();
  const flow = await it.handle.connect({ ...wish, requiredScope: ["transactions"] });
  const callback = await agreeToAccounts(it, flow.url);
  const error = await failure(() => it.connector.complete(callback, { session }));
  expect(error.fault).toEqual({ kind: "flow", reason: "scope" });
  expect(error.message).toContain("transactions");
  expect([...it.sim.consents.values()].map(({ active }) => active)).toEqual([false]);
  expect(await connections(it)).toEqual([]);
});

test("C22 so it is where the consent is listed later: the connection ends, saying why, and the consent is revoked", async () => {
  await using it = await house({ simulator: { switches: { consentListedAfter: 30_000 } } });
  const flow = await it.handle.connect({ ...wish, requiredScope: ["transactions"] });
  const callback = await agreeToAccounts(it, flow.url);
  const connection = await it.connector.complete(callback, { session });
  expect((await connection.status()).health).toBe("pending");
  const told: unknown[] = [];
  it.connector.on("connection.ended", ({ reason }) => told.push(reason));
  await it.clock.advance(31_000);
  await it.connector.maintain();
  expect(await connection.status()).toMatchObject({
    health: "ended",
    reason: "scope",
    scope: { granted: ["accounts"], missing: ["transactions"] },
  });
  expect(told).toEqual(["scope"]);
  expect((await failure(() => connection.accessToken())).fault).toEqual({ kind: "reauthorize", reason: "scope" });
  expect([...it.sim.consents.values()].map(({ active }) => active)).toEqual([false]);
  expect((await connection.disconnect()).disconnected).toBe(true);
});

test("C22 where all that is required was granted, the rest may be left out", async () => {
  await using it = await house();
  const flow = await it.handle.connect({ ...wish, requiredScope: ["accounts"] });
  const connection = await it.connector.complete(await agreeToAccounts(it, flow.url), { session });
  expect(await connection.status()).toMatchObject({ health: "healthy", scope: { missing: ["transactions"] } });
});

test("C22 what is required must be asked for, and cannot be while connecting again", async () => {
  await using it = await house();
  const unasked = await failure(() => it.handle.connect({ ...wish, requiredScope: ["payees"] }));
  expect(unasked.message).toContain('requiredScope has "payees", which scope does not ask for');
  const connection = await it.connect();
  const again = { owner: "user_42", session, connection: connection.id, permissions, requiredScope: ["accounts"] };
  const refused = await failure(() => it.handle.connect(again));
  expect(refused.fault).toEqual({ kind: "configuration" });
  expect(refused.message).toContain("does not go with connecting again");
  expect((await connection.status()).health).toBe("healthy");
});
