/** The events that Fiskl documents. */
export const eventTypes = [
  "invoice.created",
  "invoice.updated",
  "invoice.deleted",
  "invoice.sent",
  "invoice.paid",
  "invoice.partial",
  "invoice.overdue",
  "invoice.rejected",
  "client.created",
  "client.updated",
  "client.deleted",
  "quote.created",
  "quote.updated",
  "quote.deleted",
  "payment.created",
  "payment.deleted",
] as const;

/** The types of messages that Fiskl documents. */
export type FisklEventType = (typeof eventTypes)[number];

/**
 * A verified message. `type` is one of the documented events, or `"unknown"` for one that this release does not know; what
 * Fiskl called it is in `name` either way.
 *
 * @example
 * ```ts
 * await connector.providers.books.webhook(request, {
 *   handle({ event }) {
 *     switch (event.type) {
 *       case "invoice.paid":
 *         return settle(event.data);
 *       default:
 *         return; // also events that Fiskl may add
 *     }
 *   },
 * });
 * ```
 */
export type FisklEvent = { readonly [Type in FisklEventType | "unknown"]: FisklEventOf<Type> }[
  | FisklEventType
  | "unknown"];

/** A message of one type. */
export interface FisklEventOf<Type extends string> {
  /** `msg_...`. */
  readonly id: string;
  readonly type: Type;
  /** The type as Fiskl wrote it. */
  readonly name: string;
  /** When it happened: ISO 8601. */
  readonly createdAt: string;
  /** The same as the matching `GET /v1/...` answers. Money is in minor units: 15000 is 150.00. */
  readonly data: Readonly<Record<string, unknown>>;
}
