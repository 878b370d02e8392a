import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, totalmem } from "node:os";
import { parseArgs } from "node:util";
import { start } from "./processes.ts";
import { markdown, type Part, plain } from "./report.ts";
import { versions } from "./versions.ts";

/**
 * `pnpm bench [--only p1,p3] [--large] [--profile directory]`: measures Linkwright beside its alternatives, prints what came of
 * it, and writes it to docs/benchmarks.md, where the sections of parts that did not run stay as they are.
 */

export interface Options {
  /** Also what takes minutes: a million rows. */
  readonly large: boolean;
}

const parts = ["p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9"];
const { values } = parseArgs({
  options: {
    only: { type: "string", default: parts.join(",") },
    large: { type: "boolean", default: false },
    /** Writes a CPU profile of each part there. */
    profile: { type: "string" },
  },
});
const wanted = values.only.split(",").map((name) => name.trim());
const unknown = wanted.filter((name) => !parts.includes(name));
if (unknown.length > 0) throw new Error(`no such part: ${unknown.join(", ")}; there are ${parts.join(", ")}`);

const flags = ["--expose-gc", "--disable-warning=ExperimentalWarning"];
const done: Part[] = [];
const failed: string[] = [];
for (const part of parts.filter((name) => wanted.includes(name))) {
  const began = performance.now();
  const profiled = values.profile ? ["--cpu-prof", `--cpu-prof-dir=${values.profile}`] : [];
  const peer = start("./run-part.ts", [], [...flags, ...profiled]);
  try {
    done.push(await peer.ask<Part>({ part, large: values.large }));
    console.error(`${part}: ${((performance.now() - began) / 1000).toFixed(0)} s`);
  } catch (error) {
    failed.push(part);
    console.error(`${part} failed: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    await peer.end();
  }
}
console.log(plain(done));
write(done);
if (failed.length > 0) process.exitCode = 1;

function write(fresh: readonly Part[]): void {
  const file = new URL("../../../docs/benchmarks.md", import.meta.url);
  const before = read(file);
  const today = new Date().toISOString().slice(0, 10);
  const sections = parts.map((id) => {
    const part = fresh.find((each) => each.id === id);
    const [begin, end] = [`<!-- ${id} -->`, `<!-- /${id} -->`];
    if (part) return `${begin}\n${markdown(part)}\n\nMeasured ${today}.\n${end}`;
    const from = before.indexOf(begin);
    const to = before.indexOf(end);
    return from >= 0 && to > from ? before.slice(from, to + end.length) : "";
  });
  const memory = Math.round(totalmem() / 2 ** 30);
  const text = `# Benchmarks

Written by \`pnpm bench\`; what each part does is in \`packages/bench/src/parts\`. All contestants of a part run in one go, in
turns, against one server in a process of its own; a number is the median over the rounds, a ratio the median of the rounds'
ratios. Numbers of two runs, or of two machines, do not compare: ratios do. *Floor* is the least code that does the job,
written by hand. **miss** marks a target that is not reached.

${availableParallelism()} cores (${cpus()[0]?.model.trim() ?? "unknown"}), ${memory} GB, ${process.platform}, Node ${process.version}.

| package | version |
| --- | --- |
${versions()
  .map(([name, version]) => `| ${name} | ${version} |`)
  .join("\n")}

${sections.filter((section) => section !== "").join("\n\n")}
`;
  mkdirSync(new URL(".", file), { recursive: true });
  writeFileSync(file, text);
}

function read(file: URL): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
