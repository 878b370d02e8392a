import { execFile } from "node:child_process";
import { readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { broken, cases } from "./runners/cases.ts";

/** The suites run under any runner: here under the two that are not the one of this house, each a process of its own. */

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const kinds = ["good", "faulty"] as const;
const expected = { good: [], faulty: broken };

interface Outcome {
  readonly code: number;
  readonly output: string;
}

function node(args: readonly string[], contract: (typeof kinds)[number]): Promise<Outcome> {
  const { NODE_TEST_CONTEXT: _inherited, ...others } = process.env;
  const env = { ...others, CONTRACT: contract, NODE_OPTIONS: "" };
  return new Promise((resolve) => {
    const quiet = ["--disable-warning=ExperimentalWarning", ...args];
    execFile(process.execPath, quiet, { env, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code ?? 1) : 0, output: stdout + stderr });
    });
  });
}

test.each(kinds)("G81 node --test runs both suites for a %s store and adapter", { timeout: 120_000 }, async (kind) => {
  const { code, output } = await node(
    ["--conditions=@linkwright/source", "--test", "--test-reporter=tap", at("runners/node.suite.ts")],
    kind,
  );
  // A file's own line is that of its path.
  const results = [...output.matchAll(/^ *(not ok|ok) \d+ - (\S*[GC]\d.*)$/gm)];
  const failed = results.filter(([, result]) => result === "not ok").map(([, , name]) => name);
  expect(failed, output).toEqual(expected[kind]);
  expect(results).toHaveLength(cases.length);
  expect(code).toBe(kind === "good" ? 0 : 1);
  if (kind === "faulty")
    expect(output).toContain("To the adapter's author: declare rotation as the provider documents it");
});

test.each(kinds)("G81 jest runs both suites for a %s store and adapter", { timeout: 120_000 }, async (kind) => {
  const report = join(tmpdir(), `linkwright-jest-${process.pid}-${kind}.json`);
  const config = {
    rootDir: at("runners"),
    testMatch: ["**/jest.suite.ts"],
    transform: { "\\.ts$": at("runners/strip-types.js") },
    extensionsToTreatAsEsm: [".ts"],
    testEnvironmentOptions: { customExportConditions: ["@linkwright/source", "node"] },
    watchman: false,
  };
  const jest = createRequire(import.meta.url).resolve("jest/bin/jest");
  const args = [
    "--experimental-vm-modules",
    jest,
    "--config",
    JSON.stringify(config),
    "--json",
    "--outputFile",
    report,
  ];
  const { code, output } = await node([...args, "--no-cache"], kind);
  try {
    const { testResults } = JSON.parse(await readFile(report, "utf8").catch(() => expect.fail(output))) as JestReport;
    const results = testResults.flatMap(({ assertionResults }) => assertionResults);
    const failed = results.filter(({ status }) => status === "failed");
    expect(
      failed.map(({ title }) => title),
      output,
    ).toEqual(expected[kind]);
    expect(results).toHaveLength(cases.length);
    expect(code).toBe(kind === "good" ? 0 : 1);
    if (kind === "faulty")
      expect(failed[1]?.failureMessages[0]).toContain(
        "To the adapter's author: declare rotation as the provider documents it",
      );
  } finally {
    await rm(report, { force: true });
  }
});

interface JestReport {
  readonly testResults: readonly {
    readonly assertionResults: readonly {
      readonly title: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}
