import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Application, createApplication } from "../src/application.ts";
import { execute, type Output } from "../src/project.ts";
import { serveRegistry } from "../src/registry.ts";
import { bun, deno, nodes } from "../src/runtimes.ts";
import { isPortable, publicPackages, specifiers } from "../src/workspace.ts";

/**
 * A connection's life and each adapter once, by the packages as they were packed, under every runtime that they are meant for, with
 * the simulators in a process beside. The runner of these tests runs under Node alone; what of them runs there, too, is in nodes.test.ts.
 */

let application: Application | undefined;
beforeAll(async () => {
  await using registry = await serveRegistry();
  application = await createApplication(registry);
}, 120_000);
afterAll(() => application?.[Symbol.dispose]());

/** What was looked at; it is the same everywhere. */
function seenIn(output: Output | undefined): string[] {
  const { status, stdout, stderr } = output ?? { status: 1, stdout: "", stderr: "there is no application" };
  expect({ status, stderr: status === 0 ? "" : stderr + stdout }).toEqual({ status: 0, stderr: "" });
  return JSON.parse(stdout) as string[];
}

test("the runtimes are those that they are taken for", async () => {
  const version = async (program: string) => (await execute(program, ["--version"])).stdout.split("\n")[0];
  for (const { program, version: expected } of nodes) expect(await version(program)).toBe(expected);
  expect(await version(deno)).toMatch(/^deno 2\./);
  expect(await version(bun)).toMatch(/^1\./);
});

describe.concurrent("G78 core and adapters run", () => {
  /** Each portable package is imported there, too. */
  const looked = 31 + publicPackages.filter(isPortable).flatMap(specifiers).length;

  test.each(nodes)(
    "on $name",
    async ({ program }) => {
      expect(seenIn(await application?.run(program, ["--disable-warning=ExperimentalWarning"]))).toHaveLength(looked);
    },
    120_000,
  );

  test("on Deno", async () => {
    expect(
      seenIn(await application?.run(deno, ["run", "--no-prompt", "--allow-net=127.0.0.1", "--allow-env"])),
    ).toHaveLength(looked);
  }, 120_000);

  test("on Bun", async () => {
    expect(seenIn(await application?.run(bun, ["run"]))).toHaveLength(looked);
  }, 120_000);

  test("on workerd, in a worker without anything of Node's", async () => {
    expect(seenIn(await application?.runWorker())).toHaveLength(looked);
  }, 120_000);
});
