import { isBuiltin } from "node:module";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { rolldown } from "rolldown";
import { parseSync, Visitor } from "rolldown/utils";
import type { PublicPackage } from "./workspace.ts";

/** The compiled files of a package that can be imported. */
export const entriesOf = ({ folder, manifest }: PublicPackage): string[] =>
  Object.values(manifest.exports).map(({ default: path = "" }) => join(folder, path));

/** Code of a package and of nothing that it imports, as text. */
interface Code {
  readonly text: string;
  /** What it imports from elsewhere, at once and later. */
  readonly imports: readonly string[];
}

/** Every file that a package's entry reaches, joined and, where asked, as small as it gets. */
async function bundle(input: string, minify: boolean): Promise<Code> {
  const joined = await rolldown({ input, external: (id) => /^[^./]/.test(id), logLevel: "silent" });
  const { output } = await joined.generate({ format: "esm", minify });
  await joined.close();
  const chunks = output.filter((file) => file.type === "chunk");
  const own = new Set(chunks.map(({ fileName }) => fileName));
  return {
    text: chunks.map(({ code }) => code).join("\n"),
    imports: [...new Set(chunks.flatMap((chunk) => [...chunk.imports, ...chunk.dynamicImports]))]
      .filter((id) => !own.has(id))
      .sort(),
  };
}

/** Bytes of the package's own code, minified and gzipped. */
export async function ownSize(of: PublicPackage): Promise<number> {
  const [entry = ""] = entriesOf(of);
  return gzipSync((await bundle(entry, true)).text, { level: 9 }).byteLength;
}

/** What the package's code imports from other packages and from the runtime. */
export async function importsOf(of: PublicPackage): Promise<readonly string[]> {
  const each = await Promise.all(entriesOf(of).map((entry) => bundle(entry, false)));
  return [...new Set(each.flatMap(({ imports }) => imports))].sort();
}

export const builtins = (imports: readonly string[]): string[] => imports.filter((id) => isBuiltin(id));

/** Names of `asked` that the code takes from the runtime. A name that it gives itself is made short by minifying, and is another then. */
export async function globalsOf(of: PublicPackage, asked: readonly string[]): Promise<string[]> {
  const each = await Promise.all(entriesOf(of).map((entry) => bundle(entry, true)));
  return [...new Set(each.flatMap(({ text }) => namesIn(text)))].filter((name) => asked.includes(name)).sort();
}

/** Every name that code reads as a variable, and every member it reads of `globalThis`. */
export function namesIn(code: string): string[] {
  const names = new Set<string>();
  const members = new Set<number>();
  new Visitor({
    MemberExpression({ computed, object, property }) {
      if (computed) return;
      if (object.type === "Identifier" && object.name === "globalThis" && property.type === "Identifier")
        names.add(property.name);
      members.add(property.start);
    },
    Property({ computed, shorthand, key }) {
      if (!computed && !shorthand) members.add(key.start);
    },
    PropertyDefinition({ computed, key }) {
      if (!computed) members.add(key.start);
    },
    MethodDefinition({ computed, key }) {
      if (!computed) members.add(key.start);
    },
    Identifier({ name, start }) {
      if (!members.has(start)) names.add(name);
    },
  }).visit(parseSync("code.js", code).program);
  return [...names];
}

/** What is left of an application that imports the package and uses nothing of it. */
export async function leftOf(of: PublicPackage): Promise<string> {
  const application = "\0application";
  const text = entriesOf(of).map((entry) => `import ${JSON.stringify(entry)};`);
  const joined = await rolldown({
    input: application,
    plugins: [
      {
        name: "application",
        resolveId: (id) => (id === application ? id : undefined),
        load: (id) => (id === application ? text.join("\n") : undefined),
      },
    ],
    external: (id) => id !== application && /^[^./]/.test(id),
    logLevel: "silent",
  });
  const { output } = await joined.generate({ format: "esm", comments: false });
  await joined.close();
  return output[0].code.trim();
}
