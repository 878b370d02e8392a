import { createHmac } from "node:crypto";
import { isConnectorError } from "@linkwright/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { cleanRefusal, expectClean, hostileHeader, hostileJson, hostileText } from "../../core/test/support/hostile.ts";
import { fiskl } from "../src/index.ts";
import { bench, webhookSecret } from "./bench.ts";

const sign = (secret: string, id: string, timestamp: string, body: string) =>
  `v1,${createHmac("sha256", Buffer.from(secret.slice(6), "base64"))
    .update(`${id}.${timestamp}.${body}`)
    .digest("base64")}`;

test("G75 C33 whatever a stranger sends is refused in clean words, and is not remembered", async () => {
  await using it = await bench();
  const connection = await it.connect();
  const before = JSON.stringify(await connection.status());
  const timestamp = String(Math.floor(it.clock.now() / 1000));
  const real = JSON.stringify({ id: "msg_1", type: "invoice.paid", createdAt: "2026-01-15T02:03:04Z", data: {} });
  const good = sign(webhookSecret, "msg_1", timestamp, real);
  const body = fc.oneof(
    fc.constant(real),
    hostileText(),
    hostileJson().map((json) => JSON.stringify(json)),
  );
  const headers = fc.record({
    id: fc.oneof(fc.constant("msg_1"), hostileHeader()),
    timestamp: fc.oneof(fc.constant(timestamp), hostileHeader(), fc.integer().map(String)),
    signature: fc.oneof(
      hostileHeader(),
      fc.constantFrom(
        good.slice(0, 20),
        `v2,${good.slice(3)}`,
        sign(`whsec_${btoa("the key of a stranger")}`, "msg_1", timestamp, real),
      ),
      fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => `v1,${Buffer.from(bytes).toString("base64")}`),
    ),
    prefix: fc.constantFrom("webhook", "svix"),
  });
  await fc.assert(
    fc.asyncProperty(body, headers, async (text, { id, timestamp, signature, prefix }) => {
      const request = new Request("https://app.example/webhooks", {
        method: "POST",
        headers: { [`${prefix}-id`]: id, [`${prefix}-timestamp`]: timestamp, [`${prefix}-signature`]: signature },
        body: text,
      });
      const { fault, details } = await cleanRefusal(it.books.webhook(request), [webhookSecret]);
      // A body that is too large is not read, and so not compared with its signature.
      const code = new Blob([text]).size > 1024 * 1024 ? undefined : "webhook_signature";
      expect([fault, details.code]).toEqual([{ kind: "protocol" }, code]);
    }),
    { numRuns: 300 },
  );
  expect(JSON.stringify(await connection.status())).toBe(before);
  const { duplicate } = await it.books.webhook(
    new Request("https://app.example/webhooks", {
      method: "POST",
      headers: { "webhook-id": "msg_1", "webhook-timestamp": timestamp, "webhook-signature": good },
      body: real,
    }),
  );
  expect(duplicate).toBe(false);
}, 60_000);

test("G75 C33 whatever is signed is read, or refused in clean words: nothing else comes out", async () => {
  const read = fiskl({ client: "key", apiKey: "fsk_test", webhook: { secrets: webhookSecret } }).webhook?.read;
  const message = fc.record({
    id: fc.oneof(fc.constant("msg_1"), hostileJson()),
    type: fc.oneof(fc.constantFrom("invoice.paid", "unknown", "toString"), hostileJson()),
    createdAt: fc.oneof(fc.constant("2026-01-15T02:03:04Z"), hostileJson()),
    data: hostileJson(),
  });
  await fc.assert(
    fc.asyncProperty(fc.oneof(message, hostileJson()), async (json) => {
      const text = JSON.stringify(json) ?? "";
      const headers = new Headers({
        "webhook-id": "msg_1",
        "webhook-timestamp": "1768442584",
        "webhook-signature": sign(webhookSecret, "msg_1", "1768442584", text),
      });
      const request = { body: new TextEncoder().encode(text), headers, now: 1_768_442_584_000 };
      const outcome = await read?.(request).catch((error: unknown) => error);
      if (isConnectorError(outcome)) expectClean(outcome, [webhookSecret]);
      else expect(outcome).toMatchObject({ id: "msg_1", effects: [] });
    }),
    { numRuns: 500 },
  );
}, 60_000);
