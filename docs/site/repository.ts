import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's files. Paths are relative to its root, with `/`. */

const root = fileURLToPath(new URL("../..", import.meta.url));

export const at = (path: string): string => join(root, path);

export const read = (path: string): string => readFileSync(at(path), "utf8");

export const exists = (path: string): boolean => existsSync(at(path));

/**
 * Where the repository can be read, such as `https://git.example/linkwright`: from `REPOSITORY_URL`, or the root package's
 * `repository`. Without one, links to files of the repository become plain text.
 */
export function repositoryUrl(): string | undefined {
  const { repository } = JSON.parse(read("package.json")) as { repository?: string | { url: string } };
  const told = process.env.REPOSITORY_URL || (typeof repository === "object" ? repository.url : repository);
  return told?.replace(/^git\+/, "").replace(/(\.git)?\/?$/, "");
}
