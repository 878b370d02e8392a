import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { execute } from "../src/project.ts";
import { nodes } from "../src/runtimes.ts";
import { isPortable, publicPackages, root } from "../src/workspace.ts";

/**
 * The tests of core, the adapters and the embedded store by the lowest and the newest Node; all others run by the one that the
 * repository pins. Left out is what takes long and tells nothing of a runtime: all interleavings of a model, what is made up by
 * chance or done thousands of times, work shared among processes, and what the provider contract finds in adapters that break
 * it (those that keep it are here). Those of web stand on what Node 22 has not
 * (`AsyncDisposableStack`); its code does not.
 */
const left = [
  "**/lifecycle-model.test.ts",
  "**/renewal-interleavings.test.ts",
  "**/counterexamples.test.ts",
  "**/conventions.test.ts",
  "**/pages.test.ts",
  "**/flow.test.ts",
  "**/maintenance.test.ts",
  "**/reseal.test.ts",
  "**/kill.test.ts",
  "**/hostile-*.test.ts",
  "**/provider-contract*.test.ts",
  "**/runners.test.ts",
];

interface Report {
  readonly numPassedTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

const vitest = join(dirname(createRequire(join(root, "package.json")).resolve("vitest/package.json")), "vitest.mjs");

test.concurrent.each([nodes[0], nodes[2]])(
  "G78 core, adapters and the embedded store pass their tests on $name",
  async ({ program }) => {
    const tested = publicPackages.filter(
      (each) => (isPortable(each) && each.short !== "web") || each.short === "store-sqlite",
    );
    const folder = mkdtempSync(join(tmpdir(), "linkwright-node-"));
    const outputFile = join(folder, "report.json");
    // What this run of the tests says to its own processes is not meant for another's.
    const env = Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !/^(VITEST|TEST$|NODE_OPTIONS$)/.test(name)),
    );
    const arguments_ = [
      "run",
      // A process for each file would double what it takes.
      "--no-isolate",
      "--maxWorkers=1",
      // Two of these run beside other tests.
      "--testTimeout=120000",
      ...tested.map(({ short }) => `packages/${short}/test`),
      ...left.map((each) => `--exclude=${each}`),
      "--testNamePattern=^(?!.*\\bprocess(es)?\\b)",
    ];
    const reporter = ["--reporter=json", `--outputFile=${outputFile}`];
    const { status, stderr } = await execute(program, [vitest, ...arguments_, ...reporter], {
      cwd: root,
      env,
      timeout: 600_000,
    });
    const report = JSON.parse(readFileSync(outputFile, "utf8")) as Report;
    rmSync(folder, { recursive: true });
    const failed = report.testResults.flatMap(({ name, status: whole, message, assertionResults }) => [
      ...(whole === "failed" && message !== "" ? [`${name}: ${message}`] : []),
      ...assertionResults
        .filter((each) => each.status === "failed")
        .map((each) => `${name} ${each.fullName}: ${each.failureMessages[0]?.split("\n")[0]}`),
    ]);
    expect(failed).toEqual([]);
    expect({ status, stderr: status === 0 ? "" : stderr }).toEqual({ status: 0, stderr: "" });
    expect(report.testResults.length).toBeGreaterThan(40);
    expect(report.numPassedTests).toBeGreaterThan(1_000);
  },
  600_000,
);
