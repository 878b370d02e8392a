import { Listeners } from "@linkwright/store-kit";
import { digestOf } from "./channel.ts";
import type { Statement } from "./statements.ts";

/** What is used of a client of `pg`. */
export interface ListeningClient {
  connect(): Promise<unknown>;
  query(
    query: string | { readonly text: string; readonly name?: string; readonly values: unknown[] },
  ): Promise<unknown>;
  end(): Promise<void>;
  on(event: "notification", listener: (message: { payload?: string | undefined }) => void): unknown;
  on(event: "error" | "end", listener: (error?: Error) => void): unknown;
}

/** The longest pause between two tries to connect, in milliseconds. */
const longestPause = 5000;

/**
 * Hears what other processes notify, on a connection of its own that the first `watch` opens. Whenever it was not listening,
 * changes may have passed by, so a new connection calls every listener once.
 */
export class Listener {
  readonly #open: () => Promise<ListeningClient>;
  readonly #channel: string;
  readonly #onFailure: (error: unknown) => void;
  readonly #listeners = new Listeners();
  #client: ListeningClient | undefined;
  #connecting: Promise<void> | undefined;
  #retry: NodeJS.Timeout | undefined;
  #tries = 0;
  #isClosed = false;

  constructor(open: () => Promise<ListeningClient>, channel: string, onFailure: (error: unknown) => void) {
    this.#open = open;
    this.#channel = channel;
    this.#onFailure = onFailure;
  }

  watch(key: string, listener: () => void): () => void {
    const stop = this.#listeners.add(digestOf(key), listener);
    if (!this.#client && !this.#retry) this.#connect();
    return stop;
  }

  /** Runs a statement on the connection that listens, at once; `undefined` where there is none. */
  query(statement: Statement, values: unknown[]): Promise<unknown> | undefined {
    return this.#client?.query({ ...statement, values });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#listeners.clear();
    clearTimeout(this.#retry);
    await this.#connecting;
    await this.#client?.end().catch(() => {});
  }

  #connect(): void {
    this.#connecting ??= this.#listen().finally(() => {
      this.#connecting = undefined;
    });
  }

  async #listen(): Promise<void> {
    let client: ListeningClient | undefined;
    try {
      client = await this.#open();
      const lost = (error?: Error) => this.#lost(client, error);
      client.on("error", lost);
      client.on("end", lost);
      client.on("notification", ({ payload }) => this.#listeners.call(payload ?? ""));
      await client.connect();
      await client.query(`LISTEN ${this.#channel}`);
      if (this.#isClosed) return await client.end();
      this.#client = client;
      this.#tries = 0;
      this.#listeners.callAll();
    } catch (error) {
      await client?.end().catch(() => {});
      this.#again(error);
    }
  }

  #lost(client: ListeningClient | undefined, error: Error | undefined): void {
    if (this.#client !== client || client === undefined) return;
    this.#client = undefined;
    client.end().catch(() => {});
    this.#again(error);
  }

  #again(error: unknown): void {
    if (this.#isClosed) return;
    if (error && this.#tries > 0) this.#onFailure(error);
    const pause = Math.min(100 * 2 ** this.#tries++, longestPause);
    this.#retry = setTimeout(
      () => {
        this.#retry = undefined;
        this.#connect();
      },
      pause * (0.5 + Math.random() / 2),
    );
    // Nobody waits for a push alone, so trying to get one keeps no process alive.
    this.#retry.unref();
  }
}
