import { join } from "node:path";
import { memoryStore } from "@linkwright/core";
import { sqliteStore } from "@linkwright/store-sqlite";
import { expect, test } from "vitest";
import { ring } from "../src/keys.ts";
import { handOver, move } from "../src/move-grants.ts";
import { countEvents, start } from "../src/operate.ts";
import { handedOver, nothingAhead } from "../src/serverless.ts";
import { bringIn } from "../src/use.ts";
import { house, visitor } from "./support/house.ts";

/** Runs what the how-to pages show, against the simulators. */

const owner = visitor.userId;

async function link({ connector, flinks }: Awaited<ReturnType<typeof house>>) {
  const session = visitor.sessionId;
  const flow = await connector.providers.flinks.connect({ owner, session, providerId: 1000 });
  return connector.complete(await flinks.consent(flow.url), { session });
}

test("operate: it listens once it is ready, and counts what happens", async () => {
  await using h = await house();
  let listening = false;
  await start(h.connector, async () => {
    listening = true;
  });
  expect(listening).toBe(true);
  const counts: string[] = [];
  countEvents(h.connector, { count: (name, labels) => counts.push(`${name} ${JSON.stringify(labels)}`) });
  const connection = await link(h);
  await h.clock.advance(400_000);
  await connection.accessToken();
  h.flinks.switches.upstreamExpired = { status: 400, error: "invalid_grant" };
  await h.clock.advance(400_000);
  await expect(connection.accessToken()).rejects.toThrow();
  expect(counts).toEqual([
    'linkwright.protocol.warning {"registration":"flinks"}', // Flinks knows no PKCE
    'linkwright.connection.renewed {"registration":"flinks"}',
    'linkwright.connection.reauthorization_required {"registration":"flinks","reason":"revoked"}',
  ]);
});

test("operate: it does not listen where the store does not answer", async () => {
  await using h = await house();
  await h.connector.close();
  let listening = false;
  const started = start(h.connector, async () => {
    listening = true;
  });
  await expect(started).rejects.toMatchObject({ fault: { kind: "store" } });
  expect(listening).toBe(false);
});

test("serverless: both ways make a connector", async () => {
  const settings = {
    clientId: "dc-demo0001",
    clientSecret: "s3cr3t",
    redirectUri: "https://app.example/callback",
  };
  const store = Object.assign(memoryStore(), { reach: "cluster" as const });
  const keys = ring(async () => new Uint8Array(32).fill(7));
  for (const make of [handedOver, nothingAhead]) {
    const connector = make({ settings, store, keys, waitUntil: () => {} });
    await connector.ready();
  }
});

test("move grants: one that was handed out is not used here again, and another house takes it in", async () => {
  await using h = await house();
  const { id } = await link(h);
  let handed: { account: string | undefined; refreshToken: string } | undefined;
  await handOver(h.connector, id, owner, async (grant) => {
    handed = grant;
  });
  const ended = await h.connector.connection(id, { owner });
  expect((await ended.status()).health).toBe("ended");
  expect(h.flinks.journal.count({ grantType: "refresh_token" })).toBe(0);

  const before = h.flinks.journal.entries.length;
  const taken = await bringIn(h.connector, {
    userId: "user_43",
    refreshToken: handed?.refreshToken ?? "",
    account: handed?.account ?? "",
  });
  expect(h.flinks.journal.entries.length).toBe(before); // importing asks nobody
  expect(await taken.accessToken()).toMatch(/./);
});

test("move grants: a connection goes to another store as it is, one of tokens and one of a consent", async () => {
  await using old = await house();
  const store = sqliteStore({ path: join(old.directory, "other.db"), clock: old.clock });
  const other = old.start(old.keys, store);
  const session = visitor.sessionId;
  const flow = await old.connector.providers.fiskil.connect({ owner, session, endUser: { email: "user@example.com" } });
  const linked = [await link(old), await old.connector.complete(await old.fiskil.consent(flow.url), { session })];
  for (const { id, registration } of linked) {
    const { account, data, consentExpiresAt } = await (await old.connector.connection(id, { owner })).status();
    const moved = await other.connection(await move(old.connector, other, id, owner), { owner });
    expect(await moved.status()).toMatchObject({ health: "healthy", account, data, consentExpiresAt });
    expect(moved.registration).toBe(registration);
    expect((await (await old.connector.connection(id, { owner })).status()).health).toBe("ended");
  }
  const paths: Readonly<Record<string, string>> = { flinks: "/api/fdx/5/accounts", fiskil: "/v1/banking/accounts" };
  let answered = 0;
  for await (const connection of other.connections({ owner })) {
    expect((await connection.fetch(paths[connection.registration] ?? "")).status).toBe(200);
    answered++;
  }
  expect(answered).toBe(2);
  await other.close();
});

test("move grants: what holds no tokens is not handed over, and stays", async () => {
  await using h = await house();
  const session = visitor.sessionId;
  const flow = await h.connector.providers.fiskil.connect({ owner, session, endUser: { email: "user@example.com" } });
  const connection = await h.connector.complete(await h.fiskil.consent(flow.url), { session });
  await expect(handOver(h.connector, connection.id, owner, async () => {})).rejects.toThrow("no refresh token");
  expect((await connection.status()).health).toBe("healthy");
});
