import { readFileSync } from "node:fs";
import { startVitest } from "vitest/node";

/**
 * Takes out each defence that `defences.txt` names, one at a time, and looks whether a test of that name fails. Ends with 1 where
 * none does. `pnpm defences` tries all, `pnpm defences G61 C12` those of these ids. Sources stay as they are: what is changed is
 * what the tests get to read.
 */
interface Defence {
  readonly ids: readonly string[];
  readonly what: string;
  readonly file: string;
  /** What is taken out; how its lines are indented does not count. */
  readonly without: RegExp;
  readonly instead: string;
  readonly test: string;
}

const asked = process.argv.slice(2);
const defences = readFileSync(new URL("defences.txt", import.meta.url), "utf8")
  .split(/\n{2,}/)
  .filter((block) => !block.startsWith("#") && block.trim() !== "")
  .map(parsed)
  .filter(({ ids }) => asked.length === 0 || ids.some((id) => asked.includes(id)));

function parsed(block: string): Defence {
  const [title = "", file = "", ...lines] = block.trim().split("\n");
  const marked = (mark: string) => lines.filter((line) => line.startsWith(mark)).map((line) => line.slice(1).trim());
  return {
    ids: title.match(/\b[CG]\d\d?\b/g) ?? [],
    what: title,
    file,
    without: new RegExp(marked("-").map(literal).join("\\s*\\n\\s*"), "g"),
    instead: marked("+").join("\n"),
    test: marked("=").join(),
  };
}

function literal(line: string): string {
  return line.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

/** What a test says that fails without the defence; `undefined` where none does. */
async function failing({ ids, file, without, instead, test }: Defence): Promise<string | undefined> {
  const taken = {
    name: "without a defence",
    enforce: "pre" as const,
    transform: (code: string, id: string) => (id.endsWith(file) ? code.replace(without, () => instead) : undefined),
  };
  const vitest = await startVitest(
    [test],
    { run: true, bail: 1, fsModuleCache: false, testNamePattern: `\\b(${ids.join("|")})\\b`, reporters: [{}] },
    { plugins: [taken], logLevel: "silent" },
  );
  await vitest.close();
  process.exitCode = 0; // A failing test is what was wanted.
  for (const module of vitest.state.getTestModules())
    for (const one of module.children.allTests()) if (one.result().state === "failed") return one.name;
  return undefined;
}

let standing = 0;
const missing: string[] = [];
for (const defence of defences) {
  const found = readFileSync(defence.file, "utf8").match(defence.without)?.length ?? 0;
  const why = found === 1 ? await failing(defence) : undefined;
  const { what, test } = defence;
  if (why !== undefined) standing++;
  else
    missing.push(
      found === 1 ? `${what}: nothing fails in ${test}` : `${what}: stands ${found} times in ${defence.file}`,
    );
  console.log(why === undefined ? `✗ ${missing.at(-1)}` : `✓ ${what}\n    ${why}`);
}
console.log(`${standing} of ${defences.length} defences make a test fail when they are taken out`);
process.exitCode = missing.length > 0 ? 1 : 0;
