import { globSync, readFileSync } from "node:fs";

/**
 * Which guarantees of docs/guarantees.md no test's title carries. With letters as arguments, fails where one of those groups
 * has such a guarantee: `node scripts/guarantees.ts A B C`.
 */
const promised = new Map<string, string>();
let group = "";
for (const line of readFileSync("docs/guarantees.md", "utf8").split("\n")) {
  group = /^## ([A-Z])\b/.exec(line)?.[1] ?? group;
  const id = /^\| (G\d\d) \|/.exec(line)?.[1];
  if (id) promised.set(id, group);
}
const shown = new Set<string>();
for (const file of globSync("{packages,examples}/*/{test,src}/**/*.ts"))
  for (const [, title] of readFileSync(file, "utf8").matchAll(/["'`]([^"'`\n]*\bG\d\d\b[^"'`\n]*)["'`]/g))
    for (const [id] of (title ?? "").matchAll(/\bG\d\d\b/g)) shown.add(id);

const missing = [...promised].filter(([id]) => !shown.has(id));
console.log(`${promised.size - missing.length} of ${promised.size} guarantees are named by a test`);
for (const [id, of] of missing) console.log(`${id} (${of}): no test`);
const asked = process.argv.slice(2);
if (missing.some(([, of]) => asked.includes(of))) process.exitCode = 1;
