import { randomUUID } from "node:crypto";

/** What is used of a `Keyv` of version 6. */
export interface KeyvInstance {
  get(key: string): Promise<unknown>;
  set(key: string, value: string, ttl?: number): Promise<boolean>;
  delete(key: string): Promise<boolean>;
  on(event: string, listener: (error: unknown) => void): unknown;
  off(event: string, listener: (error: unknown) => void): unknown;
  readonly store: unknown;
}

/**
 * A Keyv that says when it failed. Keyv itself answers `undefined`, `false` or even `true` then, as most of its adapters do,
 * and emits an `error` beside it, which names no call: so it is taken to concern every call that is under way.
 */
export class Backend {
  readonly #keyv: KeyvInstance;
  /** Milliseconds. */
  readonly #timeout: number;
  readonly #underWay = new Set<(error: Error) => void>();
  /** Calls that were given up on, and that the adapter may carry out yet. */
  readonly #dangling = new Set<Promise<unknown>>();
  readonly #onError = (cause: unknown): void => {
    const said = cause instanceof Error ? cause.message || ("code" in cause ? cause.code : cause.name) : cause;
    for (const fail of [...this.#underWay]) {
      fail(new Error(`The Keyv store's backend failed: ${said}. Whether a write took place is not known.`, { cause }));
    }
  };

  constructor(keyv: KeyvInstance, timeout: number) {
    this.#keyv = keyv;
    this.#timeout = timeout;
    // At once: without a listener, an adapter that fails to connect by itself would end the process.
    keyv.on("error", this.#onError);
  }

  /** What is under `name`. That it is `undefined` proves nothing: see `prove`. */
  async get(name: string): Promise<string | undefined> {
    const text = await this.#call(() => this.#keyv.get(name));
    if (text === undefined || typeof text === "string") return text;
    throw new Error(`The Keyv store found what it did not write, under ${name}. Give the store a Keyv of its own.`);
  }

  async set(name: string, text: string): Promise<void> {
    // A ttl of 0 is none, also where the Keyv has one of its own.
    const isSet = await this.#call(() => this.#keyv.set(name, text, 0));
    if (isSet !== true) throw new Error(`The Keyv store's backend answered ${isSet} to a write, and gave no reason.`);
  }

  /** The answer is left unread, as it is the same for what was not there and for a failure. */
  async delete(name: string): Promise<void> {
    await this.#call(() => this.#keyv.delete(name));
  }

  /**
   * Writes something and reads it back, so that an absence seen before and after is one.
   *
   * @throws An error where the backend does not give back what it was given.
   */
  async prove(name: string): Promise<void> {
    const text = randomUUID();
    await this.set(name, text);
    if ((await this.get(name)) !== text) {
      throw new Error(
        "The Keyv store's backend does not give back what was written to it, and does not say why. Can it be reached, " +
          "and does it keep what it is given?",
      );
    }
    await this.delete(name);
  }

  /** As `before`, if it comes in time and the backend does not fail meanwhile. */
  async waitFor(before: Promise<unknown>): Promise<void> {
    await this.#call(() => before, false);
  }

  /** Resolves when the adapter has answered all calls that were given up on. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#dangling);
  }

  /** Stops listening. Does not disconnect the Keyv. */
  release(): void {
    this.#keyv.off("error", this.#onError);
  }

  async #call<Answer>(call: () => Promise<Answer>, isRequest = true): Promise<Answer> {
    let fail: (error: Error) => void = () => {};
    const failed = new Promise<never>((_, reject) => {
      fail = reject;
    });
    const late = setTimeout(() => {
      fail(
        new Error(
          `The Keyv store's backend did not answer within ${this.#timeout} ms. Whether a write took place is not known.`,
        ),
      );
    }, this.#timeout);
    this.#underWay.add(fail);
    let answer: Promise<Answer> | undefined;
    try {
      answer = call();
      // Against an `error` that was emitted before the answer came, this loses.
      return await Promise.race([failed, answer]);
    } catch (error) {
      if (answer && isRequest) this.#letDangle(answer);
      throw error;
    } finally {
      clearTimeout(late);
      this.#underWay.delete(fail);
    }
  }

  #letDangle(answer: Promise<unknown>): void {
    const end = () => {
      this.#dangling.delete(settled);
    };
    const settled = answer.then(end, end);
    this.#dangling.add(settled);
  }
}

/** @throws TypeError where `keyv` is no Keyv, and where it would keep everything in memory. */
export function checkKeyv(keyv: unknown): asserts keyv is KeyvInstance {
  if (typeof keyv === "string") {
    throw new TypeError(
      "keyvStore takes a Keyv and not an address, which Keyv itself would take for memory. Give it an adapter: " +
        "keyvStore(new Keyv({ store: new KeyvRedis(url) })).",
    );
  }
  const given = (typeof keyv === "object" && keyv !== null ? keyv : {}) as Partial<KeyvInstance> & { getRaw?: unknown };
  const isKeyv = [given.get, given.set, given.delete, given.on, given.off, given.getRaw].every(
    (method) => typeof method === "function",
  );
  if (!isKeyv) {
    throw new TypeError(
      "keyvStore takes a Keyv of version 6, as in keyvStore(new Keyv({ store: new KeyvRedis(url) })).",
    );
  }
  const adapter = given.store as { store?: unknown } | undefined;
  if (adapter instanceof Map || adapter?.store instanceof Map) {
    throw new TypeError(
      "keyvStore: this Keyv keeps everything in memory, and every restart would lose your users' grants. Keyv does so " +
        'without a word where it is given an address, as in new Keyv("redis://..."), or an adapter that it does not know. ' +
        "Give it an adapter as `store`; for tests there is memoryStore() of @linkwright/core.",
    );
  }
}
