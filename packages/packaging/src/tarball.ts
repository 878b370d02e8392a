import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { unpack } from "@publint/pack";
import { filesUnder, type Manifest, type PublicPackage } from "./workspace.ts";

/** A package as it would be published. */
export interface Tarball {
  readonly path: string;
  readonly bytes: Uint8Array;
  /** Contents by path inside the package: `dist/index.js`. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** What a registry is told of it, which differs from the one in the repository. */
  readonly manifest: Manifest;
}

const opened = new Map<string, Promise<Tarball>>();

/**
 * What the build packed.
 *
 * @throws An error that says what to run, where nothing was packed, or the sources changed since.
 */
export function tarballOf(of: PublicPackage): Promise<Tarball> {
  const open = opened.get(of.short) ?? read(of);
  opened.set(of.short, open);
  return open;
}

async function read({ short, folder, manifest }: PublicPackage): Promise<Tarball> {
  const path = join(folder, ".tarball", `${manifest.name.replace("@", "").replace("/", "-")}-${manifest.version}.tgz`);
  if (!existsSync(path)) throw new Error(`packages/${short} is not packed: run \`pnpm build\``);
  const bytes = readFileSync(path);
  const { files: entries, rootDir } = await unpack(bytes);
  const files = new Map(entries.map(({ name, data }) => [name.slice(rootDir.length + 1), data]));
  const kept = [...files.keys()].filter((name) => /^(src|dist|migrations)\//.test(name));
  const here = kept.length === filesUnder(folder, "{src,dist,migrations}/**/*").length;
  const stale = kept.find((name) => !isOnDisk(join(folder, name), files.get(name)));
  if (stale || !here)
    throw new Error(
      `packages/${short} changed since it was packed (${stale ?? "there are other files"}): run \`pnpm build\``,
    );
  return { path, bytes, files, manifest: JSON.parse(text(files, "package.json")) as Manifest };
}

const isOnDisk = (path: string, bytes: Uint8Array | undefined) =>
  bytes !== undefined && existsSync(path) && readFileSync(path).equals(bytes);

/** One file of a tarball as text; empty where it is not there. */
export const text = (files: Tarball["files"], name: string): string => Buffer.from(files.get(name) ?? []).toString();
