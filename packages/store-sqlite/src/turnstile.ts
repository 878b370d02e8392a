import { setImmediate, setTimeout } from "node:timers/promises";
import { isBusy, stillBusy } from "./faults.ts";

/** For how long calls follow one another, in milliseconds, before the event loop turns. */
const stretch = 10;

/**
 * Lets calls through to the file one at a time, in order. The driver is synchronous, so two things are kept from holding
 * the event loop up: many calls in a row, which pause for a turn; and a file that another process has locked, where the
 * first call is tried again after a pause and the others wait with it, instead of each sitting out the driver's own wait.
 */
export class Turnstile {
  readonly #path: string;
  /** Milliseconds from the call until it gives up. */
  readonly #timeout: number;
  #waiting: Call[] = [];
  #serving: Promise<void> | undefined;

  constructor(path: string, timeout: number) {
    this.#path = path;
    this.#timeout = timeout;
  }

  /**
   * What `attempt` returns, once it did not find the file locked.
   *
   * @throws What `attempt` throws; and where the file stayed locked, an error that says so.
   */
  run<Answer>(attempt: () => Answer): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const until = performance.now() + this.#timeout;
      this.#waiting.push({ until, reject, attempt: () => resolve(attempt()) });
      this.#serving ??= this.#serve();
    });
  }

  /** Resolves when no call waits any more. */
  async idle(): Promise<void> {
    await this.#serving;
  }

  async #serve(): Promise<void> {
    // Never in the caller's own turn: a loop that awaits one call after another would starve every timer and socket.
    await setImmediate();
    let turned = performance.now();
    let tries = 0;
    for (let call = this.#waiting[0]; call; call = this.#waiting[0]) {
      try {
        call.attempt();
        this.#waiting.shift();
        tries = 0;
      } catch (error) {
        if (!isBusy(error)) {
          this.#waiting.shift();
          call.reject(error);
        } else if (performance.now() < call.until) {
          // In real time, whatever clock the store was given, as others hold the lock in real time. This timer keeps the
          // process alive: a write that was asked for is not lost to an exit.
          await setTimeout(pause(tries++));
        } else {
          this.#giveUp(error);
        }
      }
      if (performance.now() - turned > stretch) {
        await setImmediate();
        turned = performance.now();
      }
    }
    this.#serving = undefined;
  }

  /** Ends every call whose time is over, without another try for each. */
  #giveUp(error: unknown): void {
    const now = performance.now();
    const over = this.#waiting.filter((call) => call.until <= now);
    this.#waiting = this.#waiting.filter((call) => call.until > now);
    for (const call of over) call.reject(stillBusy(error, this.#path, this.#timeout));
  }
}

interface Call {
  readonly until: number;
  readonly attempt: () => void;
  readonly reject: (error: unknown) => void;
}

/** Milliseconds before the next try: twice as long each time up to 50, and random, so that processes do not meet again. */
function pause(tries: number): number {
  return 1 + Math.random() * Math.min(2 ** tries, 50);
}
