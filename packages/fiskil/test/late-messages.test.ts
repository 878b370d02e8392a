import { describe, expect, test } from "vitest";
import { house } from "./house.ts";

const quiet = { simulator: { switches: { syncEvents: false } } };
const minute = 60_000;

/** Messages that are delivered long after they were published. */
function backlog({ sim, handle }: Awaited<ReturnType<typeof house>>) {
  const kept: Request[] = [];
  return {
    kept,
    /** What was published by now; `attempt`: what a retry of it says, which tells its own time. */
    take(attempt = 1) {
      for (const { data, messageId } of sim.webhooks.sent.slice(kept.length))
        kept.push(sim.webhooks.request(data, { messageId, attempt }));
    },
    async deliver(messages = kept) {
      for (const message of messages) await handle.webhook(message.clone());
    },
  };
}

describe("G74 messages that come late hit no other consent", () => {
  test.each(["in order", "reversed"])("of the consent before, after connecting again; %s", async (order) => {
    await using it = await house(quiet);
    const late = backlog(it);
    const connection = await it.connect();
    late.take();
    await it.clock.advance(10 * minute);
    it.sim.withdrawConsent((await connection.status()).data.arrangementId ?? "");
    late.take();
    await it.clock.advance(2 * minute);
    await it.connect({ connection: connection.id });
    late.take();
    await it.clock.advance(minute);
    await late.deliver(order === "reversed" ? late.kept.toReversed() : late.kept);
    const [, second] = [...it.sim.consents.values()];
    expect(second?.active).toBe(true);
    expect(await connection.status()).toMatchObject({
      health: "healthy",
      data: { arrangementId: second?.arrangementId, consentId: second?.consentId },
    });
  });

  test("of the consent before, under the arrangement that was renewed", async () => {
    await using it = await house(quiet);
    const late = backlog(it);
    const connection = await it.connect();
    const { arrangementId = "" } = (await connection.status()).data;
    late.take();
    await late.deliver();
    const before = it.sim.consents.get(arrangementId)?.consentId;
    expect((await connection.status()).data.consentId).toBe(before);
    await it.clock.advance(10 * minute);
    it.sim.withdrawConsent(arrangementId);
    late.take();
    await it.clock.advance(minute);
    await it.connect({ connection: connection.id, arrangementId });
    expect((await connection.status()).data.consentId).toBe("");
    await late.deliver();
    expect(it.sim.consents.get(arrangementId)?.active).toBe(true);
    expect(await connection.status()).toMatchObject({ health: "healthy", data: { arrangementId, consentId: "" } });
  });

  test("of a connection that was let go of, at the same bank", async () => {
    await using it = await house(quiet);
    const late = backlog(it);
    const { id: endUserId } = await it.handle.endUsers.create({});
    const first = await it.connect({ endUserId });
    late.take();
    await it.clock.advance(2 * minute);
    await first.disconnect();
    late.take();
    await it.clock.advance(2 * minute);
    const second = await it.connect({ endUserId });
    await late.deliver();
    expect([...it.sim.consents.values()].map(({ active }) => active)).toEqual([false, true]);
    expect(await second.status()).toMatchObject({ health: "healthy", data: { consentId: "" } });
  });

  test.each([10, 120])("of a consent that was given %d minutes later and is over", async (minutes) => {
    await using it = await house(quiet);
    const late = backlog(it);
    const { id: endUserId } = await it.handle.endUsers.create({});
    const first = await it.connect({ endUserId });
    late.take();
    await late.deliver();
    const own = (await first.status()).data.consentId;
    await it.clock.advance(minutes * minute);
    const second = await it.connect({ endUserId });
    late.take();
    await second.disconnect();
    late.take();
    await it.clock.advance(minute);
    await late.deliver();
    expect(await first.status()).toMatchObject({ health: "healthy", data: { consentId: own } });
  });

  test("also where each retry tells a time of its own", async () => {
    await using it = await house(quiet);
    const connection = await it.connect();
    await it.clock.advance(10 * minute);
    it.sim.withdrawConsent((await connection.status()).data.arrangementId ?? "");
    await it.clock.advance(2 * minute);
    await it.connect({ connection: connection.id });
    await it.clock.advance(minute);
    const late = backlog(it);
    late.take(2);
    await late.deliver();
    const [, second] = [...it.sim.consents.values()];
    expect(second?.active).toBe(true);
    expect(await connection.status()).toMatchObject({ health: "healthy", data: { consentId: "" } });
    it.sim.withdrawConsent(second?.arrangementId ?? "");
    late.take(2);
    await late.deliver(late.kept.slice(-1));
    expect(await connection.status()).toMatchObject({ health: "ended", reason: "consent_ended" });
  });
});
