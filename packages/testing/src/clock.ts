import type { Clock } from "@linkwright/core";

/** A clock that a test moves by hand. Everything in this package that expires reads one. */
export interface VirtualClock extends Clock {
  /**
   * Moves time forward by `ms` milliseconds and fires, in order, every timer that falls due on the way. Between two
   * timers one macrotask turn passes, so that what a timer starts can set further timers within the same span. Work on
   * the network is not waited for. Calls queue behind each other.
   *
   * @throws RangeError where `ms` is negative or not a number.
   */
  advance(ms: number): Promise<void>;
}

/** What the clock shows, and whether it runs. */
export interface VirtualClockOptions {
  /** What the clock shows at first. Default: 2026-01-15T02:03:04Z; the present where the clock is `running`. */
  readonly start?: string | number | Date;
  /** Whether time also flows by itself. Default: it stands still until `advance`. */
  readonly running?: boolean;
  /**
   * Awaited between two timers of one `advance`. Default: a macrotask turn, which is enough for work in memory; work that
   * leaves the thread (cryptography, a socket) needs something longer to be done within the span.
   */
  readonly settle?: () => Promise<void>;
}

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

const defaultStart = Date.parse("2026-01-15T02:03:04Z");

/** The longest delay a timer of the platform takes. */
const longestDelay = 2 ** 31 - 1;

/**
 * A clock for tests: a month passes in a microsecond.
 *
 * ```ts
 * const clock = virtualClock();
 * const sim = await simulateAuthorizationServer({ clock });
 * await clock.advance(3_600_000); // every access token has expired
 * ```
 *
 * @throws RangeError where `start` is no date.
 */
export function virtualClock(options: VirtualClockOptions = {}): VirtualClock {
  const { running = false, settle = turn } = options;
  const start = new Date(options.start ?? (running ? Date.now() : defaultStart)).getTime();
  if (Number.isNaN(start)) throw new RangeError(`not a date: ${String(options.start)}`);

  const startedAt = performance.now();
  let skipped = 0;
  const elapsed = () => skipped + (running ? performance.now() - startedAt : 0);

  const timers: Timer[] = [];
  let alarm: ReturnType<typeof setTimeout> | undefined;

  /** Where the clock runs, wakes up for the earliest timer; a wake-up that comes early or after a jump arms again. */
  function arm(): void {
    if (!running) return;
    clearTimeout(alarm);
    const next = timers[0];
    if (!next) return;
    alarm = setTimeout(ring, Math.min(Math.max(next.at - elapsed(), 0), longestDelay));
    alarm.unref();
  }

  function ring(): void {
    const due = timers.filter((timer) => timer.at <= elapsed());
    timers.splice(0, due.length);
    arm();
    for (const timer of due) timer.callback();
  }

  async function leap(ms: number): Promise<void> {
    const target = elapsed() + ms;
    await settle();
    for (let next = timers[0]; next && next.at <= target; next = timers[0]) {
      timers.shift();
      skipped += Math.max(0, next.at - elapsed());
      next.callback();
      await settle();
    }
    skipped += Math.max(0, target - elapsed());
    arm();
  }

  let advancing: Promise<void> = Promise.resolve();

  return {
    now: () => Math.floor(start + elapsed()),
    monotonic: () => elapsed(),
    after(delay, callback) {
      const timer: Timer = { at: elapsed() + Math.max(delay, 0), callback };
      const later = timers.findIndex((other) => other.at > timer.at);
      timers.splice(later < 0 ? timers.length : later, 0, timer);
      arm();
      return () => {
        const index = timers.indexOf(timer);
        if (index < 0) return;
        timers.splice(index, 1);
        arm();
      };
    },
    advance(ms) {
      if (!(ms >= 0)) throw new RangeError(`time only moves forward: ${ms}`);
      const done = advancing.then(() => leap(ms));
      advancing = done.catch(() => {});
      return done;
    },
  };
}

/** The same clock on a machine whose wall clock is wrong by `ms` milliseconds; timers and `monotonic` are shared. */
export function skewed<C extends Clock>(clock: C, ms: number): C {
  return { ...clock, now: () => clock.now() + ms };
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
