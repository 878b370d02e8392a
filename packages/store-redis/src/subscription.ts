import { Listeners } from "@linkwright/store-kit";
import type { RedisSubscriber } from "./options.ts";

/**
 * Hears the keys of changed records, on a connection of its own that the first `watch` opens. Whenever it was not subscribed,
 * changes may have passed by, so each new connection calls every listener once.
 */
export class Subscription {
  readonly #open: () => Promise<RedisSubscriber>;
  readonly #channel: string;
  readonly #listeners = new Listeners();
  #client: RedisSubscriber | undefined;
  #isOpening = false;
  #retry: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(open: () => Promise<RedisSubscriber>, channel: string) {
    this.#open = open;
    this.#channel = channel;
  }

  watch(key: string, listener: () => void): () => void {
    const stop = this.#listeners.add(key, listener);
    void this.#subscribe();
    return stop;
  }

  close(): void {
    this.#isClosed = true;
    this.#listeners.clear();
    clearTimeout(this.#retry);
    this.#drop();
  }

  async #subscribe(): Promise<void> {
    if (this.#client || this.#isOpening || this.#retry || this.#isClosed) return;
    this.#isOpening = true;
    let isSubscribed = false;
    try {
      const client = await this.#open();
      this.#client = client;
      client.on("error", () => {});
      // The driver connects again on its own, subscribes again, and is then ready once more.
      client.on("ready", () => {
        if (isSubscribed) this.#listeners.callAll();
      });
      if (this.#isClosed) return this.#drop();
      await soon(client.connect());
      await soon(client.subscribe(this.#channel, (key) => this.#listeners.call(key)));
      isSubscribed = true;
      this.#listeners.callAll();
    } catch {
      this.#drop();
      this.#again();
    } finally {
      this.#isOpening = false;
    }
  }

  /** Nobody waits for a push alone, so trying to get one keeps no process alive. */
  #again(): void {
    if (this.#isClosed) return;
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      void this.#subscribe();
    }, 1000);
    this.#retry.unref();
  }

  #drop(): void {
    // Throws where it was never connected, or is ended already.
    try {
      this.#client?.destroy();
    } catch {}
    this.#client = undefined;
  }
}

/** How long a subscription may take to stand: milliseconds. A connection may be accepted by something that never answers. */
const patience = 5000;

async function soon<T>(work: Promise<T>): Promise<T> {
  let late: NodeJS.Timeout | undefined;
  const over = new Promise<never>((_, reject) => {
    late = setTimeout(() => reject(new Error("no answer")), patience);
    late.unref();
  });
  try {
    return await Promise.race([work, over]);
  } finally {
    clearTimeout(late);
  }
}
