import { createHmac } from "node:crypto";
import type { Clock } from "@linkwright/core";
import { createWebhooks, type Webhooks } from "../webhooks.ts";

const minute = 60_000;

/** Five attempts in all, a minute to ten apart. */
const gaps = [minute, 2 * minute, 5 * minute, 10 * minute];

const foreignSecret = Buffer.from("foreign secret for tests").toString("base64");

/**
 * `X-Fiskil-Signature`: HMAC-SHA256 over the body's bytes, in base64.
 *
 * @param secret - Base64, as the Console shows it; the key is what it decodes to.
 */
export function signFiskilWebhook(secret: string, body: string): string {
  return createHmac("sha256", Buffer.from(secret, "base64")).update(body).digest("base64");
}

/** Sends `{ delivery_attempt, publish_time, message_id, data }`. The attempt is in the body, so each one is signed anew. */
export function fiskilWebhooks(options: {
  readonly clock: Clock;
  readonly secret: string;
  readonly url: string | undefined;
}): Webhooks {
  const { clock, secret, url } = options;
  const published = new Map<string, string>();
  let next = 7_000_000_000_000_001n;
  return createWebhooks({
    clock,
    url,
    gaps,
    nextMessageId: () => String(next++),
    compose(data, { messageId, attempt, signature }) {
      const publish_time = published.get(messageId) ?? new Date(clock.now()).toISOString();
      published.set(messageId, publish_time);
      const body = JSON.stringify({ delivery_attempt: attempt, publish_time, message_id: messageId, data });
      const value =
        signature === "copied-sample"
          ? createHmac("sha256", secret).update(body).digest("hex")
          : signFiskilWebhook(signature === "wrong-key" ? foreignSecret : secret, body);
      return {
        body: signature === "tampered" ? body.replace(/\}$/, ',"tampered":true}') : body,
        headers: {
          "content-type": "application/json",
          ...(signature !== "missing" && { "x-fiskil-signature": value }),
        },
      };
    },
  });
}
