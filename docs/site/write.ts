import { cp, mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { drawDiagrams } from "./diagrams.ts";
import { home } from "./home.ts";
import { siteLinks } from "./links.ts";
import { titleOf, withoutMarks } from "./markdown.ts";
import { pages } from "./pages.ts";
import { writeReference } from "./reference.ts";
import { at, exists, read, repositoryUrl } from "./repository.ts";

/** What the site is built from: the repository's pages as the site needs them, and the reference. */
export const folder = at("docs/.site");

/** @returns What is wrong with the pages, a line each. */
export async function writeSite({ reference = true } = {}): Promise<string[]> {
  const faults: string[] = [];
  const dead = (fault: string) => faults.push(fault);
  await rm(folder, { recursive: true, force: true });
  const shown = pages();
  const targets = { pages: shown, repository: repositoryUrl(), exists, dead };
  for (const [file, page] of shown) {
    if (!file.endsWith(".md")) continue;
    const text = file === "README.md" ? home(read(file)) : read(file);
    await write(page, siteLinks(drawDiagrams(withoutMarks(text), file), file, targets));
  }
  await write("decisions/index.md", decisions([...shown]));
  for (const each of ["public", "images"])
    if (exists(`docs/${each}`)) await cp(at(`docs/${each}`), join(folder, each), { recursive: true });
  if (reference) await writeReference(join(folder, "reference"));
  return faults;
}

async function write(page: string, text: string): Promise<void> {
  const path = join(folder, page);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

function decisions(shown: readonly (readonly [file: string, page: string])[]): string {
  const lines = shown
    .filter(([file]) => /^docs\/decisions\/.*\.md$/.test(file))
    .map(([file, page]) => `- [${titleOf(read(file))}](./${page.replace("decisions/", "")})`);
  return `# Decisions\n\nWhat others would wonder about, and why it is so.\n\n${lines.join("\n")}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const faults = await writeSite();
  for (const fault of faults) console.error(fault);
  process.exitCode = faults.length === 0 ? 0 : 1;
}
