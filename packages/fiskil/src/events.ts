import type { WebhookEffect } from "@linkwright/core";
import * as z from "zod";
import { refs } from "./refs.ts";

/**
 * A message of Fiskil's, read. Branch on `type`; what is neither about a consent nor about data that can be read now is
 * `"unknown"`, with Fiskil's own name for it in `name`.
 */
export type FiskilEvent = ConsentEvent | SyncEvent | UnknownEvent;

interface Envelope {
  readonly messageId: string;
  /** Counts the deliveries of one message, from 1. */
  readonly deliveryAttempt?: number | undefined;
  /** Epoch milliseconds. */
  readonly publishedAt?: number | undefined;
  /** All members of the message's `data`, under Fiskil's names. */
  readonly data: Readonly<Record<string, unknown>>;
}

interface OfEndUser extends Envelope {
  readonly endUserId: string;
  readonly institutionId?: string | undefined;
  readonly clientId?: string | undefined;
  readonly consentId?: string | undefined;
}

/** A consent was given, was changed, or ended: by expiry or by revocation, which Fiskil tells alike. */
export interface ConsentEvent extends OfEndUser {
  readonly type: "consent.received" | "consent.updated" | "consent.revoked";
}

/** Data can be read now. Fiskil adds kinds of data at any time, so the documented ones are suggested and any is let through. */
export interface SyncEvent extends OfEndUser {
  readonly type: `${DocumentedData}.sync.completed` | (`${string}.sync.completed` & {});
  /** With accounts, balances and transactions. */
  readonly accountIds?: readonly string[] | undefined;
  /** With payees. */
  readonly payeeIds?: readonly string[] | undefined;
}

/** Anything else, also a known event that lacks its end user. */
export interface UnknownEvent extends Envelope {
  readonly type: "unknown";
  /** Empty where Fiskil gave none. */
  readonly name: string;
  readonly endUserId?: string | undefined;
}

type DocumentedData =
  | "common.identity"
  | `banking.${"accounts" | "balances" | "transactions.basic" | "transactions" | "payees" | "directdebits" | "scheduledpayments" | "products"}`
  | `energy.${"billing" | "usage" | "servicepoints" | "accounts" | "concessions" | "der" | "invoices" | "paymentschedules" | "plans"}`;

const id = z.string().min(1).optional().catch(undefined);
const ids = z.array(z.string()).optional().catch(undefined);
const count = z.number().optional().catch(undefined);

const envelope = z.object({
  message_id: z.string().min(1),
  publish_time: id,
  delivery_attempt: count,
  data: z.record(z.string(), z.unknown()).catch({}),
});

const details = z.object({
  event: z.string().catch(""),
  end_user_id: id,
  institution_id: id,
  client_id: id,
  consent_id: id,
  account_ids: ids,
  payee_ids: ids,
});

/** Reads a message's body; `undefined` for one that is not Fiskil's envelope. */
export function readEvent(json: unknown): FiskilEvent | undefined {
  const { success, data: message } = envelope.safeParse(json);
  if (!success) return undefined;
  const publishedAt = Date.parse(message.publish_time ?? "");
  const common: Envelope = {
    messageId: message.message_id,
    deliveryAttempt: message.delivery_attempt,
    publishedAt: Number.isNaN(publishedAt) ? undefined : publishedAt,
    data: message.data,
  };
  const of = details.parse(message.data);
  const { event: name, end_user_id: endUserId } = of;
  if (!endUserId || !isKnown(name)) return { type: "unknown", name, endUserId, ...common };
  return {
    ...common,
    type: name,
    endUserId,
    institutionId: of.institution_id,
    clientId: of.client_id,
    consentId: of.consent_id,
    ...(isSync(name) && { accountIds: of.account_ids, payeeIds: of.payee_ids }),
  };
}

const isSync = (name: string): name is SyncEvent["type"] => name.endsWith(".sync.completed");

const isKnown = (name: string): name is SyncEvent["type"] | ConsentEvent["type"] =>
  isSync(name) || /^consent\.(received|updated|revoked)$/.test(name);

/**
 * What an event means for connections. A message is believed for what it says: that a consent came or changed is asked after,
 * and only a revocation by consent id ends a connection by itself.
 */
export function effectsOf(event: FiskilEvent): readonly WebhookEffect[] {
  switch (event.type) {
    case "consent.received":
    case "consent.updated": {
      const { endUserId, consentId, institutionId, publishedAt, deliveryAttempt } = event;
      const hint = {
        // Whether a retry keeps the time at which the message was published is not documented.
        ...(consentId !== undefined && deliveryAttempt === 1 && { consentId }),
        ...(institutionId !== undefined && { institutionId }),
        ...(publishedAt !== undefined && { publishedAt: String(publishedAt) }),
      };
      return [{ ref: refs.endUser(endUserId), effect: "confirm", hint }];
    }
    case "consent.revoked": {
      const ended =
        event.consentId === undefined
          ? []
          : [{ ref: refs.consent(event.consentId), effect: "ended", reason: "consent_ended" } as const];
      // A connection that never learned its consent id is found by its user, and asked after.
      return [...ended, { ref: refs.endUser(event.endUserId), effect: "confirm" }];
    }
    default:
      return [];
  }
}
