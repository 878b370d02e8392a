import { createHmac } from "node:crypto";
import { receiveWebhooks, signFiskilWebhook, simulateFiskil, virtualClock } from "@linkwright/testing";
import { afterEach, expect, test } from "vitest";

const minute = 60_000;
const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one[Symbol.asyncDispose]();
});

async function connected() {
  const clock = virtualClock();
  const receiver = await receiveWebhooks({ clock });
  const sim = await simulateFiskil({ clock, webhookUrl: receiver.url, switches: { syncEvents: false } });
  open.push(receiver, sim);
  return { clock, receiver, sim };
}

const secret = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";
const body =
  '{"delivery_attempt":1,"publish_time":"2026-01-15T02:03:04.567Z","message_id":"7000000000000001","data":{"event":"consent.received","end_user_id":"eu_TESTenduser000000000000001","client_id":"team_test_0001","institution_id":"88888","consent_id":"11111111-2222-4333-8444-555555555555"}}';

test("the known vector", () => {
  expect(signFiskilWebhook(secret, body)).toBe("atnssKACwa4w4keWWG0ULMhEpxzD2yfxmOFTb2EO7n4=");
});

test("copied-sample signs as the faulty sample does: the raw secret, in hex", async () => {
  expect(createHmac("sha256", secret).update(body).digest("hex")).toBe(
    "b6738076b26b38cea8189b1c3fce6b45e896ae14decc953c1fa2f81353e3fd19",
  );
  const { sim } = await connected();
  const request = sim.webhooks.request({ event: "consent.received" }, { signature: "copied-sample" });
  expect(request.headers.get("x-fiskil-signature")).toBe(
    createHmac("sha256", secret)
      .update(await request.text())
      .digest("hex"),
  );
});

test("five attempts, one to ten minutes apart, one message id, each with its own body and signature", async () => {
  const { clock, receiver, sim } = await connected();
  receiver.status = 500;
  sim.grantConsent();
  await sim.webhooks.settled();
  for (const gap of [1, 2, 5, 10, 60]) {
    await clock.advance(gap * minute);
    await sim.webhooks.settled();
  }
  const entries = receiver.journal.entries;
  const sent = entries.map((entry) => JSON.parse(entry.body));
  expect(sent.map((one) => one.delivery_attempt)).toEqual([1, 2, 3, 4, 5]);
  expect(new Set(sent.map((one) => one.message_id))).toEqual(new Set(["7000000000000001"]));
  expect(new Set(sent.map((one) => one.publish_time))).toEqual(new Set(["2026-01-15T02:03:04.000Z"]));
  expect(entries.map(({ at }) => (at - (entries[0]?.at ?? 0)) / minute)).toEqual([0, 1, 3, 8, 18]);
  for (const entry of entries) expect(entry.headers["x-fiskil-signature"]).toBe(signFiskilWebhook(secret, entry.body));
  expect(new Set(entries.map(({ headers }) => headers["x-fiskil-signature"])).size).toBe(5);
});

test("an attempt that nobody answers is repeated; one that is accepted is not", async () => {
  const { clock, receiver, sim } = await connected();
  receiver.faults.next("refused-before");
  sim.grantConsent();
  await sim.webhooks.settled();
  await clock.advance(minute);
  await sim.webhooks.settled();
  await clock.advance(60 * minute);
  await sim.webhooks.settled();
  expect(sim.webhooks.deliveries.map(({ attempt, status }) => [attempt, status])).toEqual([
    [1, undefined],
    [2, 200],
  ]);
});

test("withdrawal and expiry reach the receiver", async () => {
  const { clock, receiver, sim } = await connected();
  const [one, two] = [sim.grantConsent(), sim.grantConsent()];
  sim.withdrawConsent(one.arrangementId);
  await clock.advance(90 * 86_400_000);
  await sim.webhooks.settled();
  const told = receiver.journal.entries.map((entry) => JSON.parse(entry.body).data);
  expect(told.map(({ event, consent_id }) => [event, consent_id])).toEqual([
    ["consent.received", one.consentId],
    ["consent.received", two.consentId],
    ["consent.revoked", one.consentId],
    ["consent.revoked", two.consentId],
  ]);
});

test("duplicates carry one message id; what is held comes out of order", async () => {
  const { receiver, sim } = await connected();
  await sim.webhooks.send({ event: "consent.updated" }, { copies: 2 });
  expect(receiver.journal.entries.map((entry) => JSON.parse(entry.body).message_id)).toEqual([
    "7000000000000001",
    "7000000000000001",
  ]);
  receiver.journal.clear();
  sim.webhooks.hold();
  const consent = sim.grantConsent();
  sim.withdrawConsent(consent.arrangementId);
  await sim.webhooks.settled();
  expect(receiver.journal.count()).toBe(0);
  await sim.webhooks.release({ reverse: true });
  expect(receiver.journal.entries.map((entry) => JSON.parse(entry.body).data.event)).toEqual([
    "consent.revoked",
    "consent.received",
  ]);
});

test("bad signatures: another key, a changed body, none", async () => {
  const { sim } = await connected();
  for (const signature of ["wrong-key", "tampered", "missing"] as const) {
    const request = sim.webhooks.request({ event: "consent.received" }, { signature });
    const right = signFiskilWebhook(sim.webhookSecret, await request.text());
    expect(request.headers.get("x-fiskil-signature")).not.toBe(right);
  }
  const valid = sim.webhooks.request({ event: "consent.received" }, { attempt: 3, messageId: "m" });
  const text = await valid.text();
  expect(valid.headers.get("x-fiskil-signature")).toBe(signFiskilWebhook(sim.webhookSecret, text));
  expect(JSON.parse(text)).toMatchObject({ delivery_attempt: 3, message_id: "m" });
});
