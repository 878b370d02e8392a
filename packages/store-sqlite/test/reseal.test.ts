import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { connector } from "./reseal-connector.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

const directory = temporaryDirectory();

test("G71 a process that is killed while it seals anew loses nothing, and the next one finishes", {
  timeout: 60_000,
}, async () => {
  const path = join(directory, "grants.db");
  const old = connector(path, "old");
  const rows = 400;
  for (let row = 0; row < rows; row++)
    await old.providers.bank.import({
      owner: `user_${row}`,
      accessToken: `token-${row}`,
      expiresAt: Date.now() + 3_600_000,
    });
  await old.close();

  const script = fileURLToPath(new URL("reseal-process.ts", import.meta.url));
  const flags = ["--conditions=@linkwright/source", "--disable-warning=ExperimentalWarning"];
  const child = spawn(process.execPath, [...flags, script, path], { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => {
    said += chunk;
    if (/^[1-9]\d*$/m.test(said)) child.kill("SIGKILL");
  });
  const [, signal] = await once(child, "exit");
  expect(signal).toBe("SIGKILL");
  expect(said).not.toContain("done");

  const both = connector(path, "both");
  for (let row = 0; row < rows; row++)
    for await (const connection of both.connections({ owner: `user_${row}` }))
      expect(await connection.accessToken()).toBe(`token-${row}`);
  const report = await both.reseal();
  expect(report.failed).toEqual([]);
  expect(report.current).toBeGreaterThan(0);
  expect(report.resealed).toBeGreaterThan(0);
  expect(report.current + report.resealed).toBe(rows);
  await both.close();

  const alone = connector(path, "new");
  let opened = 0;
  for (let row = 0; row < rows; row++)
    for await (const connection of alone.connections({ owner: `user_${row}` })) {
      expect(await connection.accessToken()).toBe(`token-${row}`);
      opened++;
    }
  expect(opened).toBe(rows);
  await alone.close();
});
