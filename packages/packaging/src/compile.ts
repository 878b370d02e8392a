import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Project } from "./project.ts";

const typescript = createRequire(import.meta.url).resolve("typescript/package.json");
const tsc = join(dirname(typescript), "bin", "tsc");

/** How applications have TypeScript find modules. */
type Way = keyof typeof ways;

const ways = {
  nodenext: { module: "nodenext", moduleResolution: "nodenext" },
  bundler: { module: "esnext", moduleResolution: "bundler" },
};

/**
 * What TypeScript has to say, with everything strict and the types of packages looked at too; empty where all is well.
 *
 * @param types - Packages of global types, such as `node`.
 */
export async function compile(
  project: Project,
  way: Way,
  files: readonly string[],
  types: readonly string[],
): Promise<string> {
  const compilerOptions = {
    ...ways[way],
    target: "es2022",
    lib: ["es2024", "esnext.disposable", "dom", "dom.iterable"],
    types,
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    allowImportingTsExtensions: true,
    noEmit: true,
  };
  project.write("tsconfig.json", JSON.stringify({ compilerOptions, files }));
  const { status, stdout } = await project.run(process.execPath, [tsc, "--pretty", "false"]);
  return status === 0 ? "" : stdout || `it ended with ${status}`;
}
