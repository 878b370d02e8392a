/** Chance that can be repeated: everything that the parent does to its workers is drawn from one seed. */
export interface Random {
  /** In [0, 1). */
  next(): number;
  /** A number in [from, to). */
  between(from: number, to: number): number;
  /** `true` this often. */
  chance(rate: number): boolean;
  /** One of them; `undefined` of none. */
  pick<T>(of: readonly T[]): T | undefined;
}

/** Mulberry32. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    next,
    between: (from, to) => from + next() * (to - from),
    chance: (rate) => next() < rate,
    pick: (of) => of[Math.floor(next() * of.length)],
  };
}
