import { expect, test, vi } from "vitest";
import { house, readText } from "./support/house.ts";

test("a message that is not signed by Fiskil is refused and changes nothing", async () => {
  await using h = await house();
  const { fiskil } = h.simulators;
  const ada = await h.signedIn("ada");
  await ada.link("fiskil", fiskil.consent);
  const [consent] = fiskil.consents.values();
  const data = {
    event: "consent.revoked",
    end_user_id: consent?.endUserId,
    consent_id: consent?.consentId,
    institution_id: "88888",
  };
  const told = vi.spyOn(console, "error").mockImplementation(() => {});
  for (const signature of ["wrong-key", "tampered", "missing", "copied-sample"] as const) {
    const answer = await fetch(fiskil.webhooks.request(data, { signature }));
    expect([signature, answer.status, await answer.text()]).toEqual([signature, 400, ""]);
  }
  expect(told.mock.calls).toHaveLength(4);
  expect(told.mock.calls[0]).toEqual([expect.stringMatching(/^fiskil: this webhook message was refused/)]);
  told.mockRestore();
  const [connection] = await h.connectionsOf("ada");
  expect((await connection?.status())?.health).toBe("healthy");
});

test("a consent that is withdrawn at the bank ends the connection before the message is answered", async () => {
  await using h = await house();
  const { fiskil } = h.simulators;
  const ada = await h.signedIn("ada");
  await ada.link("fiskil", fiskil.consent);
  await fiskil.webhooks.settled();
  const [consent] = fiskil.consents.values();
  fiskil.webhooks.hold();
  fiskil.withdrawConsent(consent?.arrangementId ?? "");
  const [connection] = await h.connectionsOf("ada");
  expect((await connection?.status())?.health).toBe("healthy");

  await fiskil.webhooks.release();
  expect(fiskil.webhooks.deliveries.at(-1)?.status).toBe(204);
  expect(await connection?.status()).toMatchObject({ health: "ended", reason: "consent_ended" });
  const page = readText(await (await ada.get("/")).text());
  expect(page).toContain("Health: Ended Your consent at the bank has ended. consent_ended");

  const call = await ada.post(`/connections/${connection?.id}/call`);
  expect(call.status).toBe(409);
  const problem = await call.text();
  expect(readText(problem)).toContain("This account has to be reconnected Your consent at the bank has ended.");
  expect(problem).toContain(`<input type="hidden" name="connection" value="${connection?.id}" />`);
});

test("a message that cannot be applied now is answered so that Fiskil sends it again", async () => {
  await using h = await house();
  const { fiskil } = h.simulators;
  const ada = await h.signedIn("ada");
  await ada.link("fiskil", fiskil.consent);
  await fiskil.webhooks.settled();
  const [consent] = fiskil.consents.values();
  fiskil.faults.next("status", { status: 503, path: "/v1/consent" });
  const data = { event: "consent.updated", end_user_id: consent?.endUserId, institution_id: "88888" };
  const message = () => fiskil.webhooks.request(data, { messageId: "1" });
  expect((await fetch(message())).status).toBe(503);
  const { journal } = fiskil;
  const before = journal.count({ path: "/v1/consent" });
  expect((await fetch(message())).status).toBe(204);
  expect(journal.count({ path: "/v1/consent" })).toBe(before + 1);
  // What took effect is not applied again.
  expect((await fetch(message())).status).toBe(204);
  expect(journal.count({ path: "/v1/consent" })).toBe(before + 1);
});
