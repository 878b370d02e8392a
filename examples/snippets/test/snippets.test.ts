import { existsSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { anchorsOf, at, blocksOf, linksOf, pages, read, regionOf, renewed } from "./support/pages.ts";

/**
 * The documentation shows code that compiles and runs: a block of TypeScript names the region that it is taken from, and is
 * compared with it. `UPDATE_DOCS=1 vitest run examples/snippets` writes the blocks anew.
 */

if (process.env.UPDATE_DOCS === "1") for (const page of pages) writeFileSync(at(page), renewed(page));

const blocks = pages.flatMap(blocksOf);

test("the pages are being looked at", () => {
  expect(pages).toContain("README.md");
  expect(pages).toContain("docs/getting-started.md");
  expect(blocks.filter(({ source }) => source !== undefined).length).toBeGreaterThan(20);
});

describe("a block that names its source is equal to it", () => {
  const marked = blocks.filter(({ source }) => source !== undefined);
  test.each(marked)("$page:$line $source", ({ code, source = "" }) => {
    expect(code).toBe(regionOf(source));
  });
});

test("no block is without a source", () => {
  const found = blocks.filter(({ source }) => source === undefined);
  expect(found.map(({ page, line }) => `${page}:${line}`)).toEqual([]);
});

test("a source is named where a block follows, and nowhere else", () => {
  for (const page of pages) {
    const named = read(page).match(/^<!-- snippet: .*$/gm) ?? [];
    expect(blocksOf(page).filter(({ source }) => source !== undefined).length, page).toBe(named.length);
  }
});

describe("links lead somewhere", () => {
  test.each(pages)("%s", (page) => {
    const dead = linksOf(page).filter(({ target, anchor }) => {
      if (!existsSync(at(target))) return true;
      return anchor !== "" && target.endsWith(".md") && !anchorsOf(target).has(anchor);
    });
    expect(dead.map(({ link }) => link)).toEqual([]);
  });
});

test("the tests that SECURITY.md names carry the ids that it names", () => {
  const named = [...read("SECURITY.md").matchAll(/\]\((\S+\.test\.ts)\) ((?:[CG]\d+(?:, )?)+)/g)];
  expect(named.length).toBeGreaterThan(40);
  const missing = named.flatMap(([, path = "", ids = ""]) => {
    const text = read(path);
    return ids.split(", ").flatMap((id) => (new RegExp(`["'\`][^\n]*\\b${id}\\b`).test(text) ? [] : [`${path} ${id}`]));
  });
  expect(missing).toEqual([]);
});
