import { createHmac } from "node:crypto";
import { isConnectorError } from "@linkwright/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { cleanRefusal, expectClean, hostileHeader, hostileJson, hostileText } from "../../core/test/support/hostile.ts";
import { adapter, canary, now } from "./adapter.ts";
import { house } from "./house.ts";

const sign = (secret: string, body: string | Uint8Array) =>
  createHmac("sha256", Buffer.from(secret, "base64")).update(body).digest("base64");

test("G75 C33 whatever a stranger sends is refused in clean words, changes nothing and is not remembered", async () => {
  await using it = await house();
  const connection = await it.connect();
  const [consent] = it.sim.consents.values();
  const before = JSON.stringify(await connection.status());
  const calls = it.sim.journal.entries.length;
  // The best that a stranger can do: a true message, signed otherwise, or half of a true signature.
  const real = JSON.stringify({
    message_id: "1",
    publish_time: new Date(it.clock.now()).toISOString(),
    data: { event: "consent.revoked", end_user_id: consent?.endUserId, consent_id: consent?.consentId },
  });
  const body = fc.oneof(
    fc.constant(real),
    hostileText(),
    hostileJson().map((json) => JSON.stringify(json)),
  );
  const signature = fc.oneof(
    hostileHeader(),
    fc.constantFrom(
      sign("c3RyYW5nZXI=", real),
      Buffer.from(sign(it.sim.webhookSecret, real), "base64").toString("hex"),
      sign(it.sim.webhookSecret, real).slice(0, 20),
      createHmac("sha256", it.sim.webhookSecret).update(real).digest("base64"),
    ),
    fc.uint8Array({ minLength: 30, maxLength: 34 }).map((bytes) => Buffer.from(bytes).toString("base64")),
  );
  await fc.assert(
    fc.asyncProperty(body, signature, async (text, value) => {
      const headers = { "content-type": "application/json", "x-fiskil-signature": value };
      const request = new Request("https://app.example/webhooks", { method: "POST", headers, body: text });
      const { fault } = await cleanRefusal(it.handle.webhook(request), [it.sim.webhookSecret]);
      expect(fault).toEqual({ kind: "protocol" });
    }),
    { numRuns: 300 },
  );
  expect(JSON.stringify(await connection.status())).toBe(before);
  expect(it.sim.journal.entries.length).toBe(calls);
  // Not even the id of the true one was used up.
  const { duplicate } = await it.handle.webhook(
    new Request("https://app.example/webhooks", {
      method: "POST",
      headers: { "x-fiskil-signature": sign(it.sim.webhookSecret, real) },
      body: real,
    }),
  );
  expect(duplicate).toBe(false);
}, 60_000);

test("G75 C33 whatever is signed is read, or refused in clean words: nothing else comes out", async () => {
  const { read } = adapter({ webhookSecret: canary.webhookSecret });
  const names = fc.constantFrom(
    "event",
    "end_user_id",
    "institution_id",
    "consent_id",
    "client_id",
    "account_ids",
    "x",
  );
  const events = fc.constantFrom(
    "consent.revoked",
    "consent.received",
    "banking.accounts.sync.completed",
    ".sync.completed",
  );
  const data = fc.oneof(hostileJson(), fc.dictionary(names, fc.oneof(hostileJson(), events), { maxKeys: 6 }));
  const envelope = fc.record({
    message_id: fc.oneof(fc.constant("1"), hostileJson()),
    publish_time: fc.oneof(
      { weight: 4, arbitrary: fc.constant(new Date(now).toISOString()) },
      { weight: 1, arbitrary: hostileJson() },
    ),
    delivery_attempt: hostileJson(),
    data,
  });
  await fc.assert(
    fc.asyncProperty(fc.oneof(envelope, hostileJson()), async (message) => {
      const body = new TextEncoder().encode(JSON.stringify(message) ?? "");
      const headers = new Headers({ "x-fiskil-signature": sign(canary.webhookSecret, body) });
      const outcome = await read({ body, headers, now }).catch((error: unknown) => error);
      if (isConnectorError(outcome)) return expectClean(outcome, [canary.webhookSecret]);
      const { id, effects } = outcome as Awaited<ReturnType<typeof read>>;
      expect(id).toBe((message as { message_id: unknown }).message_id);
      // Nothing but a revocation by consent id ends anything.
      for (const { ref, effect } of effects) {
        if (effect === "ended")
          expect(ref).toBe(`consent:${(message as { data: { consent_id: string } }).data.consent_id}`);
        else expect(ref).toMatch(/^end_user:/);
      }
    }),
    { numRuns: 500 },
  );
}, 60_000);
