import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { sqliteStore } from "../src/index.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

const directory = temporaryDirectory();

test("G18 processes killed while they write leave a sound file with every write that was acknowledged", async () => {
  const path = join(directory, "store.db");
  const acknowledged = new Map<string, { value: string; version: string }>();
  // Three rounds: the later ones open what killed processes left behind.
  for (let round = 0; round < 3; round++) {
    const writers = Array.from({ length: 3 }, (_, n) => killedAfter(25, path, `${round}.${n}`));
    for (const lines of await Promise.all(writers)) {
      expect(lines.length).toBeGreaterThanOrEqual(25);
      for (const line of lines) {
        const [key, value, version] = JSON.parse(line) as [string, string, string];
        acknowledged.set(key, { value, version });
      }
    }
  }

  const store = sqliteStore(path);
  for (const [key, last] of acknowledged) {
    const found = await store.read(key);
    // One further write of the killed process may have been committed and not acknowledged any more.
    const isNext = key.endsWith("latest") && found?.value === `${Number(last.value) + 1}`;
    if (!isNext) expect(found, key).toEqual(last);
    const byRef = await store.list({ prefix: key, ref: `ref of ${key}`, limit: 1 });
    expect(byRef.items, key).toHaveLength(1);
  }
  await store.close();

  const database = new DatabaseSync(path);
  expect({ ...database.prepare("PRAGMA integrity_check").get() }).toEqual({ integrity_check: "ok" });
  expect(database.prepare("PRAGMA foreign_key_check").all()).toEqual([]);
  database.close();
});

/** Runs a writer, kills it once it has acknowledged `count` writes, and gives all that it acknowledged. */
async function killedAfter(count: number, path: string, name: string): Promise<string[]> {
  const program = fileURLToPath(new URL("./writer-process.ts", import.meta.url));
  const flags = ["--disable-warning=ExperimentalWarning", "--conditions=@linkwright/source"];
  const child = spawn(process.execPath, [...flags, program, path, name], { timeout: 60_000 });
  let output = "";
  let complaint = "";
  child.stderr.on("data", (chunk: Buffer) => {
    complaint += chunk;
  });
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    output += chunk;
    if (output.split("\n").length > count) child.kill("SIGKILL");
  });
  await once(child, "close");
  expect(child.signalCode, complaint).toBe("SIGKILL");
  // A line that the kill cut off was not acknowledged to anybody.
  return output.split("\n").slice(0, -1);
}
