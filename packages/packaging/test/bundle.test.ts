import { readFileSync, writeFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { builtins, globalsOf, importsOf, leftOf, namesIn, ownSize } from "../src/bundle.ts";
import { tarballOf, text } from "../src/tarball.ts";
import { isPortable, publicPackages } from "../src/workspace.ts";

/** What a package costs who bundles it, and what it asks of a runtime. */

/**
 * Bytes of own code, minified and gzipped: with little room above what it is today, so that who makes a package larger says so. The
 * target is another thing, and what is above it is not there yet. `pnpm reports` writes ceilings anew.
 */
interface Size {
  readonly ceiling: number;
  readonly target?: number;
}

const written = new URL("../sizes.json", import.meta.url);
const read = () => JSON.parse(readFileSync(written, "utf8")) as Record<string, Size>;

beforeAll(async () => {
  if (process.env.UPDATE_REPORTS !== "1") return;
  const sizes: Record<string, Size> = {};
  for (const of of publicPackages) {
    const { ceiling = 0, ...rest } = read()[of.short] ?? {};
    const size = await ownSize(of);
    sizes[of.short] = { ceiling: fits(size, ceiling) ? ceiling : Math.ceil(size / 100 + 1) * 100, ...rest };
  }
  writeFileSync(written, `${JSON.stringify(sizes, null, 2)}\n`);
});

const fits = (size: number, ceiling: number) => size <= ceiling && size > ceiling * 0.9 - 100;

describe.each(publicPackages)("$manifest.name", (of) => {
  test("is no larger than its ceiling, and not much smaller", async () => {
    await tarballOf(of); // which refuses what is older than its sources
    const size = await ownSize(of);
    const { ceiling = 0, target } = read()[of.short] ?? {};
    const aim = target === undefined ? "" : `, the target is ${target}`;
    const advice = "if it should, run `pnpm reports`";
    expect(fits(size, ceiling), `${of.short} has ${size} bytes, its ceiling is ${ceiling}${aim}: ${advice}`).toBe(true);
  });

  test("needs what its manifest names, in code or in types, and all of that", async () => {
    const { files } = await tarballOf(of);
    const types = [...files.keys()].filter((name) => name.endsWith(".d.ts")).map((name) => text(files, name));
    const inTypes = types.flatMap((type) =>
      [...type.matchAll(/(?:from |import\()"([^."][^"]*)"/g)].map(([, id = ""]) => id),
    );
    const needed = [...(await importsOf(of)), ...inTypes].filter((id) => builtins([id]).length === 0).map(packageOf);
    const { dependencies = {} } = of.manifest;
    expect([...new Set(needed)].sort()).toEqual(Object.keys(dependencies).sort());
  });

  test("is dropped by a bundler where nothing of it is used", async () => {
    expect(await leftOf(of)).toBe("");
  });
});

const packageOf = (id: string) =>
  id
    .split("/")
    .slice(0, id.startsWith("@") ? 2 : 1)
    .join("/");

describe.each(publicPackages.filter(isPortable))("G78 $manifest.name asks Web APIs alone", (of) => {
  const forbidden = ["Buffer", "process", "require", "module", "global", "__dirname", "__filename", "setImmediate"];

  test("and no built-in or global of Node", async () => {
    expect(builtins(await importsOf(of))).toEqual([]);
    expect(await globalsOf(of, forbidden)).toEqual([]);
  });
});

test("G78 core, the adapters and web are among the portable ones, stores are not", () => {
  const portable = publicPackages.filter(isPortable).map(({ short }) => short);
  expect(portable).toEqual(expect.arrayContaining(["core", "fiskil", "fiskl", "flinks"]));
  expect(portable).not.toContain("store-sqlite");
});

test("a global is found where it is used, and not where a member or a text is called so", () => {
  const code = `const a = { process: 1, ...{ Buffer } }; a.process; "setImmediate"; globalThis.require; class B { module() {} }`;
  expect(namesIn(code).sort()).toEqual(["B", "Buffer", "a", "globalThis", "require"]);
});
