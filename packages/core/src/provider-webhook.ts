import type { ReauthorizeReason } from "./faults.ts";

/** How a provider tells of its users' grants. */

/** How a provider's webhooks are read. */
export interface WebhookDefinition<Event> {
  /** Verifies and reads a message. Throws a {@link ConnectorError} for one that is not the provider's. */
  readonly read: (request: WebhookRequest) => Promise<WebhookMessage<Event>>;
}

/** A message as it came. */
export interface WebhookRequest {
  /** The body exactly as it came. */
  readonly body: Uint8Array<ArrayBuffer>;
  readonly headers: Headers;
  readonly now: number;
}

/** A message that is verified. */
export interface WebhookMessage<Event> {
  /** The message's id: the same for every delivery of one message. */
  readonly id: string;
  readonly event: Event;
  /** What it means for connections found by reference. */
  readonly effects: readonly WebhookEffect[];
}

/** What a message means for the connections that a reference names. */
export type WebhookEffect =
  /** The grant ended; no more is needed to know it. */
  | { readonly ref: string; readonly effect: "ended"; readonly reason: ReauthorizeReason }
  /** Something changed: ask the provider. */
  | { readonly ref: string; readonly effect: "confirm"; readonly hint?: Readonly<Record<string, string>> };
