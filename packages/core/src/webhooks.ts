import { confirmConsent, endConnection, refDigest } from "./consents.ts";
import { digest } from "./encoding.ts";
import { ConnectorError } from "./faults.ts";
import type { WebhookEffect } from "./provider-webhook.ts";
import type { Registration } from "./registration.ts";
import type { Renewal } from "./renewal.ts";
import { readBody } from "./request-body.ts";
import { type StoredRow, storeCall } from "./rows.ts";
import type { Runtime } from "./runtime.ts";

/** What came of a webhook. */
export interface WebhookReceipt<Event> {
  readonly event: Event;
  /** The message was here before; nothing was done again. */
  readonly duplicate: boolean;
  /** Ids of the connections it was about. */
  readonly connections: readonly string[];
}

/** What may be asked of `webhook` besides verifying and applying. */
export interface WebhookReception<Event> {
  /**
   * What the application does with a message. It is awaited before the message counts as seen: where it fails, the error comes
   * back, and the next delivery of the message is taken as if it were the first. Not called for a duplicate; two deliveries at
   * the same moment may both be handled, so do what can be done twice.
   */
  readonly handle?: (receipt: WebhookReceipt<Event>) => unknown;
}

/** How long a message is remembered, so that a repetition is recognised: 7 days. */
const remembered = 7 * 86_400_000;

/** Verifies a message over its raw bytes, applies it, lets the application handle it, and only then remembers it as seen. */
export async function receiveWebhook(
  runtime: Runtime,
  renewal: Renewal,
  registration: Registration,
  request: Request,
  { handle }: WebhookReception<unknown> = {},
): Promise<WebhookReceipt<unknown>> {
  const { name, provider } = registration;
  const place = { registration: name, provider: provider.id };
  if (!provider.webhook)
    throw new ConnectorError(
      { kind: "configuration" },
      `Registration "${name}": its provider knows no webhooks.`,
      place,
    );
  const body = await readBody(request, "webhook");
  const message = await provider.webhook.read({ body, headers: request.headers, now: runtime.clock.now() });
  const key = `seen:${await digest("message", name, message.id)}`;
  const seen = await storeCall(runtime.clock, `reading of record ${key}`, () => runtime.store.read(key));
  if (seen) return { event: message.event, duplicate: true, connections: [] };
  const connections = new Set<string>();
  for (const effect of message.effects)
    for (const stored of await byRef(runtime, registration, effect.ref)) {
      connections.add(stored.row.id);
      await apply(runtime, renewal, registration, stored, effect);
    }
  const receipt = { event: message.event, duplicate: false, connections: [...connections] };
  await handle?.(receipt);
  const expiresAt = runtime.clock.now() + remembered;
  const index = { registration: name, dueAt: expiresAt, expiresAt };
  await storeCall(runtime.clock, `writing of record ${key}`, () =>
    runtime.store.write(key, JSON.stringify({ format: 1, at: runtime.clock.now() }), { ifVersion: "absent", index }),
  );
  return receipt;
}

async function apply(
  runtime: Runtime,
  renewal: Renewal,
  registration: Registration,
  stored: StoredRow,
  effect: WebhookEffect,
): Promise<void> {
  if (effect.effect === "ended") return endConnection(runtime, stored, effect.reason);
  await confirmConsent(runtime, renewal, registration, stored, effect.hint);
}

async function byRef(runtime: Runtime, registration: Registration, ref: string): Promise<StoredRow[]> {
  const found: StoredRow[] = [];
  const digestOfRef = await refDigest(registration, ref);
  let cursor: string | undefined;
  do {
    const query = {
      prefix: "connection:",
      registration: registration.name,
      ref: digestOfRef,
      limit: 100,
      ...(cursor !== undefined && { cursor }),
    };
    const page = await storeCall(runtime.clock, "listing of connections", () => runtime.store.list(query));
    for (const item of page.items) found.push(runtime.rows.parse(item));
    cursor = page.cursor;
  } while (cursor !== undefined);
  return found;
}
