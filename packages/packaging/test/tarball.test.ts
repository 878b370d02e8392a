import { readFileSync } from "node:fs";
import { join } from "node:path";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { describe, expect, test } from "vitest";
import { tarballOf, text } from "../src/tarball.ts";
import { filesUnder, publicPackages, root } from "../src/workspace.ts";

/** What is sent to the registry, byte by byte. */

test("the packages are being looked at", () => {
  expect(publicPackages.map(({ short }) => short)).toEqual(expect.arrayContaining(["core", "flinks", "store-sqlite"]));
  expect(publicPackages.map(({ short }) => short)).not.toContain("bench");
});

describe.each(publicPackages)("G76 the tarball of $manifest.name", (of) => {
  const { short, folder } = of;
  const { scripts } = of.manifest;

  test("holds every source and its types, and besides them exactly the files of its list", async () => {
    const { files } = await tarballOf(of);
    const names = [...files.keys()].sort();
    const sources = filesUnder(join(folder, "src")).map((name) => `src/${name}`);
    const types = sources.map((name) => name.replace(/^src\/(.*)\.ts$/, "dist/$1.d.ts"));
    // Where it is not bundled, every source has its code, too.
    const code = scripts?.build?.startsWith("tsc") ? types.map((name) => name.replace(".d.ts", ".js")) : [];
    const expected = [...sources, ...[...types, ...code].flatMap((name) => [name, `${name}.map`])];
    expect(names).toEqual(expect.arrayContaining(expected));
    const others = names.filter((name) => !expected.includes(name));
    await expect(`${others.join("\n")}\n`).toMatchFileSnapshot(`./tarballs/${short}.txt`);
  });

  test("has a README of its own and the repository's licence", async () => {
    const { files } = await tarballOf(of);
    expect(text(files, "LICENSE")).toBe(readFileSync(join(root, "LICENSE"), "utf8"));
    expect(text(files, "README.md")).toMatch(new RegExp(`^# ${of.manifest.name}\n`));
  });

  test("tells the registry what it is, and nothing of this workspace", async () => {
    const { manifest } = await tarballOf(of);
    expect(manifest).toMatchObject({
      license: "Apache-2.0",
      type: "module",
      sideEffects: false,
      engines: { node: ">=22.19" },
      publishConfig: { access: "public", provenance: true },
    });
    expect([manifest.description?.length, manifest.keywords?.length]).toEqual([expect.any(Number), expect.any(Number)]);
    expect(manifest.files).toEqual(expect.arrayContaining(["dist", "src"]));
    expect(JSON.stringify(manifest)).not.toMatch(/workspace:|catalog:|@linkwright\/source/);
    // Every entry has types, and nothing comes before them; there is one format.
    for (const conditions of Object.values(manifest.exports))
      expect(Object.keys(conditions)).toEqual(["types", "default"]);
  });

  test("is in order for publint", async () => {
    const { bytes, manifest } = await tarballOf(of);
    const { messages } = await publint({ strict: true, pack: { tarball: new Uint8Array(bytes).buffer } });
    expect(messages.map((message) => formatMessage(message, manifest as object))).toEqual([]);
  });

  test("is in order for arethetypeswrong, from modules, bundlers and require", async () => {
    const { bytes, manifest } = await tarballOf(of);
    const result = await checkPackage(createPackageFromTarballData(bytes));
    if (!result.types) throw new Error("it finds no types");
    expect(Object.keys(result.entrypoints)).toEqual(Object.keys(manifest.exports));
    // Resolution as it was before `exports` is not supported. From CommonJS a module of the new kind is required as it is, from the
    // Node floor on: installed.test.ts does so.
    const problems = result.problems.filter(
      (problem) =>
        !("resolutionKind" in problem && problem.resolutionKind === "node10") &&
        !(problem.kind === "CJSResolvesToESM" && problem.resolutionKind === "node16-cjs"),
    );
    expect(problems).toEqual([]);
  });
});
