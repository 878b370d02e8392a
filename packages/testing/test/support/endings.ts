/** What the tests of the present file leave behind. Modules are shared by the files of one worker; hooks in them are not. */
const endings: (() => unknown)[] = [];

/** Runs `end` after the tests of the file, the last one first. Unlike `afterAll` it may be called within a test. */
export function afterFile(end: () => unknown): void {
  endings.push(end);
}

/** Called after each file; see `setup.ts`. */
export async function endFile(): Promise<void> {
  for (const end of endings.splice(0).reverse()) await end();
}
