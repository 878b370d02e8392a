import type { Clock } from "@linkwright/core";

/** What a webhook tells, in the provider's own members. */
export type WebhookData = Readonly<Record<string, unknown>>;

/**
 * How a message is signed. `wrong-key`: as it should be, with another key. `tampered`: the body was changed afterwards.
 * `missing`: not at all. `stale`: long ago, where the provider signs the time. `copied-sample`: as a provider's own
 * faulty sample does it, where there is one.
 */
export type WebhookSignature = "valid" | "wrong-key" | "tampered" | "missing" | "stale" | "copied-sample";

/** One attempt at a message, ready to be sent. */
export interface WebhookMessage {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** One attempt that was made. */
export interface WebhookDelivery extends WebhookMessage {
  readonly messageId: string;
  /** 1 at first. */
  readonly attempt: number;
  /** Epoch milliseconds. */
  readonly at: number;
  /** What the receiver answered; absent where it did not. */
  readonly status?: number;
}

/** How a message is signed and sent. */
export interface WebhookOptions {
  readonly signature?: WebhookSignature;
  /** Default: the next one. */
  readonly messageId?: string;
  /** How often the same message is sent. Default 1. */
  readonly copies?: number;
}

/** The sender of a provider's webhooks. */
export interface Webhooks {
  /** Where they go. While it is undefined, messages are kept in `sent` alone. */
  url: string | undefined;
  /** Every message, delivered or not, oldest first. */
  readonly sent: readonly { readonly messageId: string; readonly data: WebhookData }[];
  readonly deliveries: readonly WebhookDelivery[];
  /** Sends a message; resolves after the first attempt. Attempts that fail are repeated by the clock. */
  send(data: WebhookData, options?: WebhookOptions): Promise<void>;
  /** The message as a request, without sending it: for a handler that is called directly. */
  request(data: WebhookData, options?: WebhookOptions & { readonly url?: string; readonly attempt?: number }): Request;
  /** Keeps what comes from now on. */
  hold(): void;
  /** Sends what was kept, one after another, the newest first where `reverse` is set. */
  release(options?: { readonly reverse?: boolean }): Promise<void>;
  /** Resolves when no attempt is under way. Attempts that the clock has yet to start are not waited for. */
  settled(): Promise<void>;
}

export interface WebhookSender {
  readonly clock: Clock;
  readonly url?: string | undefined;
  /** Milliseconds from each failed attempt to the next; behind the last one the message is dropped. */
  readonly gaps: readonly number[];
  readonly nextMessageId: () => string;
  readonly compose: (
    data: WebhookData,
    attempt: { readonly messageId: string; readonly attempt: number; readonly signature: WebhookSignature },
  ) => WebhookMessage;
}

/** Real milliseconds that a receiver has to answer. */
const patience = 10_000;

export function createWebhooks({ clock, gaps, nextMessageId, compose, ...initial }: WebhookSender): Webhooks {
  const sent: { messageId: string; data: WebhookData }[] = [];
  const deliveries: WebhookDelivery[] = [];
  const underWay = new Set<Promise<void>>();
  let held: (() => Promise<void>)[] | undefined;
  /** First attempts go one after another, so that they arrive in the order of what happened. */
  let line: Promise<void> = Promise.resolve();

  function track(work: Promise<void>): Promise<void> {
    underWay.add(work);
    return work.finally(() => underWay.delete(work));
  }

  async function attempt(
    data: WebhookData,
    messageId: string,
    signature: WebhookSignature,
    number: number,
  ): Promise<void> {
    if (webhooks.url === undefined) return;
    const message = compose(data, { messageId, attempt: number, signature });
    const at = clock.now();
    const status = await post(webhooks.url, message);
    deliveries.push({ ...message, messageId, attempt: number, at, ...(status !== undefined && { status }) });
    const gap = gaps[number - 1];
    if ((status !== undefined && status >= 200 && status < 300) || gap === undefined) return;
    clock.after(gap, () => void track(attempt(data, messageId, signature, number + 1)));
  }

  const webhooks: Webhooks = {
    url: initial.url,
    sent,
    deliveries,
    send(data, { signature = "valid", messageId = nextMessageId(), copies = 1 } = {}) {
      sent.push({ messageId, data });
      const first = async () => {
        for (let copy = 0; copy < copies; copy += 1) await attempt(data, messageId, signature, 1);
      };
      if (held) {
        held.push(first);
        return Promise.resolve();
      }
      line = line.then(first);
      return track(line);
    },
    request(data, { signature = "valid", messageId = nextMessageId(), url, attempt: number = 1 } = {}) {
      const { body, headers } = compose(data, { messageId, attempt: number, signature });
      return new Request(url ?? webhooks.url ?? "https://app.example/webhooks", { method: "POST", headers, body });
    },
    hold() {
      held ??= [];
    },
    async release({ reverse = false } = {}) {
      const kept = held ?? [];
      held = undefined;
      for (const first of reverse ? kept.toReversed() : kept) await track(first());
    },
    async settled() {
      while (underWay.size > 0) await Promise.all(underWay);
    },
  };
  return webhooks;
}

/** The status, or `undefined` where nobody answered. */
async function post(url: string, { body, headers }: WebhookMessage): Promise<number | undefined> {
  try {
    const signal = AbortSignal.timeout(patience);
    const response = await fetch(url, { method: "POST", body, headers, redirect: "manual", signal });
    await response.body?.cancel();
    return response.status;
  } catch {
    return undefined;
  }
}
