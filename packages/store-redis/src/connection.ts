import { explain, noAnswer, noConnection } from "./faults.ts";
import type { RedisClient, RedisStoreOptions, RedisSubscriber } from "./options.ts";
import type { Script } from "./scripts.ts";

/** The longest pause between two tries to connect, in milliseconds. */
const longestPause = 1000;

/** A client of the store's own can also be ended. */
type OwnClient = RedisClient & { connect(): Promise<unknown>; destroy(): unknown };

/**
 * The connection to the server, opened when first used. A call waits for it until it stands or fails to, and never in a queue
 * that is sent when the server is back: what a caller gave up is not carried out an hour later.
 */
export class Connection {
  readonly #given: RedisClient | undefined;
  readonly #url: string | undefined;
  readonly #timeout: number;
  #own: Promise<OwnClient> | undefined;
  #waiting: Promise<void> | undefined;
  #underWay = 0;
  #idle: (() => void) | undefined;

  constructor(options: RedisStoreOptions) {
    this.#given = "client" in options ? options.client : undefined;
    this.#url = "url" in options ? options.url : undefined;
    this.#timeout = options.timeout ?? 5000;
  }

  /** @throws An error that says what to do, with the driver's as `cause`. */
  async run<Answer>(command: (client: RedisClient) => Promise<Answer>): Promise<Answer> {
    this.#underWay++;
    try {
      const client = this.#given?.isReady ? this.#given : await this.#client();
      if (!client.isReady) await this.#ready(client);
      return await this.#withinTime(client, command(client));
    } catch (error) {
      throw explain(error);
    } finally {
      if (--this.#underWay === 0) this.#idle?.();
    }
  }

  /** Runs a script by its digest, and by its text where the server has not seen it, or has forgotten. */
  async script(script: Script, keys: string[], args: string[]): Promise<unknown> {
    const options = { keys, arguments: args };
    return await this.run(async (client) => {
      try {
        return await client.evalSha(script.digest, options);
      } catch (error) {
        if (!(error instanceof Error && error.message.startsWith("NOSCRIPT"))) throw error;
        return await client.eval(script.text, options);
      }
    });
  }

  /** A client for `SUBSCRIBE`, not connected yet. */
  async subscriber(): Promise<RedisSubscriber> {
    return (await this.#client()).duplicate();
  }

  /** Waits for what is under way, and disconnects the store's own client. */
  async close(): Promise<void> {
    if (this.#underWay > 0) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    }
    (await this.#own?.catch(() => undefined))?.destroy();
  }

  async #client(): Promise<RedisClient> {
    if (!this.#given) {
      this.#own ??= this.#open();
      return await this.#own;
    }
    if (this.#given.isOpen) return this.#given;
    throw new Error('The Redis store was given a "client" that is not connected. Await client.connect() before.');
  }

  async #open(): Promise<OwnClient> {
    const { createClient } = await import("redis");
    const client = createClient({
      ...(this.#url !== undefined && { url: this.#url }),
      disableOfflineQueue: true,
      // A connection that went silent is noticed also where nobody asks for anything, as with a subscription.
      pingInterval: this.#timeout,
      socket: {
        connectTimeout: this.#timeout,
        socketTimeout: 3 * this.#timeout,
        reconnectStrategy: (tries) => Math.min(50 * 2 ** tries, longestPause) * (0.5 + Math.random() / 2),
      },
    });
    // Each call is told by itself; without a listener a lost connection would end the process.
    client.on("error", () => {});
    // It connects again and again on its own, and ends only when destroyed.
    client.connect().catch(() => {});
    return client;
  }

  /** Resolves when the client is connected; rejects at its next failure to connect, and when the time is over. */
  #ready(client: RedisClient): Promise<void> {
    this.#waiting ??= new Promise<void>((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(late);
        client.off("ready", connected);
        client.off("error", failed);
        this.#waiting = undefined;
      };
      const connected = (): void => {
        settle();
        resolve();
      };
      const failed = (error?: unknown): void => {
        settle();
        reject(noConnection(error));
      };
      const late = setTimeout(() => {
        failed();
        // It may have been accepted by something that will never answer.
        void this.#abandon(client);
      }, this.#timeout);
      client.on("ready", connected);
      client.on("error", failed);
    });
    return this.#waiting;
  }

  /** Not by `Promise.race`, which alone costs as much as the rest of a call. */
  #withinTime<Answer>(client: RedisClient, answer: Promise<Answer>): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        reject(noAnswer(this.#timeout));
        // A connection that went silent may stay so for minutes before the operating system notices.
        void this.#abandon(client);
      }, this.#timeout);
      answer.then(
        (value) => {
          clearTimeout(late);
          resolve(value);
        },
        (error: unknown) => {
          clearTimeout(late);
          reject(error);
        },
      );
    });
  }

  async #abandon(client: RedisClient): Promise<void> {
    const own = await this.#own;
    if (own !== client) return;
    this.#own = undefined;
    // Throws where it was never connected.
    try {
      own.destroy();
    } catch {}
  }
}
