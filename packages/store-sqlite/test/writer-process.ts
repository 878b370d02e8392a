import { writeSync } from "node:fs";
import { sqliteStore } from "../src/index.ts";

// Writes until it is killed, and prints what was acknowledged, each line at once.
const [path = "", name = ""] = process.argv.slice(2);
const store = sqliteStore({ path, lockTimeout: 60_000 });
const latest = `${name} latest`;
let version = await acknowledged(latest, "0", "absent");
for (let n = 1; n < 100_000; n++) {
  const key = `${name} ${n}`;
  await acknowledged(key, `${key} ${"x".repeat(3000)}`, "absent");
  version = await acknowledged(latest, `${n}`, version);
}

async function acknowledged(key: string, value: string, ifVersion: string): Promise<string> {
  const written = await store.write(key, value, { ifVersion, index: { owner: name, refs: [`ref of ${key}`] } });
  if (written === "conflict") throw new Error(`${key} was written by somebody else.`);
  writeSync(1, `${JSON.stringify([key, value, written])}\n`);
  return written;
}
