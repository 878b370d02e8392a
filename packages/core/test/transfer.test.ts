import { allowInsecureLoopback, createConnector, defineProvider, keyring, memoryStore } from "@linkwright/core";
import { skewed, virtualClock } from "@linkwright/testing";
import { expect, test } from "vitest";
import { bank, house, key } from "./support/house.ts";

/** Grants that come from another system, and go to one. */

const day = 86_400_000;
const owner = "user_1";

/** A connection of a refresh token alone, as most systems keep one. */
async function imported(h: Awaited<ReturnType<typeof house>>) {
  const { refresh_token } = h.server.issue();
  return h.connector.providers.bank.import({ owner, refreshToken: String(refresh_token) });
}

test("G73 what was imported without an access token is let go of once", async () => {
  await using h = await house();
  const connection = await imported(h);
  expect(await connection.disconnect()).toEqual({
    disconnected: true,
    revocations: [{ what: "refresh_token", result: "revoked" }],
  });
  await h.clock.advance(day);
  await h.connector.maintain();
  expect(h.server.journal.count({ path: "/revoke" })).toBe(1);
});

test("G10 its access token is one that the server gave, whatever the machine's clock shows, and after a miss", async () => {
  const clock = virtualClock();
  await using h = await house({ clock });
  const { id } = await imported(h);
  const behind = await h.application({ appClock: skewed(clock, -3000) }).connection(id, { owner });
  h.server.faults.next("status", { status: 503 });
  await expect(behind.accessToken()).rejects.toMatchObject({ fault: { kind: "retry" } });
  await expect(behind.accessToken()).rejects.toMatchObject({ fault: { kind: "retry" } });
  await clock.advance(2000);
  expect(await behind.accessToken()).toMatch(/^at_/);
});

test("what an export gives is taken by an import, also before a token was wanted", async () => {
  await using h = await house();
  const { id } = await imported(h);
  const grant = await h.connector.dangerouslyExportGrant(id, { owner });
  expect(grant.accessToken).toBeUndefined();
  const moved = await h.connector.providers.bank.import(grant);
  expect(await moved.accessToken()).toMatch(/^at_/);
});

test("G41 a token of which no end is known, and that nothing renews, goes on where it is moved to", async () => {
  const make = () => house({ bank: { grants: { refreshToken: undefined as never } } });
  await using from = await make();
  await using to = await make();
  const body = { access_token: "at_for_ever", token_type: "Bearer" };
  from.server.faults.next("answer", { body, grantType: "authorization_code" });
  const { id } = await from.link();
  await from.clock.advance(30 * day);
  const grant = await from.connector.dangerouslyExportGrant(id, { owner });
  expect(await (await to.connector.providers.bank.import(grant)).accessToken()).toBe("at_for_ever");
});

test("G59 G74 a connection that was moved is found by webhooks, and its end is known", async () => {
  const clock = virtualClock();
  const consentExpiresAt = clock.now() + 90 * day;
  await using h = await house({
    clock,
    bank: { connect: { granted: () => ({ refs: ["customer:1"], consentExpiresAt }) } },
  });
  const { id } = await h.link();
  const provider = defineProvider({
    ...bank(h.server),
    webhook: {
      read: async () => ({
        id: "message",
        event: {},
        effects: [{ ref: "customer:1", effect: "ended", reason: "consent_ended" }],
      }),
    },
  });
  const to = createConnector({
    providers: { bank: provider },
    store: memoryStore({ clock }),
    concurrency: "one-process",
    keys: keyring([{ id: "test", key }]),
    clock,
    [allowInsecureLoopback]: true,
  });
  const moved = await to.providers.bank.import(await h.connector.dangerouslyExportGrant(id, { owner }));
  expect((await moved.status()).consentExpiresAt).toBe(consentExpiresAt);
  const message = new Request("https://app.example/webhook", { method: "POST", body: "{}" });
  expect((await to.providers.bank.webhook(message)).connections).toEqual([moved.id]);
  expect((await moved.status()).health).toBe("ended");
});
