/** What was looked at and was as it should be. */
export const seen: string[] = [];

/** Compares two values of JSON, and remembers what was looked at. @throws Where they differ. */
export function check(what: string, is: unknown, should: unknown): void {
  const [found, expected] = [JSON.stringify(is), JSON.stringify(should)];
  if (found !== expected) throw new Error(`${what}: it is ${found} and should be ${expected}`);
  seen.push(what);
}
