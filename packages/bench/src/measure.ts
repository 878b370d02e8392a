/** Measuring: contestants take turns within a round, so that what the machine does meanwhile meets all of them. */

export interface Contestant {
  readonly name: string;
  /** Does the work so many times, one after the other. The loop is the contestant's own, so that each is compiled for itself. */
  run(times: number): Promise<unknown> | unknown;
  /** Called before each turn, outside the measured time. */
  prepare?(): Promise<unknown> | unknown;
}

export interface RaceOptions {
  readonly rounds?: number;
  /** About how long one turn of a contestant takes: milliseconds. */
  readonly turn?: number;
  /** How often a turn does the work, where it is not to follow from `turn`. */
  readonly times?: number;
  /** How often each does the work before anything is measured. */
  readonly warmUp?: number;
}

/** Milliseconds for doing the work once: of each contestant, one number a round. */
export type Samples = ReadonlyMap<string, readonly number[]>;

/** Lets the contestants take turns: A B C, then B C A, and so on. */
export async function race(contestants: readonly Contestant[], options: RaceOptions = {}): Promise<Samples> {
  const { rounds = 15, turn = 30, warmUp = 200 } = options;
  const samples = new Map<string, number[]>(contestants.map(({ name }) => [name, []]));
  const times = new Map<string, number>();
  for (const contestant of contestants) {
    await timed(contestant, Math.max(1, warmUp));
    const probe = Math.max(1, Math.ceil(warmUp / 4));
    const once = (await timed(contestant, probe)) / probe;
    times.set(contestant.name, options.times ?? Math.max(1, Math.round(turn / once)));
  }
  for (let round = 0; round < rounds; round++) {
    const first = round % contestants.length;
    for (const contestant of [...contestants.slice(first), ...contestants.slice(0, first)]) {
      const count = times.get(contestant.name) ?? 1;
      samples.get(contestant.name)?.push((await timed(contestant, count)) / count);
    }
  }
  return samples;
}

async function timed(contestant: Contestant, times: number): Promise<number> {
  await contestant.prepare?.();
  const began = performance.now();
  await contestant.run(times);
  return performance.now() - began;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}

/** The median of a contestant's rounds, in milliseconds. */
export function medianOf(samples: Samples, name: string): number {
  return median(samples.get(name) ?? []);
}

/** How many times as long one contestant takes as another: the median over the rounds, each with its own neighbour. */
export function ratioOf(samples: Samples, name: string, floor: string): number {
  const below = samples.get(floor) ?? [];
  return median((samples.get(name) ?? []).map((value, round) => value / (below[round] ?? Number.NaN)));
}

/**
 * Bytes of heap that one call leaves behind for the collector. Few calls at a time, so that no collection comes between; a
 * sample in which one did is low or negative and falls out of the median.
 */
export async function bytesPerCall(contestant: Contestant, calls = 400): Promise<number> {
  await contestant.run(2000);
  const samples: number[] = [];
  for (let sample = 0; sample < 15; sample++) {
    collect();
    const before = process.memoryUsage().heapUsed;
    await contestant.run(calls);
    const after = process.memoryUsage().heapUsed;
    collect();
    const idleBefore = process.memoryUsage().heapUsed;
    await contestant.run(0);
    const idle = process.memoryUsage().heapUsed - idleBefore;
    samples.push((after - before - idle) / calls);
  }
  return median(samples);
}

/** Bytes of heap in use after everything that can go has gone. */
export async function heapInUse(): Promise<number> {
  for (let turn = 0; turn < 4; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
    collect();
  }
  return process.memoryUsage().heapUsed;
}

function collect(): void {
  if (!globalThis.gc) throw new Error("bytes are counted under --expose-gc alone");
  globalThis.gc();
}

/** Does the work `times` times in all, by so many callers at once. */
export async function atOnce(callers: number, times: number, work: (turn: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const caller = async () => {
    for (let turn = next++; turn < times; turn = next++) await work(turn);
  };
  await Promise.all(Array.from({ length: Math.min(callers, times) }, caller));
}
