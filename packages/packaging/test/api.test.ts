import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { type ApiReport, apiReports } from "../src/api-report.ts";
import { tarballOf } from "../src/tarball.ts";
import { publicPackages, root } from "../src/workspace.ts";

/**
 * What the packages offer is written down in `api/`, so that a change of it is seen where it is reviewed. `pnpm reports` writes it
 * anew.
 */
const advice =
  "what this package offers has changed: if it should, run `pnpm reports`, look at the difference, and add a changeset";

let reports: ReadonlyMap<string, ApiReport>;
beforeAll(async () => {
  // Refuses what is older than its sources.
  await Promise.all(publicPackages.map(tarballOf));
  reports = new Map(apiReports(publicPackages).map((report) => [report.name, report]));
  if (process.env.UPDATE_REPORTS !== "1") return;
  mkdirSync(join(root, "api"), { recursive: true });
  for (const { path, text } of reports.values()) writeFileSync(path, text);
}, 300_000);

const names = publicPackages.flatMap(({ short, manifest }) =>
  Object.keys(manifest.exports).map((path) => [short, ...path.split("/").slice(1)].join(".")),
);

describe.each(names)("the types of %s", (name) => {
  test("can be read with what the package depends on", () => {
    expect(reports.get(name)?.complaints).toEqual([]);
  });

  test("offer what is written in api", () => {
    const { path, text } = reports.get(name) ?? { path: "", text: "" };
    const written = existsSync(path) ? readFileSync(path, "utf8") : "";
    expect(text.length).toBeGreaterThan(200);
    expect(written.replaceAll("\r\n", "\n") === text, `${name}: ${advice}\n${difference(written, text)}`).toBe(true);
  });
});

test("nothing is written in api of what is there no more", () => {
  const written = globSync("api/*.api.md", { cwd: root }).map((path) => basename(path, ".api.md"));
  expect(written.sort()).toEqual([...names].sort());
});

/** The lines that one text has and the other has not. */
function difference(before: string, after: string): string {
  const [was, is] = [before.split("\n"), after.split("\n")];
  const [gone, come] = [was.filter((line) => !is.includes(line)), is.filter((line) => !was.includes(line))];
  return [...gone.map((line) => `- ${line}`), ...come.map((line) => `+ ${line}`)].slice(0, 40).join("\n");
}
