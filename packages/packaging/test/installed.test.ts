import { cpSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compile } from "../src/compile.ts";
import { createProject, type Project } from "../src/project.ts";
import { type Registry, serveRegistry } from "../src/registry.ts";
import { nodes } from "../src/runtimes.ts";
import { tarballOf, text } from "../src/tarball.ts";
import {
  filesUnder,
  isPortable,
  type PublicPackage,
  publicPackages,
  readManifest,
  root,
  specifiers,
} from "../src/workspace.ts";

/** Each package in an application of its own, which has nothing else. */

let registry: Registry;
beforeAll(async () => {
  registry = await serveRegistry();
});
afterAll(() => registry[Symbol.asyncDispose]());

const list = "console.log(JSON.stringify(Object.keys(whole).filter((name) => name !== 'module.exports').sort()))";

/** The packages of this house that come along, and the one that is asked for. */
function withBelow({ short, manifest }: PublicPackage): Set<string> {
  const needed = publicPackages.filter((each) => manifest.dependencies?.[each.manifest.name] !== undefined);
  return new Set([short, ...needed.flatMap((each) => [...withBelow(each)])]);
}

const sourceOf = ({ folder, manifest }: PublicPackage, specifier: string) =>
  join(folder, manifest.exports[`.${specifier.slice(manifest.name.length)}`]?.["@linkwright/source"] ?? "");

/** Writes files that import and require packages, and expects each Node to find in them what is in their sources. */
async function expectNames(
  project: Project,
  of: PublicPackage,
  programs: readonly (typeof nodes)[number][],
): Promise<void> {
  // Node itself warns of its SQLite.
  const flags = of.short === "store-sqlite" ? ["--disable-warning=ExperimentalWarning"] : [];
  for (const specifier of specifiers(of)) {
    const names = Object.keys((await import(sourceOf(of, specifier))) as object).sort();
    expect(names.length).toBeGreaterThan(0);
    project.write("import.js", `import * as whole from "${specifier}"; ${list}`);
    project.write("require.cjs", `const whole = require("${specifier}"); ${list}`);
    for (const { name, program } of programs)
      for (const file of ["import.js", "require.cjs"]) {
        const { status, stdout, stderr } = await project.run(program, [...flags, file]);
        const found = { name, file, status, stderr, names: JSON.parse(stdout || "[]") as string[] };
        expect(found).toEqual({ name, file, status: 0, stderr: "", names });
      }
  }
}

/** A file that uses the types of packages as a whole. */
function application(packages: readonly PublicPackage[]): string {
  const all = packages.flatMap(specifiers);
  const imports = all.map((specifier, n) => `import * as part${n} from "${specifier}";`);
  return `${imports.join("\n")}\nexport const whole: object[] = [${all.map((_, n) => `part${n}`).join(", ")}];\n`;
}

describe.each(publicPackages)("G76 $manifest.name installed alone", (of) => {
  test("is imported and required on the Node floor, and its types hold", async () => {
    using project = createProject();
    const types = isPortable(of) ? [] : ["node"];
    await project.install(registry, [of.manifest.name, ...types.map((name) => `@types/${name}`)]);
    const house = readdirSync(join(project.folder, "node_modules", "@linkwright"));
    expect(house.sort()).toEqual([...withBelow(of)].sort());
    await expectNames(project, of, [nodes[0]]);
    project.write("application.ts", application([of]));
    expect(await compile(project, "nodenext", ["application.ts"], types)).toBe("");
  }, 120_000);
});

describe("G76 installed together", () => {
  const snippets = join(root, "examples", "snippets");
  const house = publicPackages.map(({ manifest }) => manifest.name);
  let project: Project;
  beforeAll(async () => {
    project = createProject();
    const others = Object.keys(readManifest(snippets).dependencies ?? {}).filter((name) => !house.includes(name));
    await project.install(registry, [...house, ...others, "@types/node", "@types/pg", "keyv"]);
  }, 120_000);
  afterAll(() => project[Symbol.dispose]());

  test.each(publicPackages)(
    "$manifest.name is imported and required above the Node floor",
    async (of) => {
      await expectNames(project, of, nodes.slice(1));
    },
    60_000,
  );

  test.each(["nodenext", "bundler"] as const)(
    "all types hold under %s",
    async (way) => {
      project.write("application.ts", application(publicPackages));
      expect(await compile(project, way, ["application.ts"], ["node"])).toBe("");
    },
    60_000,
  );

  test("the snippets of the documents compile", async () => {
    cpSync(join(snippets, "src"), join(project.folder, "snippets"), { recursive: true });
    const files = filesUnder(join(snippets, "src")).map((name) => `snippets/${name}`);
    expect(files.length).toBeGreaterThan(5);
    expect(await compile(project, "nodenext", files, ["node"])).toBe("");
  }, 60_000);

  test("the code of every README compiles", async () => {
    const files: string[] = [];
    for (const of of publicPackages) {
      const readme = text((await tarballOf(of)).files, "README.md");
      const blocks = [...readme.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code = ""]) => code);
      blocks.forEach((code, n) => {
        files.push(`${of.short}-${n}.ts`);
        project.write(`${of.short}-${n}.ts`, `${code}\nexport {};\n`);
      });
    }
    expect(files.length).toBeGreaterThan(8);
    const told = await compile(project, "nodenext", files, ["node"]);
    // A name that a fragment does not declare is the reader's own.
    const errors = told.split("\n").filter((line) => line !== "" && !/error TS(2304|2552|18004):/.test(line));
    expect(errors).toEqual([]);
  }, 60_000);
});

test("G76 types that are not there are missed", async () => {
  using project = createProject();
  await project.install(registry, ["@linkwright/core"]);
  project.write("application.ts", `import { createNothing } from "@linkwright/core";\ncreateNothing();\n`);
  for (const way of ["nodenext", "bundler"] as const)
    expect(await compile(project, way, ["application.ts"], [])).toContain("has no exported member 'createNothing'");
}, 60_000);
