import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { parseArgs, promisify } from "node:util";
import { rolldown } from "rolldown";

/**
 * Builds the package in the working directory as it is published: one file for each of its entries, since a cold start pays for every file,
 * and types beside them. What is imported with `import()` keeps a file of its own and is read when first used. What the package
 * depends on stays outside.
 *
 * `--out <folder>` builds elsewhere; `--no-types` leaves out the types.
 */
const { values } = parseArgs({
  options: { out: { type: "string", default: "dist" }, types: { type: "boolean", default: true } },
  allowNegative: true,
});
const out = resolve(values.out);

interface Manifest {
  readonly publishConfig?: { readonly exports?: unknown };
  readonly bin?: unknown;
}

/** The compiled files that the manifest names, and the source of each: `dist/a/b.js` comes from `src/a/b.ts`. */
function entries({ publishConfig, bin }: Manifest): Record<string, string> {
  const named = JSON.stringify([publishConfig?.exports, bin]).matchAll(/"\.\/dist\/([^"]+)\.js"/g);
  return Object.fromEntries([...named].map(([, name]) => [name, `src/${name}.ts`]));
}

async function code(): Promise<void> {
  const bundle = await rolldown({
    input: entries(JSON.parse(readFileSync("package.json", "utf8")) as Manifest),
    external: /^[^./]/,
    platform: "neutral",
    treeshake: { moduleSideEffects: false },
  });
  await bundle.write({
    dir: out,
    cleanDir: true,
    format: "esm",
    chunkFileNames: "[name].js",
    // Who debugs reads the sources, which come with the package, and so do the comments.
    sourcemap: true,
    sourcemapExcludeSources: true,
    comments: { annotation: true, legal: true, jsdoc: false },
  });
  await bundle.close();
}

async function types(): Promise<void> {
  const typescript = createRequire(import.meta.url).resolve("typescript/package.json");
  const tsc = join(dirname(typescript), "bin", "tsc");
  const compiling = promisify(execFile)(process.execPath, [
    tsc,
    "-p",
    "tsconfig.json",
    "--emitDeclarationOnly",
    "--outDir",
    out,
  ]);
  await compiling.catch((error: { stdout?: string }) => {
    console.error(error.stdout);
    process.exitCode = 1;
  });
}

await code();
if (values.types) await types();
