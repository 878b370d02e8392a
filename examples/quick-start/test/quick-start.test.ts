import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const path = fileURLToPath(new URL("../src/main.ts", import.meta.url));

test("the quick start runs as it stands", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ["--conditions=@linkwright/source", path]);
  expect(stdout).toBe("accounts: 2\nhealth: healthy\n");
});

test("the region for the README is there, whole", () => {
  const [, region] = /\/\/ #region quick-start\n([\s\S]*?)\/\/ #endregion\n/.exec(readFileSync(path, "utf8")) ?? [];
  for (const call of ["createConnector(", ".connect(", ".complete(", ".fetch(", ".status("])
    expect(region).toContain(call);
});
