/**
 * Time as the framework reads it. Injected everywhere, so that a test moves a month in a microsecond and a claim's
 * lapse is never judged by a clock that somebody set.
 */
export interface Clock {
  /** The wall clock, in epoch milliseconds. For what is stored and compared across machines. */
  now(): number;
  /** A clock that only runs forward, in milliseconds from an arbitrary start. For measuring how long something took here. */
  monotonic(): number;
  /**
   * Calls `callback` once, `delay` milliseconds from now.
   *
   * @param hold - Whether the timer keeps a process alive, since somebody waits for it; by default it does not.
   * @returns Cancels the call.
   */
  after(delay: number, callback: () => void, hold?: boolean): () => void;
}

/** The longest delay a timer of the platform takes; a longer one would fire at once. */
const longestDelay = 2 ** 31 - 1;

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delay, callback, hold = false) {
    const timer: unknown = setTimeout(callback, Math.min(Math.max(delay, 0), longestDelay));
    // Web platforms give a number; Node gives an object that would hold the process open.
    if (!hold && typeof timer === "object" && timer !== null && "unref" in timer) (timer as { unref(): void }).unref();
    return () => clearTimeout(timer as Parameters<typeof clearTimeout>[0]);
  },
};

/**
 * Resolves after `delay` milliseconds, or rejects with the signal's reason when it aborts first. Keeps the process alive: a
 * script that awaits a token would otherwise end while another process renews it.
 */
export function sleep(clock: Clock, delay: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const abort = () => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = clock.after(
      delay,
      () => {
        signal?.removeEventListener("abort", abort);
        resolve();
      },
      true,
    );
    signal?.addEventListener("abort", abort, { once: true });
  });
}

/**
 * The work's outcome, or a rejection where it takes longer than `limit` milliseconds. The work itself goes on.
 */
export function within<T>(clock: Clock, limit: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(limit, () => reject(new Error(`no answer within ${limit / 1000} s`)), true);
    work.then(
      (value) => {
        cancel();
        resolve(value);
      },
      (error: unknown) => {
        cancel();
        reject(error);
      },
    );
  });
}
