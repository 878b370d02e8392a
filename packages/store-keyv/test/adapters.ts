/** Adapters of the kinds that Keyv takes, which do wrong what is asked of them. Data is in `data`, as a server would have it. */
export class Unreliable {
  readonly data = new Map<string, unknown>();
  readonly log: string[] = [];
  /** What the next calls do, by the name of the method, until it is taken away. */
  readonly faults = new Map<string, (key: string, value?: unknown) => unknown>();
  readonly opts = {};
  #listeners: ((error: unknown) => void)[] = [];

  on(event: string, listener: (error: unknown) => void): void {
    if (event === "error") this.#listeners.push(listener);
  }

  emit(error: unknown): void {
    for (const listener of this.#listeners) listener(error);
  }

  async get(key: string): Promise<unknown> {
    return await this.#do("get", key, () => this.data.get(key));
  }

  async set(key: string, value: unknown, ttl?: number): Promise<unknown> {
    if (ttl !== undefined) this.log.push(`ttl ${ttl}`);
    return await this.#do("set", key, () => this.data.set(key, value) && true, value);
  }

  async delete(key: string): Promise<unknown> {
    return await this.#do("delete", key, () => this.data.delete(key));
  }

  async clear(): Promise<void> {
    this.data.clear();
  }

  async #do(method: string, key: string, work: () => unknown, value?: unknown): Promise<unknown> {
    this.log.push(`${method} ${key.replace(/[0-9a-f]{8}-.*/, "...").replace(/shelf-\d+/, "shelf")}`);
    await new Promise(setImmediate);
    const fault = this.faults.get(method);
    return fault ? fault(key, value) : work();
  }
}
