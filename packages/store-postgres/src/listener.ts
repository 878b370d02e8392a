import { Listeners } from "@linkwright/store-kit";
import { digestOf } from "./channel.ts";
import { isUnanswered } from "./faults.ts";
import type { Statement } from "./statements.ts";

/** What is used of a client of `pg`. */
export interface ListeningClient {
  connect(): Promise<unknown>;
  query(
    query: string | { readonly text: string; readonly name?: string; readonly values: unknown[] },
  ): Promise<unknown>;
  end(): Promise<void>;
  /** Not there on a client that is not written in JavaScript. */
  readonly connection?: { readonly stream: { destroy(): unknown } };
  on(event: "notification", listener: (message: { payload?: string | undefined }) => void): unknown;
  on(event: "error" | "end", listener: (error?: Error) => void): unknown;
}

/** The longest pause between two tries to connect, in milliseconds. */
const longestPause = 5000;

/** How long the other side may take to close its end of the connection as well, in milliseconds. */
const longestEnd = 1000;

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

  /**
   * Runs a statement on the connection that listens, at once; `undefined` where there is none. A connection on which nothing
   * is answered hears nothing either, and is given up.
   */
  query(statement: Statement, values: unknown[]): Promise<unknown> | undefined {
    const client = this.#client;
    return client?.query({ ...statement, values }).catch((error: Error) => {
      if (isUnanswered(error)) this.#lost(client, error);
      throw error;
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#listeners.clear();
    clearTimeout(this.#retry);
    await this.#connecting;
    if (this.#client) await ended(this.#client);
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
      if (this.#isClosed) return await ended(client);
      this.#client = client;
      this.#tries = 0;
      this.#listeners.callAll();
    } catch (error) {
      if (client) await ended(client);
      this.#again(error);
    }
  }

  #lost(client: ListeningClient | undefined, error: Error | undefined): void {
    if (this.#client !== client || client === undefined) return;
    this.#client = undefined;
    void ended(client);
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

/** Ends the connection, and cuts it where the other side does not close its end, as it does not where it went silent. */
function ended(client: ListeningClient): Promise<void> {
  return new Promise((resolve) => {
    const late = setTimeout(() => {
      client.connection?.stream.destroy();
      resolve();
    }, longestEnd);
    const over = () => {
      clearTimeout(late);
      resolve();
    };
    client.end().then(over, over);
  });
}
