import { setTimeout } from "node:timers/promises";
import { digestOf } from "./channel.ts";

/** Milliseconds from one notice to the next, so that under load one tells of many changes. */
const interval = 5;

/**
 * Tells other processes what changed, behind the change and not in its transaction: commits that notify wait for one another,
 * and take several times as long. The first change is told at once, those that come soon after it together. A notice
 * that fails is lost: who waits polls besides.
 */
export class Announcer {
  readonly #send: (digests: string[]) => Promise<unknown>;
  readonly #closing = new AbortController();
  #waiting = new Set<string>();
  #sending: Promise<void> | undefined;

  constructor(send: (digests: string[]) => Promise<unknown>) {
    this.#send = send;
  }

  announce(key: string): void {
    this.#waiting.add(digestOf(key));
    this.#sending ??= this.#sendAll();
  }

  /** Resolves when what was announced has been sent. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#sending;
  }

  async #sendAll(): Promise<void> {
    while (this.#waiting.size > 0) {
      const digests = [...this.#waiting];
      this.#waiting = new Set();
      const next = this.#closing.signal.aborted ? undefined : this.#pause();
      await this.#send(digests).catch(() => {});
      await next;
    }
    this.#sending = undefined;
  }

  async #pause(): Promise<void> {
    await setTimeout(interval, undefined, { signal: this.#closing.signal }).catch(() => {});
  }
}
