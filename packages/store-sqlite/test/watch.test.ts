import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { sqliteStore } from "../src/index.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

const directory = temporaryDirectory();

test("G07 a watcher hears of what another connection wrote and removed, of its own key alone, until the store is closed", async () => {
  const path = join(directory, "store.db");
  const [one, other] = [sqliteStore(path), sqliteStore(path)];
  let version = await other.write("a", "1", { ifVersion: "absent" });
  expect((await one.read("a"))?.version).toBe(version);
  const heard = { a: 0, b: 0 };
  one.watch?.("a", () => heard.a++);
  one.watch?.("b", () => heard.b++);
  version = await other.write("a", "2", { ifVersion: version });
  await expect.poll(() => heard).toEqual({ a: 1, b: 0 });
  expect(await other.write("a", "3", { ifVersion: "stale" })).toBe("conflict");
  await other.write("b", "1", { ifVersion: "absent" });
  await expect.poll(() => heard).toEqual({ a: 1, b: 1 });
  await other.remove("a", { ifVersion: version });
  await expect.poll(() => heard).toEqual({ a: 2, b: 1 });
  await one.close();
  expect(() => one.watch?.("a", () => {})).toThrow("is closed");
  await other.write("b", "2", { ifVersion: String((await other.read("b"))?.version) });
  await other.close();
  expect(heard).toEqual({ a: 2, b: 1 });
});

test("G07 a watcher hears of what another process wrote", async () => {
  const path = join(directory, "processes.db");
  const store = sqliteStore(path);
  expect(await store.read("other latest")).toBeUndefined();
  let heard = 0;
  store.watch?.("other latest", () => heard++);
  const flags = ["--disable-warning=ExperimentalWarning", "--conditions=@linkwright/source"];
  const program = fileURLToPath(new URL("./writer-process.ts", import.meta.url));
  const child = spawn(process.execPath, [...flags, program, path, "other"], { timeout: 60_000, stdio: "ignore" });
  const ended = once(child, "close");
  await expect.poll(() => heard, { timeout: 30_000 }).toBeGreaterThan(3);
  child.kill("SIGKILL");
  await ended;
  await store.close();
});

test("a watch opens no file, and one that is gone fails no watch", async () => {
  const path = join(directory, "gone.db");
  const store = sqliteStore(path);
  const stop = store.watch?.("key", () => {});
  stop?.();
  expect(existsSync(path)).toBe(false);
  await store.write("key", "1", { ifVersion: "absent" });
  rmSync(path);
  store.watch?.("key", () => {})();
  await expect(store.read("key")).rejects.toThrow("was deleted, moved or replaced");
  await store.close();
});
