import { execFile } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { startExample } from "../../../packages/web/test/support/example.ts";
import { travel } from "../../../packages/web/test/support/journey.ts";

const here = fileURLToPath(new URL("..", import.meta.url));
const next = createRequire(import.meta.url).resolve("next/dist/bin/next");

/** A copy, since Next.js writes into the directory that it builds; beside the example, so that its packages are found. */
async function copied() {
  const directory = await mkdtemp(`${here}.next-test-`);
  for (const name of ["package.json", "src"]) await cp(here + name, join(directory, name), { recursive: true });
  // Turbopack takes no export conditions, by which this repository finds its own sources; and its compiler checks the types.
  const config = { typescript: { ignoreBuildErrors: true }, turbopack: { resolveAlias: sources() } };
  await writeFile(join(directory, "next.config.mjs"), `export default ${JSON.stringify(config)};\n`);
  return { directory, [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }) };
}

/** Each of the repository's packages by its name, as its source. */
function sources(): Record<string, string> {
  const packages = join(here, "../../packages");
  const found: Record<string, string> = {};
  for (const path of globSync("*/package.json", { cwd: packages })) {
    const { name, exports = {} } = JSON.parse(readFileSync(join(packages, path), "utf8")) as {
      name: string;
      exports?: Record<string, { readonly "@linkwright/source"?: string }>;
    };
    for (const [entry, { "@linkwright/source": source }] of Object.entries(exports))
      if (source !== undefined) found[join(name, entry)] = join("../../../packages", path, "..", source);
  }
  return found;
}

test("Next.js, built and started as in production: a link, a call, a webhook, and the end", {
  timeout: 240_000,
}, async () => {
  await using copy = await copied();
  const { directory } = copy;
  const env = { ...process.env, NODE_ENV: "production", NODE_OPTIONS: "", NEXT_TELEMETRY_DISABLED: "1" } as const;
  const { stdout } = await promisify(execFile)(process.execPath, [next, "build"], { cwd: directory, env });
  expect(stdout).toContain("/linkwright/[...path]");
  await using example = await startExample({
    arguments: [next, "start", "--hostname", "127.0.0.1", "--port", "{port}"],
    directory,
  });
  await travel(example);
});
