import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

/**
 * Runs the whole suite again and again, as a test that fails now and then is worth no more than one that always does.
 * `pnpm repeat --times 20`; what follows `--` goes to vitest. Ends with 1 at the first run that is not clean.
 */
const { values, positionals } = parseArgs({
  options: { times: { type: "string", default: "20" } },
  allowPositionals: true,
});
const times = Number(values.times);
const folder = mkdtempSync(join(tmpdir(), "linkwright-repeat-"));
const report = join(folder, "report.json");

for (let run = 1; run <= times && !process.exitCode; run++) {
  const began = performance.now();
  const { status, output } = await vitest();
  const { numPassedTests: passed = 0, numFailedTests: failed = 0 } = read();
  const seconds = Math.round((performance.now() - began) / 1000);
  console.log(`run ${run} of ${times}: ${passed} passed, ${failed} failed, ${seconds} s`);
  if (status === 0) continue;
  console.log(output);
  process.exitCode = 1;
}
rmSync(folder, { recursive: true });

function vitest(): Promise<{ status: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
    const child = spawn("vitest", ["run", ...reporters, ...positionals], { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    const note = (text: string) => {
      output = (output + text).slice(-20_000);
    };
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", note);
    child.once("error", reject);
    child.once("close", (status) => resolve({ status, output }));
  });
}

function read(): { numPassedTests?: number; numFailedTests?: number } {
  try {
    return JSON.parse(readFileSync(report, "utf8"));
  } catch {
    return {};
  }
}
