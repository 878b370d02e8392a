import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

/** A directory for the tests of one file, removed after the last of them. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "linkwright-"));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
