import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { readManifest, root } from "../src/workspace.ts";

/** Every package that any manifest of the repository names and that is not of this house, by the name it has in the registry. */
function installed(): string[] {
  const manifests = globSync(["package.json", "docs/package.json", "{packages,examples}/*/package.json"], {
    cwd: root,
  });
  const named = manifests.flatMap((path) => {
    const { dependencies, devDependencies, peerDependencies } = readManifest(dirname(join(root, path)));
    return Object.entries({ ...dependencies, ...devDependencies, ...peerDependencies });
  });
  // `npm:node@22.19.0` is node under another name.
  const names = named.map(([name, version]) => /^npm:(.+)@/.exec(version)?.[1] ?? name);
  return [...new Set(names)].filter((name) => !name.startsWith("@linkwright/")).sort();
}

/** The first columns of the tables in 0003. */
function explained(): string[] {
  const lines = readFileSync(join(root, "docs", "decisions", "0003-dependencies.md"), "utf8").split("\n");
  const names = lines.flatMap((line) => /^\| (.*?) \|/.exec(line)?.[1]?.split(", ") ?? []);
  return [...new Set(names)].filter((name) => name !== "package").sort();
}

test("every dependency of the repository has its reason in 0003, and nothing has that is not there", () => {
  // What installs the others is in no manifest's dependencies.
  expect(explained().filter((name) => name !== "pnpm")).toEqual(installed());
});
