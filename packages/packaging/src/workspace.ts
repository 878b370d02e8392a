import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's folder. */
export const root = fileURLToPath(new URL("../../../", import.meta.url));

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly description?: string;
  readonly files?: readonly string[];
  readonly keywords?: readonly string[];
  readonly license?: string;
  readonly sideEffects?: boolean;
  readonly engines?: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly bin?: Readonly<Record<string, string>>;
  readonly publishConfig?: Readonly<Record<string, unknown>>;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** A package of this repository that is published. */
export interface PublicPackage {
  /** What the folder is called: `core`. */
  readonly short: string;
  readonly folder: string;
  readonly manifest: Manifest;
}

/** What is under a folder, as paths with `/` from there. */
export const filesUnder = (folder: string, pattern = "**/*"): string[] =>
  globSync(pattern, { cwd: folder, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .replaceAll("\\", "/"),
    )
    .sort();

/** Every package that is not marked private, so that a new one is looked at without being listed anywhere. */
export const publicPackages: readonly PublicPackage[] = globSync("packages/*/package.json", { cwd: root })
  .sort()
  .map((path) => {
    const folder = dirname(join(root, path));
    return {
      short: folder.slice(folder.lastIndexOf("packages") + "packages/".length),
      folder,
      manifest: readManifest(folder),
    };
  })
  .filter(({ folder, manifest }) => !manifest.private && existsSync(join(folder, "src")));

export function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
}

/** What can be imported of a package: its name, and the paths below that it exports. */
export const specifiers = ({ manifest }: PublicPackage): string[] =>
  Object.keys(manifest.exports).map((path) => `${manifest.name}${path.slice(1)}`);

/** Whether a package is meant for every runtime: then it is compiled without the types of Node. */
export const isPortable = ({ folder }: PublicPackage): boolean =>
  !readFileSync(join(folder, "tsconfig.json"), "utf8").includes('"node"');
