import { inspect } from "node:util";
import { createConnector, keyring, memoryStore } from "@linkwright/core";
import { virtualClock } from "@linkwright/testing";
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from "jose";
import { expect, test } from "vitest";
import { tallyroom } from "../src/tallyroom.ts";
import { firstKey, newKey, tallyroomServer } from "./support/tallyroom-server.ts";

const owner = "user_42";
const minutes = (count: number) => count * 60_000;

async function house(key: () => string = () => firstKey.privateKey) {
  const clock = virtualClock();
  const server = await tallyroomServer(clock);
  const connector = createConnector({
    providers: { payroll: tallyroom({ clientId: "app-7", key }) },
    fetch: server.fetch,
    store: memoryStore({ clock }),
    concurrency: "one-process",
    keys: keyring([{ id: "test", key: new Uint8Array(32).fill(7) }]),
    clock,
  });
  const { payroll } = connector.providers;
  return {
    clock,
    server,
    payroll,
    link: (company = "company-north") => payroll.connectCompany({ owner, authorization: server.authorize(company) }),
    assertions: () => server.journal.filter({ path: "/token" }).map(({ form }) => form?.assertion ?? ""),
    async [Symbol.asyncDispose]() {
      await connector.close();
      await server.close();
    },
  };
}

test("a token request is an assertion by RFC 7523, signed with the application's key, and nothing else", async () => {
  await using h = await house();
  const authorization = h.server.authorize("company-north");
  const connection = await h.payroll.connectCompany({ owner, authorization });
  await h.clock.advance(minutes(11));
  await connection.accessToken();
  const requests = h.server.journal.filter({ path: "/token" }).map(({ form }) => form);
  const request = { grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", assertion: expect.any(String) };
  expect(requests).toEqual([request, request]);
  const [assertion = ""] = h.assertions();
  const { payload, protectedHeader } = await jwtVerify(assertion, createLocalJWKSet({ keys: [firstKey.publicKey] }));
  expect(protectedHeader).toEqual({ alg: "ES256", kid: "2026-11" });
  expect(payload).toEqual({
    iss: "app-7",
    sub: authorization,
    aud: "https://auth.tallyroom.example/token",
    jti: expect.any(String),
    iat: expect.any(Number),
    exp: (payload.iat ?? 0) + 60,
  });
  expect(await connection.status()).toMatchObject({ health: "healthy", account: "company-north" });
});

test("G52 a token serves for ten minutes; the next one has an assertion of its own, after a year, too", async () => {
  await using h = await house();
  const connection = await h.link();
  await h.clock.advance(minutes(9));
  expect((await connection.fetch("payslips")).status).toBe(200);
  expect(h.assertions()).toHaveLength(1);
  for (const later of [minutes(2), minutes(11), minutes(525_600)]) {
    await h.clock.advance(later);
    expect(await (await connection.fetch("payslips")).json()).toMatchObject({ sub: "company-north" });
  }
  expect(new Set(h.assertions()).size).toBe(4);
  expect((await connection.status()).health).toBe("healthy");
});

test("G01 callers that find the token expired share one assertion", async () => {
  await using h = await house();
  const connection = await h.link();
  await h.clock.advance(minutes(11));
  const tokens = await Promise.all(Array.from({ length: 50 }, () => connection.accessToken()));
  expect(new Set(tokens).size).toBe(1);
  expect(h.assertions()).toHaveLength(2);
});

test("G19 a lost answer is asked for again with another assertion, and costs nothing", async () => {
  await using h = await house();
  const connection = await h.link();
  await h.clock.advance(minutes(11));
  h.server.faults.next("lost-response", { path: "/token" });
  expect((await connection.fetch("payslips")).status).toBe(200);
  expect(new Set(h.assertions()).size).toBe(3);
  expect((await connection.status()).health).toBe("healthy");
});

test("G67 each company is a connection of its own", async () => {
  await using h = await house();
  const [north, south] = [await h.link("company-north"), await h.link("company-south")];
  await h.clock.advance(minutes(11));
  expect(await (await north.fetch("payslips")).json()).toMatchObject({ sub: "company-north" });
  expect(await (await south.fetch("payslips")).json()).toMatchObject({ sub: "company-south" });
});

test("the signing key changes while the application runs: the next assertion is signed with the new one", async () => {
  let key = firstKey.privateKey;
  await using h = await house(() => key);
  const connection = await h.link();
  const next = await newKey("2027-01");
  h.server.keys.push(next.publicKey);
  key = next.privateKey;
  h.server.keys.shift();
  await h.clock.advance(minutes(11));
  expect((await connection.fetch("payslips")).status).toBe(200);
  expect(h.assertions().map((assertion) => decodeProtectedHeader(assertion).kid)).toEqual(["2026-11", "2027-01"]);
});

test("G35 G40 a key that is not registered is the operator's affair, and no connection is marked", async () => {
  let key = firstKey.privateKey;
  await using h = await house(() => key);
  const connection = await h.link();
  key = (await newKey("2026-11")).privateKey; // by the same name
  await h.clock.advance(minutes(11));
  await expect(connection.fetch("payslips")).rejects.toMatchObject({
    fault: { kind: "configuration" },
    details: { provider: "tallyroom", registration: "payroll", connection: connection.id, code: "invalid_client" },
  });
  expect((await connection.status()).health).toBe("configuration");
  key = firstKey.privateKey;
  await h.clock.advance(minutes(1));
  expect((await connection.fetch("payslips")).status).toBe(200);
  expect((await connection.status()).health).toBe("healthy");
});

test.each([
  ["PEM", "-----BEGIN PRIVATE KEY-----\nc4n4ry"],
  ["a public key", JSON.stringify({ ...firstKey.publicKey, x: "c4n4ry" })],
  ["a key without a name", JSON.stringify({ ...JSON.parse(firstKey.privateKey), kid: undefined, x: "c4n4ry" })],
])("G70 %s in place of the key is named, and not shown", async (_what, key) => {
  await using h = await house(() => key);
  const error = await h.link().catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({
    fault: { kind: "configuration" },
    message: expect.stringContaining("tallyroom: key is no private JWK"),
  });
  expect(inspect(error)).not.toMatch(/c4n4ry|BEGIN/);
  expect(h.assertions()).toEqual([]);
});

test("a vault that cannot be asked passes by: nothing was sent", async () => {
  let locked = false;
  await using h = await house(() => {
    if (locked) throw new Error("sealed");
    return firstKey.privateKey;
  });
  const connection = await h.link();
  await h.clock.advance(minutes(11));
  locked = true;
  await expect(connection.accessToken()).rejects.toMatchObject({ fault: { kind: "retry" } });
  locked = false;
  await h.clock.advance(minutes(1));
  expect((await connection.fetch("payslips")).status).toBe(200);
  expect(h.assertions()).toHaveLength(2);
});

test("G70 an assertion that the server repeats is in no error, and neither is what it is signed for", async () => {
  await using h = await house();
  const authorization = h.server.authorize("company-north");
  const connection = await h.payroll.connectCompany({ owner, authorization });
  await h.clock.advance(minutes(11));
  h.server.faults.next("echo-secrets", { path: "/token" });
  const error = await connection.accessToken().catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ details: { provider: "tallyroom", connection: connection.id } });
  const shown = inspect(error, { depth: null }) + JSON.stringify(error);
  for (const secret of [authorization, ...h.assertions()]) expect(shown).not.toContain(secret);
});

test("G33 G40 an authorization that the company took back asks for another, which the connection keeps its id with", async () => {
  await using h = await house();
  const connection = await h.link();
  h.server.end("company-north");
  await h.clock.advance(minutes(11));
  await expect(connection.fetch("payslips")).rejects.toMatchObject({
    fault: { kind: "reauthorize" },
    details: { provider: "tallyroom", registration: "payroll", connection: connection.id, code: "invalid_grant" },
  });
  const authorization = h.server.authorize("company-north");
  const again = await h.payroll.connectCompany({ owner, authorization, connection: connection.id });
  expect(again.id).toBe(connection.id);
  await h.clock.advance(minutes(11));
  expect((await connection.fetch("payslips")).status).toBe(200);
});

test("G73 disconnecting takes the authorization back; one that is over is said to be", async () => {
  await using h = await house();
  const [north, south] = [await h.link("company-north"), await h.link("company-south")];
  expect(await north.disconnect()).toEqual({
    disconnected: true,
    revocations: [{ what: "authorization", result: "revoked" }],
  });
  await h.clock.advance(minutes(11));
  expect((await south.fetch("payslips")).status).toBe(200);
  h.server.end("company-south");
  await h.clock.advance(minutes(11));
  expect(await south.disconnect()).toEqual({
    disconnected: true,
    revocations: [{ what: "authorization", result: "already_gone" }],
  });
});
