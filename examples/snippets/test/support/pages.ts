import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

/** The pages of the documentation, their code blocks and their links. Paths are relative to the repository, with `/`. */

const root = fileURLToPath(new URL("../../../..", import.meta.url));

export const at = (path: string): string => join(root, path);

export const read = (path: string): string => readFileSync(at(path), "utf8");

export const pages: readonly string[] = globSync(["README.md", "SECURITY.md", "CONTRIBUTING.md", "docs/**/*.md"], {
  cwd: root,
}).map((path) => path.replaceAll("\\", "/"));

/** A block of TypeScript, and where it says that it comes from. */
export interface Block {
  readonly page: string;
  readonly line: number;
  readonly code: string;
  /** `path#region`; absent where the block names none. */
  readonly source?: string;
}

const blockPattern = /(?:^<!-- snippet: (\S+) -->\n\n?)?^```(?:ts|typescript)\n([\s\S]*?)^```$/gm;

export function blocksOf(page: string): Block[] {
  const text = read(page);
  return [...text.matchAll(blockPattern)].map(({ 1: source, 2: code = "", index }) => ({
    page,
    line: text.slice(0, index).split("\n").length,
    code,
    ...(source !== undefined && { source }),
  }));
}

/** The page with the blocks that name a source as they are there. */
export function renewed(page: string): string {
  return read(page).replace(blockPattern, (block: string, source: string | undefined, code: string) =>
    source === undefined ? block : `${block.slice(0, block.length - code.length - 3)}${regionOf(source)}\`\`\``,
  );
}

/** What stands between `// #region name` and `// #endregion`, without the indentation that all of it has. */
export function regionOf(source: string): string {
  const [path = "", name = ""] = source.split("#");
  const lines = read(path).split("\n");
  const start = lines.findIndex((line) => line.trim() === `// #region ${name}`);
  const length = lines.slice(start + 1).findIndex((line) => line.trim() === "// #endregion");
  if (start < 0 || length < 0) throw new Error(`${path} has no region "${name}"`);
  const region = lines.slice(start + 1, start + 1 + length);
  const indents = region.filter((line) => line.trim() !== "").map((line) => line.length - line.trimStart().length);
  return region.map((line) => `${line.slice(Math.min(...indents))}\n`).join("");
}

/** Links to files of this repository, with what stands behind `#`. */
export function linksOf(page: string): { readonly link: string; readonly target: string; readonly anchor: string }[] {
  const text = withoutCode(read(page));
  return [...text.matchAll(/\]\(([^()\s]+)\)/g)].flatMap(([, link = ""]) => {
    if (/^[a-z]+:/i.test(link)) return [];
    const [path = "", anchor = ""] = link.split("#");
    const target = path === "" ? page : relative(root, join(root, dirname(page), decodeURI(path)));
    return [{ link, target, anchor }];
  });
}

/** The anchors that GitHub gives a page's headings. */
export function anchorsOf(page: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading = ""] of withoutBlocks(read(page)).matchAll(/^#{1,6} (.+)$/gm)) {
    const text = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase();
    const anchor = text.replace(/[^\p{L}\p{N}\p{M}_\- ]/gu, "").replaceAll(" ", "-");
    let free = anchor;
    for (let number = 1; anchors.has(free); number++) free = `${anchor}-${number}`;
    anchors.add(free);
  }
  return anchors;
}

const withoutBlocks = (text: string) => text.replace(/^```[\s\S]*?^```$/gm, "");
const withoutCode = (text: string) => withoutBlocks(text).replace(/`[^`\n]*`/g, "");
