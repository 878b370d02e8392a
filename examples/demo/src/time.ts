import { setTimeout as pause } from "node:timers/promises";
import type { VirtualClock } from "@linkwright/testing";

export const minutes = (count: number): number => count * 60_000;
export const days = (count: number): number => count * 86_400_000;

/**
 * Lets time fly while `work` waits for it: fiftyfold. Not all at once, since deadlines of requests under way run by the
 * same clock.
 */
export async function whileTimeFlies<T>(clock: VirtualClock, work: Promise<T>): Promise<T> {
  let settled = false;
  const watched = work.finally(() => {
    settled = true;
  });
  watched.catch(() => {});
  while (!settled) {
    await clock.advance(250);
    await pause(5);
  }
  return watched;
}
