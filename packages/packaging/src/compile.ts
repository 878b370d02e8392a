import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { execute } from "./project.ts";

const typescript = createRequire(import.meta.url).resolve("typescript/package.json");
const tsc = join(dirname(typescript), "bin", "tsc");

/** How applications have TypeScript find modules. */
export type Way = keyof typeof ways;

const ways = {
  nodenext: { module: "nodenext", moduleResolution: "nodenext" },
  bundler: { module: "esnext", moduleResolution: "bundler" },
};

/**
 * What TypeScript has to say, an entry for each error, with everything strict and the types of packages looked at too. Files are
 * read by one run, since the types of the platform are most of the work; each finds packages from where it stands.
 *
 * @param files - Paths from the folder.
 * @param node - A folder that `@types/node` is installed in, where its types are to be there.
 */
export async function compile(folder: string, way: Way, files: readonly string[], node?: string): Promise<string[]> {
  const compilerOptions = {
    ...ways[way],
    target: "es2022",
    lib: ["es2024", "esnext.disposable", "dom", "dom.iterable"],
    types: node === undefined ? [] : ["node"],
    ...(node !== undefined && { typeRoots: [join(node, "node_modules", "@types")] }),
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    allowImportingTsExtensions: true,
    noEmit: true,
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files }));
  const { status, stdout, stderr } = await execute(process.execPath, [tsc, "--pretty", "false"], { cwd: folder });
  if (status === 0) return [];
  const errors = stdout.trimEnd().split(/\n(?=\S)/);
  return errors[0] === "" ? [`it ended with ${status}: ${stderr}`] : errors;
}
