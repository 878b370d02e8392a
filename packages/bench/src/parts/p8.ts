import { execFile } from "node:child_process";
import { existsSync, mkdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, isAbsolute, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { rolldown } from "rolldown";
import { median } from "../measure.ts";
import { duration, judged, type Line, type Part } from "../report.ts";
import { type Manifest, manifest, packageFolder } from "../versions.ts";

const execute = promisify(execFile);
const root = fileURLToPath(new URL("../../../../", import.meta.url));
/** Below node_modules, where the compiled packages find what they depend on. */
const workshop = fileURLToPath(new URL("../../node_modules/.linkwright/", import.meta.url));

const adapters = ["fiskil", "fiskl", "flinks"];
const stores = ["store-kit", "store-sqlite", "store-postgres", "store-redis", "store-keyv"];
const others = [
  "openid-client",
  "simple-oauth2",
  "@badgateway/oauth2-client",
  "google-auth-library",
  "@azure/msal-node",
  "better-auth",
];

/** P8: what a package costs before it does anything. */
export async function p8(): Promise<Part> {
  rmSync(workshop, { recursive: true, force: true });
  const own: string[] = [];
  for (const name of ["core", ...adapters, ...stores]) if (await compile(name)) own.push(`@linkwright/${name}`);
  const names = [...own, "oauth4webapi", ...others];
  const imports = await importTimes(names);
  const lines: Line[] = names.map((name) => {
    const time = median(imports.get(name) ?? []);
    const below = imports.get("oauth4webapi") ?? [];
    const ratio = median((imports.get(name) ?? []).map((each, round) => each / (below[round] ?? Number.NaN)));
    return {
      work: "cold import",
      contestant: name,
      measured: duration(time),
      ...(name !== "oauth4webapi" &&
        judged(ratio, { beside: "oauth4webapi", ...(name === "@linkwright/core" && { most: 1.5 }) })),
    };
  });
  for (const name of names) {
    const [code, whole] = [await size(name, "own"), await size(name, "whole")];
    const most = name === "@linkwright/core" ? 12 : adapters.some((each) => name.endsWith(`/${each}`)) ? 3 : undefined;
    lines.push({
      work: "own code, minified and gzipped",
      contestant: name,
      measured: `${code.toFixed(1)} kB; with all below it ${whole.toFixed(1)} kB; ${packagesBelow(name)} packages below`,
      ...(most !== undefined && judged(code, { most, unit: "kB", digits: 1 })),
    });
  }
  rmSync(workshop, { recursive: true, force: true });
  return {
    id: "p8",
    title: "Cold import and size",
    method:
      "Each import in a fresh process, from compiled files, in turns; the time is that of the import alone. Own code leaves out what the package imports from others. A kilobyte is 1,000 bytes.",
    lines,
  };
}

/** Builds a package of this workspace as its release is, without types; `false` where there is nothing in it yet. */
async function compile(name: string): Promise<boolean> {
  const folder = join(root, "packages", name);
  const target = join(workshop, "node_modules", "@linkwright", name);
  mkdirSync(target, { recursive: true });
  const build = [join(root, "scripts", "build.ts"), "--no-types", "--out", join(target, "dist")];
  await execute(process.execPath, build, { cwd: folder }).catch((error: unknown) => {
    console.error(`${name} is left out: ${String(error)}`);
  });
  const { publishConfig, ...rest } = manifest(folder) as Manifest & { readonly publishConfig?: object };
  writeFileSync(join(target, "package.json"), JSON.stringify({ ...rest, ...publishConfig }));
  return existsSync(entryOf(`@linkwright/${name}`));
}

function entryOf(name: string): string {
  if (name.startsWith("@linkwright/")) return join(workshop, "node_modules", name, "dist", "index.js");
  return fileURLToPath(import.meta.resolve(name));
}

/** Milliseconds, one number a round. */
async function importTimes(names: readonly string[]): Promise<Map<string, number[]>> {
  const script =
    "const began = performance.now(); await import(process.argv[1]); console.log(performance.now() - began)";
  const times = new Map<string, number[]>(names.map((name) => [name, []]));
  for (let round = 0; round <= 9; round++)
    for (const name of names) {
      const url = pathToFileURL(entryOf(name)).href;
      const { stdout } = await execute(process.execPath, ["--input-type=module", "--eval", script, url]);
      // The first round brings the files into the system's cache.
      if (round > 0) times.get(name)?.push(Number(stdout));
    }
  return times;
}

/** Kilobytes of a package's code as a browser would be sent it. */
async function size(name: string, of: "own" | "whole"): Promise<number> {
  const isOthers = (id: string) => !id.startsWith(".") && !id.startsWith("\0") && !isAbsolute(id);
  const bundle = await rolldown({
    input: entryOf(name),
    platform: "node",
    logLevel: "silent",
    external: (id) => isBuiltin(id) || (of === "own" && isOthers(id)),
  });
  const { output } = await bundle.generate({ format: "esm", minify: true });
  await bundle.close();
  const chunks = output.map((chunk) => (chunk.type === "chunk" ? gzipSync(chunk.code, { level: 9 }).byteLength : 0));
  return chunks.reduce((sum, bytes) => sum + bytes, 0) / 1000;
}

/** How many packages are installed with this one. */
function packagesBelow(name: string): number {
  const own = name.startsWith("@linkwright/");
  const first = own ? join(root, "packages", name.slice("@linkwright/".length)) : packageFolder(name);
  const seen = new Set<string>();
  const visit = (folder: string) => {
    for (const dependency of Object.keys(manifest(folder).dependencies ?? {})) {
      const found = find(folder, dependency);
      if (!found || seen.has(found)) continue;
      seen.add(found);
      visit(found);
    }
  };
  visit(realpathSync(first));
  return seen.size;
}

/** Where a package finds one that it depends on. */
function find(from: string, dependency: string): string | undefined {
  for (let folder = from; folder !== dirname(folder); folder = dirname(folder)) {
    const candidate = join(folder, "node_modules", dependency);
    if (existsSync(candidate)) return realpathSync(candidate);
  }
  return undefined;
}
