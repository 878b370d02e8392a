import { Listeners } from "@linkwright/store-kit";

/** How often the file is looked at while somebody watches, in milliseconds: a look costs some microseconds. */
const interval = 3;

/** After a look that took long, so many times as long passes before the next one. */
const rest = 20;

/** How a watcher looks at the file. */
export interface Sight {
  /** Another value whenever another connection has changed the file. */
  changes(): unknown;
  /** The version of the record, if there is one. */
  versionOf(key: string): unknown;
}

/** Not seen yet, so what happened before is not known. */
const unseen = Symbol("unseen");

/**
 * Finds out what other connections wrote, as SQLite tells nobody: it counts the commits to the file in shared memory, and that
 * count is looked at as long as there are listeners. Where it has moved, the watched records' versions are compared.
 */
export class Watcher {
  readonly #sight: () => Sight | undefined;
  readonly #listeners = new Listeners();
  /** At which version each watched record was seen last. */
  readonly #versions = new Map<string, unknown>();
  #changes: unknown = unseen;
  #timer: NodeJS.Timeout | undefined;

  /** @param sight - Gives nothing while the file is not open. */
  constructor(sight: () => Sight | undefined) {
    this.#sight = sight;
  }

  watch(key: string, listener: () => void): () => void {
    if (!this.#listeners.has(key)) this.#versions.set(key, this.#present(key));
    const stop = this.#listeners.add(key, listener);
    this.#timer ??= this.#after(interval);
    return () => {
      stop();
      if (!this.#listeners.has(key)) this.#versions.delete(key);
      if (this.#listeners.size === 0) this.close();
    };
  }

  /** Calls the listeners of a record that this store itself changed, which no count tells of. */
  changed(key: string): void {
    if (!this.#listeners.has(key)) return;
    this.#versions.set(key, this.#present(key));
    this.#listeners.call(key);
  }

  /** Forgets all listeners. */
  close(): void {
    this.#listeners.clear();
    this.#versions.clear();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#changes = unseen;
  }

  #after(pause: number): NodeJS.Timeout {
    const timer = setTimeout(() => {
      const began = performance.now();
      this.#look();
      // A listener may have stopped the last one, or all.
      if (this.#timer !== timer) return;
      this.#timer = this.#after(Math.max(interval, rest * (performance.now() - began)));
    }, pause);
    // Nobody waits for a push alone, so looking for one keeps no process alive.
    return timer.unref();
  }

  #look(): void {
    try {
      const sight = this.#sight();
      if (!sight) return;
      const changes = sight.changes();
      if (changes === this.#changes) return;
      this.#changes = changes;
      for (const [key, before] of [...this.#versions]) {
        const version = sight.versionOf(key);
        if (version === before || !this.#listeners.has(key)) continue;
        this.#versions.set(key, version);
        this.#listeners.call(key);
      }
    } catch {
      // A call that needs the file will say what is wrong with it. Whatever happens meanwhile may go unseen.
      this.#changes = unseen;
    }
  }

  #present(key: string): unknown {
    try {
      const sight = this.#sight();
      return sight ? sight.versionOf(key) : unseen;
    } catch {
      return unseen;
    }
  }
}
