import { globSync } from "node:fs";
import { at, exists } from "./repository.ts";

/** Files of the repository that the site shows, and as which page. Paths are relative to the repository and to the site. */
export function pages(): ReadonlyMap<string, string> {
  const own = globSync("docs/**/*.md", {
    cwd: at("."),
    exclude: (path) => /(^|\/)(node_modules|\.site|\.vitepress)$/.test(path),
  })
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => !/(^|\/)(node_modules|\.site|\.vitepress)\//.test(path) && path !== "docs/README.md")
    .sort();
  return new Map([
    ...own.map((path) => [path, path.replace(/^docs\//, "")] as const),
    ["docs/README.md", "contents.md"],
    ["README.md", "index.md"],
    ["SECURITY.md", "security.md"],
    ["CONTRIBUTING.md", "contributing.md"],
    // A folder is shown by what is first in it.
    ...(exists("docs/decisions") ? [["docs/decisions", "decisions/index.md"] as const] : []),
  ]);
}
