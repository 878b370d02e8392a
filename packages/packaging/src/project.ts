import { type ExecFileOptions, execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Registry } from "./registry.ts";

/** A folder for one test file, away from this repository. */
export interface Folder extends Disposable {
  readonly path: string;
}

export function createFolder(): Folder {
  const path = mkdtempSync(join(tmpdir(), "linkwright-applications-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true, maxRetries: 3 }) };
}

/** An application of somebody else's: a folder of its own, which nothing is installed above of. */
export interface Project {
  readonly folder: string;
  write(name: string, content: string): string;
  /** Installs packages by npm from the registry. */
  install(registry: Registry, packages: readonly string[]): Promise<void>;
  run(program: string, arguments_: readonly string[], options?: ExecFileOptions): Promise<Output>;
}

export interface Output {
  readonly status: number | string | null;
  readonly stdout: string;
  readonly stderr: string;
}

export function createProject(within: Folder, name: string): Project {
  const folder = join(within.path, name);
  mkdirSync(folder);
  const write = (name: string, content: string) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  write("package.json", JSON.stringify({ name: "application", private: true, type: "module" }));
  write(".npmrc", "");
  const run: Project["run"] = (program, arguments_, options) =>
    execute(program, arguments_, { cwd: folder, ...options });
  return {
    folder,
    write,
    run,
    async install({ url, missing, cache }, packages) {
      const quiet = ["--no-audit", "--no-fund", "--no-update-notifier", "--ignore-scripts", "--loglevel=error"];
      // Nothing of this machine's npm: its registry, cache or settings.
      const apart = [`--registry=${url}`, `--cache=${cache}`, `--userconfig=${join(folder, ".npmrc")}`];
      const { status, stderr } = await run("npm", ["install", ...quiet, ...apart, ...packages], {
        shell: process.platform === "win32",
      });
      if (status !== 0)
        throw new Error(`npm could not install ${packages.join(" ")}; not here: ${missing.join(" ")}\n${stderr}`);
    },
  };
}

/** Runs a program to its end, whatever that is. */
export function execute(
  program: string,
  arguments_: readonly string[],
  options: ExecFileOptions = {},
): Promise<Output> {
  return new Promise((resolve) => {
    execFile(
      program,
      [...arguments_],
      { encoding: "utf8", maxBuffer: 2 ** 26, timeout: 300_000, ...options },
      (error, stdout, stderr) =>
        resolve({
          status: error ? (error.code ?? error.signal ?? "killed") : 0,
          stdout: String(stdout),
          stderr: String(stderr),
        }),
    );
  });
}
