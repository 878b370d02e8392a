import type { Clock } from "./clock.ts";

/** Until when something must have come to a certain point; it may take longer from there on. */
export interface Deadline {
  /** The work's outcome, or a rejection where it has not come to that point in time. */
  of<T>(work: Promise<T>): Promise<T>;
  /** Called by the work at that point. @throws Where it is too late: whoever waited has gone. */
  met(): void;
}

/**
 * @param length - Milliseconds.
 * @param missed - What is said of one that was not met.
 */
export function createDeadline(clock: Clock, length: number, missed: string): Deadline {
  let cancel = () => {};
  let over = false;
  const late = () => new Error(`${missed} within ${length / 1000} s`);
  return {
    of(work) {
      const passed = new Promise<never>((_, reject) => {
        const end = () => {
          over = true;
          reject(late());
        };
        cancel = clock.after(length, end, true);
      });
      return Promise.race([work, passed]).finally(() => cancel());
    },
    met() {
      if (over) throw late();
      cancel();
    },
  };
}
