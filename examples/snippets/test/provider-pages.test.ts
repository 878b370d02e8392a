import { createHmac } from "node:crypto";
import { allowInsecureLoopback, type Clock, createConnector, keyring, memoryStore } from "@linkwright/core";
import { simulateFiskil, simulateFiskl, simulateFlinks, virtualClock } from "@linkwright/testing";
import { expect, test } from "vitest";
import * as fiskil from "../src/providers/fiskil.ts";
import * as fiskl from "../src/providers/fiskl.ts";
import * as flinks from "../src/providers/flinks.ts";

/** What the pages of the providers show, against each provider's simulator. */

const session = "an-unguessable-session-value";
const installation = (clock: Clock) => ({
  store: memoryStore({ clock }),
  concurrency: "one-process" as const,
  keys: keyring([{ id: "test", key: new Uint8Array(32) }]),
  clock,
  [allowInsecureLoopback]: true,
});
const vaultOf = (secrets: Readonly<Record<string, string>>) => async (name: string) => secrets[name] ?? "";

test("Fiskil: a consent, and a webhook that is applied once", async () => {
  const clock = virtualClock();
  await using simulator = await simulateFiskil({ clock });
  const vault = vaultOf({
    "fiskil/client-secret": "s3cr3t-example",
    "fiskil/webhook-secret": simulator.webhookSecret,
  });
  const local = {
    teamId: simulator.teamId,
    baseUrl: simulator.endpoints.base,
    authOrigin: new URL(simulator.endpoints.consent).origin,
  };
  const connector = createConnector({ providers: { fiskil: fiskil.banks(vault, local) }, ...installation(clock) });
  const url = await fiskil.beginAtBank(connector, session);
  const response = await fiskil.backFromBank(connector, new Request(await simulator.consent(url)), session);
  expect(response.status).toBe(200);

  const endUserId = [...simulator.endUsers.keys()][0] ?? "";
  const data = { event: "banking.transactions.sync.completed", end_user_id: endUserId, account_ids: ["acc_1"] };
  for (let delivery = 0; delivery < 2; delivery++) {
    const message = simulator.webhooks.request(data, { messageId: "7000000000000001" });
    expect((await fiskil.hearFromFiskil(connector, message)).status).toBe(204);
  }
  expect(fiskil.imported).toEqual([{ endUserId, accountIds: ["acc_1"] }]);
  await connector.close();
});

test("Fiskil: what else there is, and the Platform API by a key of its own", async () => {
  const clock = virtualClock();
  await using simulator = await simulateFiskil({ clock });
  const vault = vaultOf({ "fiskil/client-secret": "s3cr3t-example" });
  const local = { baseUrl: simulator.endpoints.base };
  const open = (simulated: Parameters<typeof fiskil.banks>[1]) =>
    createConnector({ providers: { fiskil: fiskil.banks(vault, simulated) }, ...installation(clock) });
  const [connector, platform] = [open(local), open({ ...local, clientId: "key_02platform" })];
  const { found, consents, institutions, permissions, bank } = await fiskil.manage(connector);
  expect(found).toHaveLength(1);
  expect(consents).toEqual([]);
  for (const list of [institutions, permissions]) expect(list.length).toBeGreaterThan(0);
  expect(await fiskil.products(platform)).toEqual([]);
  expect(bank.status).toBe(200);
  await Promise.all([connector.close(), platform.close()]);
});

test("Fiskl: an app, an API key, and a webhook", async () => {
  const clock = virtualClock();
  await using simulator = await simulateFiskl({
    clock,
    clients: [
      {
        clientId: "app_01example",
        clientSecret: "s3cr3t",
        redirectUris: ["https://app.example/fiskl/callback"],
      },
    ],
  });
  const secret = `whsec_${btoa("a key of two dozen bytes")}`;
  const vault = vaultOf({
    "fiskl/client-secret": "s3cr3t",
    "fiskl/api-key": "fsk_test_000000000001",
    "fiskl/webhook-secret": secret,
  });
  const { authorization_endpoint: authorization, token_endpoint: token, issuer } = simulator.endpoints;
  const local = { baseUrl: simulator.origin };
  const providers = {
    books: fiskl.books(vault, { ...local, issuer, endpoints: { authorization, token } }),
    own: fiskl.own(vault, local),
  };
  const connector = createConnector({ providers, ...installation(clock) });
  const callback = await simulator.consent(await fiskl.beginAtFiskl(connector, session));
  const { connection, invoices } = await fiskl.invoicesOf(connector, new Request(callback), session);
  expect(invoices).toMatchObject([{ total: 15000 }, { total: 7250 }]);
  expect(await fiskl.permissionsOf(connection)).toEqual(expect.any(Object));
  expect((await fiskl.clients(connector)).status).toBe(200);

  const body = JSON.stringify({
    id: "msg_1",
    type: "invoice.paid",
    createdAt: "2026-01-15T02:03:04Z",
    data: { id: "inv_1" },
  });
  const timestamp = String(Math.floor(clock.now() / 1000));
  const signature = createHmac("sha256", "a key of two dozen bytes").update(`msg_1.${timestamp}.${body}`);
  const headers = {
    "webhook-id": "msg_1",
    "webhook-timestamp": timestamp,
    "webhook-signature": `v1,${signature.digest("base64")}`,
  };
  for (let delivery = 0; delivery < 2; delivery++) {
    const message = new Request("https://app.example/webhooks/fiskl", { method: "POST", body, headers });
    expect((await fiskl.hearFromFiskl(connector, message)).status).toBe(204);
  }
  expect(fiskl.settled).toEqual([{ id: "inv_1" }]);
  await connector.close();
});

test("Flinks: a bank's accounts, banks, and a partner's recipients", async () => {
  const clock = virtualClock();
  await using simulator = await simulateFlinks({
    clock,
    recipients: [
      { clientId: "dc-demo0001", clientSecret: "s3cr3t", redirectUris: ["https://app.example/flinks/callback"] },
    ],
    partner: { clientId: "partner-demo", clientSecret: "s3cr3t" },
  });
  const kept = new Map([["flinks/client-secret", "s3cr3t"]]);
  const vault = {
    get: vaultOf(Object.fromEntries(kept)),
    put: async (name: string, value: string) => void kept.set(name, value),
  };
  const local = { baseUrl: simulator.origin };
  const providers = {
    flinks: flinks.bank(vault, local),
    partner: flinks.bank(vault, { ...local, clientId: "partner-demo" }),
  };
  const connector = createConnector({ providers, ...installation(clock) });
  const callback = await simulator.consent(await flinks.beginAtFlinks(connector, session));
  const response = await flinks.backFromFlinks(connector, new Request(callback), session);
  expect(response.status).toBe(200);
  const { mine, others } = await flinks.banksOf(connector);
  expect(mine.map(({ providerId }) => providerId)).toContain(1000);
  expect(others).toEqual(expect.any(Array));
  expect(await flinks.registerRecipient(connector, vault)).toMatchObject([{ providerId: 1000 }]);
  expect(kept.size).toBe(2);
  await connector.close();
});
