import type { Clock } from "./clock.ts";
import { tell } from "./events.ts";
import type { MaintainOptions, Report } from "./maintenance.ts";

/** Sweeps by a timer, for applications that have no scheduler of their own. Any number of processes may do so at once. */
export interface ScheduleOptions extends Omit<MaintainOptions, "signal"> {
  /** Milliseconds from the end of one sweep to the beginning of the next, give or take a tenth; a minute by default. */
  readonly every?: number;
  readonly onReport?: (report: Report) => unknown;
  /** A sweep that failed as a whole, such as for want of the store; the next one tries again. */
  readonly onError?: (error: unknown) => unknown;
}

/** @returns Stops sweeping; resolves when a sweep under way has come to its end. */
export function scheduleMaintenance(
  clock: Clock,
  maintain: (options: MaintainOptions) => Promise<Report>,
  { every = 60_000, onReport, onError, ...options }: ScheduleOptions = {},
): () => Promise<void> {
  const stopping = new AbortController();
  let sweeping: Promise<void> = Promise.resolve();

  async function sweep(): Promise<void> {
    try {
      tell(onReport, await maintain({ ...options, signal: stopping.signal }));
    } catch (error) {
      tell(onError, error);
    }
  }

  // Machines that start together drift apart.
  const pause = () => every * (0.9 + 0.2 * Math.random());
  let cancel = clock.after(pause(), tick);
  function tick(): void {
    sweeping = sweep().then(() => {
      if (!stopping.signal.aborted) cancel = clock.after(pause(), tick);
    });
  }

  return async () => {
    stopping.abort();
    cancel();
    await sweeping;
  };
}
