import { createHmac } from "node:crypto";
import type { Clock } from "@linkwright/core";
import { createWebhooks, type Webhooks } from "../webhooks.ts";
import type { FisklSwitches } from "./options.ts";

const minute = 60_000;
const hour = 60 * minute;

/** From one attempt to the next; the plan is not published, and this one is common. */
const gaps = [5000, 5 * minute, 30 * minute, 2 * hour, 5 * hour, 10 * hour, 10 * hour];

/** Of the type that `wrong-key` signs with. */
const foreignSecret = "whsec_Zm9yZWlnbiBzZWNyZXQgZm9yIHRlc3Rz";

/**
 * The signature of the Standard Webhooks scheme: HMAC-SHA256 over id, time and body, joined by dots, in base64.
 *
 * @param secret - `whsec_` and the key in base64.
 * @param timestamp - Seconds since the epoch.
 */
export function signStandardWebhook(secret: string, id: string, timestamp: number, body: string): string {
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  return `v1,${createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64")}`;
}

/** Sends `{ id, type, createdAt, data }`: `send({ type: "invoice.paid", data: {...} })`. */
export function fisklWebhooks(options: {
  readonly clock: Clock;
  readonly switches: FisklSwitches;
  readonly secrets: readonly string[];
  readonly url: string | undefined;
}): Webhooks {
  const { clock, switches, secrets, url } = options;
  const created = new Map<string, string>();
  let count = 0;
  return createWebhooks({
    clock,
    url,
    gaps,
    nextMessageId() {
      count += 1;
      return `msg_test_${String(count).padStart(4, "0")}`;
    },
    compose(data, { messageId, signature }) {
      const createdAt = created.get(messageId) ?? new Date(clock.now()).toISOString();
      created.set(messageId, createdAt);
      const { type, ...rest } = data;
      const body = JSON.stringify({ id: messageId, type, createdAt, ...rest });
      const timestamp = Math.floor(clock.now() / 1000) - (signature === "stale" ? 3600 : 0);
      const signing = signature === "wrong-key" ? [foreignSecret] : secrets;
      const value = signing.map((secret) => signStandardWebhook(secret, messageId, timestamp, body)).join(" ");
      const prefix = switches.webhookHeaders;
      return {
        body: signature === "tampered" ? body.replace(/\}$/, ',"tampered":true}') : body,
        headers: {
          "content-type": "application/json",
          [`${prefix}id`]: messageId,
          [`${prefix}timestamp`]: String(timestamp),
          ...(signature !== "missing" && { [`${prefix}signature`]: value }),
        },
      };
    },
  });
}
