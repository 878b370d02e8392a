/** The listeners of a store's `watch`, by what they listen to: the record's key, or whatever the backend names it by. */
export class Listeners {
  readonly #byName = new Map<string, Set<() => void>>();

  /** How many names are listened to. */
  get size(): number {
    return this.#byName.size;
  }

  has(name: string): boolean {
    return this.#byName.has(name);
  }

  /** @returns Takes the listener away; again does nothing. */
  add(name: string, listener: () => void): () => void {
    // One of its own for every call, so that stopping it does not stop another call's with the same function.
    const own = () => listener();
    const present = this.#byName.get(name) ?? new Set();
    this.#byName.set(name, present.add(own));
    return () => {
      present.delete(own);
      if (present.size === 0 && this.#byName.get(name) === present) this.#byName.delete(name);
    };
  }

  /** Calls all of a name that are still there when their turn comes, whatever the others throw. */
  call(name: string): void {
    const present = this.#byName.get(name);
    for (const listener of [...(present ?? [])]) {
      if (!present?.has(listener)) continue;
      try {
        listener();
      } catch {}
    }
  }

  /** Calls all: after a time in which changes may have passed by. */
  callAll(): void {
    for (const name of [...this.#byName.keys()]) this.call(name);
  }

  clear(): void {
    for (const present of this.#byName.values()) present.clear();
    this.#byName.clear();
  }
}
