import { cpSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compile } from "../src/compile.ts";
import { createFolder, createProject, type Folder, type Project } from "../src/project.ts";
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

/** Packages in applications that have nothing else: each alone, and all together. */

const ways = ["nodenext", "bundler"] as const;

let registry: Registry;
let folder: Folder;
beforeAll(async () => {
  registry = await serveRegistry();
  folder = createFolder();
});
afterAll(async () => {
  folder[Symbol.dispose]();
  await registry[Symbol.asyncDispose]();
});

/** The packages of this house that come along, and the one that is asked for. */
function withBelow({ short, manifest }: PublicPackage): Set<string> {
  const needed = publicPackages.filter((each) => manifest.dependencies?.[each.manifest.name] !== undefined);
  return new Set([short, ...needed.flatMap((each) => [...withBelow(each)])]);
}

/** What can be imported of packages by their sources: names by specifier. */
async function namesOf(packages: readonly PublicPackage[]): Promise<Record<string, string[]>> {
  const names: Record<string, string[]> = {};
  for (const { folder: at, manifest } of packages)
    for (const [path, { "@linkwright/source": source = "" }] of Object.entries(manifest.exports))
      names[manifest.name + path.slice(1)] = Object.keys((await import(join(at, source))) as object).sort();
  return names;
}

/** Files that import and require packages, and print what they find in them. */
function writePrograms(project: Project, packages: readonly PublicPackage[]): string[] {
  const all = packages.flatMap(specifiers);
  const text = (from: (specifier: string) => string) =>
    `const named = (whole) => Object.keys(whole).filter((name) => name !== "module.exports").sort();
console.log(JSON.stringify({ ${all.map((each) => `"${each}": named(${from(each)})`).join(", ")} }));\n`;
  const imports = all.map((each, n) => `import * as part${n} from "${each}";\n`);
  project.write("import.js", imports.join("") + text((each) => `part${all.indexOf(each)}`));
  project.write(
    "require.cjs",
    text((each) => `require("${each}")`),
  );
  return ["import.js", "require.cjs"];
}

async function expectNames(project: Project, packages: readonly PublicPackage[], program: string): Promise<void> {
  const names = await namesOf(packages);
  // Node itself warns of its SQLite.
  const sqlite = packages.some(({ short }) => short === "store-sqlite");
  const flags = sqlite ? ["--disable-warning=ExperimentalWarning"] : [];
  for (const file of writePrograms(project, packages)) {
    const { status, stdout, stderr } = await project.run(program, [...flags, file]);
    const found = { file, status, stderr, names: JSON.parse(stdout || "{}") as object };
    expect(found).toEqual({ file, status: 0, stderr: "", names });
  }
}

/** A file that uses the types of packages as a whole, and would not compile if they had none. */
function application(packages: readonly PublicPackage[]): string {
  const all = packages.flatMap(specifiers);
  const lines = all.flatMap((specifier, n) => [
    `import * as part${n} from "${specifier}";`,
    "// @ts-expect-error There is no such name.",
    `import { nothing as nothing${n} } from "${specifier}";`,
  ]);
  return `${lines.join("\n")}\nexport const whole: object[] = [${all.map((_, n) => `part${n}`).join(", ")}];\n`;
}

describe("G76 installed alone", () => {
  describe.concurrent.each(publicPackages)("$manifest.name", (of) => {
    test("is imported and required on the Node floor", async () => {
      const project = createProject(folder, of.short);
      project.write("application.ts", application([of]));
      await project.install(registry, [of.manifest.name, ...(isPortable(of) ? [] : ["@types/node"])]);
      const house = readdirSync(join(project.folder, "node_modules", "@linkwright"));
      expect(house.sort()).toEqual([...withBelow(of)].sort());
      await expectNames(project, [of], nodes[0].program);
    }, 120_000);
  });

  const files = (packages: readonly PublicPackage[]) => packages.map(({ short }) => `${short}/application.ts`);
  const [portable, others] = [publicPackages.filter(isPortable), publicPackages.filter((of) => !isPortable(of))];

  test.each(ways)(
    "their types hold under %s, of those for all runtimes without the types of Node",
    async (way) => {
      expect(await compile(folder.path, way, files(portable))).toEqual([]);
      const withTypes = join(folder.path, others[0]?.short ?? "");
      expect(await compile(folder.path, way, files(others), withTypes)).toEqual([]);
    },
    120_000,
  );
});

describe("G76 installed together", () => {
  const snippets = join(root, "examples", "snippets");
  const house = publicPackages.map(({ manifest }) => manifest.name);
  let project: Project;
  /** What TypeScript says of everything that is compiled with all packages there. */
  let errors: readonly string[];
  const [documents, readmes]: [string[], string[]] = [[], []];
  beforeAll(async () => {
    project = createProject(folder, "together");
    const others = Object.keys(readManifest(snippets).dependencies ?? {}).filter((name) => !house.includes(name));
    await project.install(registry, [...house, ...others, "@types/node", "@types/pg", "keyv"]);
    project.write("application.ts", application(publicPackages));
    cpSync(join(snippets, "src"), join(project.folder, "snippets"), { recursive: true });
    documents.push(...filesUnder(join(snippets, "src")).map((name) => `snippets/${name}`));
    for (const of of publicPackages) {
      const readme = text((await tarballOf(of)).files, "README.md");
      const blocks = [...readme.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code = ""]) => code);
      blocks.forEach((code, n) => {
        readmes.push(`README-${of.short}-${n}.ts`);
        project.write(`README-${of.short}-${n}.ts`, `${code}\nexport {};\n`);
      });
    }
    const all = ["application.ts", ...documents, ...readmes];
    errors = await compile(project.folder, "nodenext", all, project.folder);
  }, 120_000);

  test.each(nodes.slice(1))(
    "all are imported and required on $name",
    async ({ program }) => {
      await expectNames(project, publicPackages, program);
    },
    60_000,
  );

  test("all types hold under nodenext", () => {
    expect(errors.filter((error) => !/^(snippets\/|README-)/.test(error))).toEqual([]);
  });

  test("all types hold under bundler", async () => {
    expect(await compile(project.folder, "bundler", ["application.ts"], project.folder)).toEqual([]);
  }, 60_000);

  test("the snippets of the documents compile", () => {
    expect(documents.length).toBeGreaterThan(5);
    expect(errors.filter((error) => error.startsWith("snippets/"))).toEqual([]);
  });

  test("the code of every README compiles", () => {
    expect(readmes.length).toBeGreaterThan(8);
    // A name that a fragment does not declare is the reader's own.
    const wrong = errors.filter((error) => /^README-/.test(error) && !/error TS(2304|2552|18004):/.test(error));
    expect(wrong).toEqual([]);
  });
});
