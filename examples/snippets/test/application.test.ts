import { ConnectorError, type Fault } from "@linkwright/core";
import { sqliteStore } from "@linkwright/store-sqlite";
import { signFiskilWebhook, simulateFlinks } from "@linkwright/testing";
import { afterEach, expect, test, vi } from "vitest";
import type { AppConnector } from "../src/connector.ts";
import { adviceOn, attempted } from "../src/errors.ts";
import { giveUp, newKey, reseal, ring, unsealed } from "../src/keys.ts";
import { startSweeping, sweep, watch } from "../src/maintenance.ts";
import { openStores } from "../src/stores.ts";
import { bringIn, countBanks, overview, readAccounts, tokenFor } from "../src/use.ts";
import { connectBank, disconnectBank, finishConnecting, receiveFromFiskil, reconnectBank } from "../src/web.ts";
import { house, visitor } from "./support/house.ts";

/** Runs what the pages show, against the simulators. */

afterEach(() => {
  vi.restoreAllMocks();
});

const owner = visitor.userId;

async function link({ connector, flinks }: Awaited<ReturnType<typeof house>>): Promise<string> {
  const sent = await connectBank(connector, visitor);
  const callback = await flinks.consent(sent.headers.get("location") ?? "");
  const answer = await finishConnecting(connector, visitor, new Request(callback));
  expect([sent.status, answer.status, answer.headers.get("location")]).toEqual([303, 303, "/accounts?linked=now"]);
  const [id] = await idsOf(connector);
  return id ?? "";
}

async function idsOf(connector: AppConnector): Promise<string[]> {
  const ids: string[] = [];
  for await (const { id } of connector.connections({ owner })) ids.push(id);
  return ids;
}

test("getting started: from the first click to disconnecting", async () => {
  await using h = await house();
  await h.connector.ready();
  const id = await link(h);
  expect(await readAccounts(h.connector, id, owner)).toHaveLength(2);
  expect(await overview(h.connector, owner)).toEqual(["flinks healthy"]);
  expect(await countBanks(h.connector)).toBe(1);
  const connection = await h.connector.connection(id, { owner });
  expect(await tokenFor(connection, new AbortController().signal)).toMatch(/./);

  // The user connects again: the connection keeps its id.
  const sent = await reconnectBank(h.connector, visitor, id);
  await h.connector.complete(await h.flinks.consent(sent.headers.get("location") ?? ""), {
    session: visitor.sessionId,
  });
  expect(await idsOf(h.connector)).toEqual([id]);

  const answer = await disconnectBank(h.connector, visitor, id);
  expect(await answer.json()).toEqual({
    disconnected: true,
    revocations: [{ what: "connection", result: "revoked" }],
  });
  expect(await idsOf(h.connector)).toEqual([]);
});

test("getting started: another process uses the same connection", async () => {
  await using h = await house();
  const id = await link(h);
  await h.clock.advance(400_000);
  const other = h.start();
  expect(await readAccounts(h.connector, id, owner)).toHaveLength(2);
  expect(await readAccounts(other, id, owner)).toHaveLength(2);
  expect(h.flinks.journal.count({ grantType: "refresh_token" })).toBe(1);
  await other.close();
});

test("getting started: a webhook that is signed is applied once, one that is not is refused", async () => {
  await using h = await house();
  const flow = await h.connector.providers.fiskil.connect({
    owner,
    session: visitor.sessionId,
    endUser: { email: "user@example.com" },
    institutionId: "88888",
  });
  const callback = await h.fiskil.consent(flow.url);
  const answer = await finishConnecting(h.connector, visitor, new Request(callback));
  expect(answer.headers.get("location")).toBe("/accounts?linked=now");

  const data = { event: "banking.transactions.sync.completed", end_user_id: [...h.fiskil.endUsers.keys()][0] };
  const body = JSON.stringify({
    message_id: "7000000000000001",
    publish_time: new Date(h.clock.now()).toISOString(),
    data,
  });
  const message = (signature: string) =>
    new Request("https://app.example/webhooks/fiskil", {
      method: "POST",
      body,
      headers: { "x-fiskil-signature": signature },
    });
  const signature = signFiskilWebhook(h.fiskil.webhookSecret, body);
  for (let delivery = 0; delivery < 2; delivery++)
    expect((await receiveFromFiskil(h.connector, message(signature))).status).toBe(204);
  vi.spyOn(console, "error").mockReturnValue();
  const forged = message(signFiskilWebhook("Zm9yZWlnbg==", body));
  expect(await attempted(() => receiveFromFiskil(h.connector, forged))).toEqual({ act: "tell the operator" });
});

test("getting started: maintenance keeps a connection that nobody uses", async () => {
  await using h = await house();
  const id = await link(h);
  const told: string[] = [];
  watch(h.connector, (userId, text) => told.push(`${userId} ${text}`));
  for (let day = 0; day < 60; day++) {
    await h.clock.advance(86_400_000);
    const process = h.start();
    const report = await sweep(process);
    await process.close();
    expect(report).toMatchObject({ complete: true, outcomes: { failed: 0 } });
  }
  expect(await overview(h.connector, owner)).toEqual(["flinks healthy"]);
  expect(h.flinks.journal.count({ grantType: "refresh_token" })).toBe(2);

  const connection = await h.connector.connection(id, { owner });
  h.flinks.switches.upstreamExpired = { status: 400, error: "invalid_grant" };
  vi.spyOn(console, "error").mockReturnValue();
  const advice = await attempted(() => connection.accessToken());
  expect(advice).toEqual({ act: "ask to reconnect", because: "Access was withdrawn." });
  expect(told).toEqual([`${owner} reconnect: revoked`]);
});

test("getting started: the schedule sweeps until it is stopped", async () => {
  await using h = await house();
  const log = vi.spyOn(console, "log").mockReturnValue();
  const stop = startSweeping(h.connector);
  await h.clock.advance(70_000);
  await expect.poll(() => log.mock.calls).toContainEqual(["renewed 0, failed 0"]);
  await stop();
});

test("getting started: the shared stores open nothing before they are used", async () => {
  const stores = openStores("postgres://user@localhost:1/database", "redis://localhost:1");
  expect(stores.map(({ reach }) => reach)).toEqual(["host", "cluster", "cluster"]);
  await Promise.all(stores.map((store) => store.close()));
});

test("errors: every kind has its advice", async () => {
  const now = 1_000_000;
  const faults: readonly [Fault, string][] = [
    [{ kind: "reauthorize", reason: "idle_timeout" }, "ask to reconnect"],
    [{ kind: "retry", retryAt: now + 7 }, "try again"],
    [{ kind: "store" }, "try again"],
    [{ kind: "configuration" }, "tell the operator"],
    [{ kind: "protocol" }, "tell the operator"],
    [{ kind: "permission" }, "do without"],
    [{ kind: "flow", reason: "expired" }, "begin anew"],
    [{ kind: "flow", reason: "used" }, "nothing"],
    [{ kind: "gone", reason: "unknown" }, "forget"],
    [{ kind: "cancelled" }, "nothing"],
    [{ kind: "aborted" }, "nothing"],
  ];
  for (const [fault, act] of faults) expect(adviceOn(fault, now).act, fault.kind).toBe(act);
  expect(adviceOn({ kind: "retry", retryAt: now + 7 }, now)).toEqual({ act: "try again", at: now + 7 });
  await expect(attempted(() => Promise.reject(new TypeError("a defect")))).rejects.toThrow("a defect");
  vi.spyOn(console, "error").mockReturnValue();
  const error = new ConnectorError({ kind: "cancelled" }, "The user said no.");
  expect(await attempted(() => Promise.reject(error))).toEqual({ act: "nothing" });
});

test("getting started: a grant that another system held is renewed from here", async () => {
  await using h = await house();
  const id = await link(h);
  const { refreshToken, account = "" } = await h.connector.dangerouslyExportGrant(id, { owner });
  const connection = await bringIn(h.connector, {
    userId: "user_43",
    refreshToken: refreshToken?.reveal() ?? "",
    account,
  });
  expect(await readAccounts(h.connector, connection.id, "user_43")).toHaveLength(2);
  expect(h.flinks.journal.count({ grantType: "refresh_token" })).toBe(1);
});

test("keys: a new one in front, everything sealed anew, and the old one goes", async () => {
  await using h = await house();
  const id = await link(h);
  const next = { id: "2027-02", key: newKey() };
  const rotated = h.start([next, ...h.keys]);
  const log = vi.spyOn(console, "log").mockReturnValue();
  expect(await reseal(rotated)).toBe(false);
  expect(await reseal(rotated)).toBe(true);
  expect(log.mock.lastCall).toEqual(["0 sealed anew, 1 were already"]);
  await rotated.close();
  const alone = h.start([next]);
  expect(await readAccounts(alone, id, owner)).toHaveLength(2);
  await alone.close();
  await ring(async () => newKey()).seal.check();
});

test("keys: a lost one is a fault of the store, until what it sealed is given up", async () => {
  await using h = await house();
  const id = await link(h);
  const without = h.start([{ id: "2027-02", key: newKey() }]);
  const connection = await without.connection(id, { owner });
  await expect(connection.accessToken()).rejects.toMatchObject({ fault: { kind: "store" } });
  expect((await connection.status()).health).toBe("healthy");

  const store = sqliteStore({ path: `${h.directory}/linkwright.db`, clock: h.clock });
  await giveUp("another", without, store);
  expect((await connection.status()).health).toBe("healthy");
  await giveUp("2026-11", without, store);
  expect((await connection.status()).health).toBe("ended");
  const sent = await reconnectBank(without, visitor, id);
  await without.complete(await h.flinks.consent(sent.headers.get("location") ?? ""), { session: visitor.sessionId });
  expect(await idsOf(without)).toEqual([id]);
  expect(await readAccounts(without, id, owner)).toHaveLength(2);
  await without.close();
  await store.close();
});

test("keys: unsealed, where it is asked for by name", async () => {
  await using flinks = await simulateFlinks();
  const connector = unsealed({
    clientId: "dc-demo0001",
    clientSecret: "s3cr3t",
    redirectUri: "https://app.example/callback",
    baseUrl: "https://flinks.example",
  });
  await connector.ready();
  await connector.close();
  expect(flinks.journal.count()).toBe(0);
});
