import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { faultsOf } from "../site/check.ts";
import { drawDiagrams } from "../site/diagrams.ts";
import { home } from "../site/home.ts";
import { siteLinks } from "../site/links.ts";
import { sectionOf, titleOf, withoutMarks } from "../site/markdown.ts";
import { folders, groups } from "../site/navigation.ts";
import { pages } from "../site/pages.ts";
import { read } from "../site/repository.ts";
import { slug } from "../site/slug.ts";

describe("links", () => {
  const shown = new Map([
    ["README.md", "index.md"],
    ["SECURITY.md", "security.md"],
    ["docs/errors.md", "errors.md"],
    ["docs/providers/flinks.md", "providers/flinks.md"],
  ]);
  const files = [...shown.keys(), "packages/core/src/flow.ts", "docs/images/a.png"];
  function changed(markdown: string, page: string, repository?: string) {
    const dead: string[] = [];
    const exists = (path: string) => files.includes(path);
    const text = siteLinks(markdown, page, { pages: shown, repository, exists, dead: (fault) => dead.push(fault) });
    return { text, dead };
  }

  test.each([
    ["docs/errors.md", "[flinks](providers/flinks.md#errors)", "[flinks](./providers/flinks.md#errors)"],
    ["docs/providers/flinks.md", "[errors](../errors.md)", "[errors](../errors.md)"],
    ["docs/errors.md", "[who](../SECURITY.md#A-B)", "[who](./security.md#a-b)"],
    ["SECURITY.md", "[what](docs/errors.md)", "[what](./errors.md)"],
    ["docs/providers/flinks.md", "[home](../../README.md)", "[home](../index.md)"],
    ["docs/errors.md", "[here](#there)", "[here](./errors.md#there)"],
    ["docs/errors.md", "[out](https://example.com/a.md)", "[out](https://example.com/a.md)"],
    ["docs/errors.md", "![a picture](images/a.png)", "![a picture](images/a.png)"],
  ])("from %s: %s", (page, markdown, expected) => {
    expect(changed(markdown, page)).toEqual({ text: expected, dead: [] });
  });

  test("to a file that the site does not show: text, or the repository where it is known", () => {
    const markdown = "[`flow.ts`](../packages/core/src/flow.ts#L1)";
    expect(changed(markdown, "docs/errors.md").text).toBe("`flow.ts`");
    expect(changed(markdown, "docs/errors.md", "https://git.example/linkwright").text).toBe(
      "[`flow.ts`](https://git.example/linkwright/blob/main/packages/core/src/flow.ts#L1)",
    );
  });

  test("to no file: told, images too", () => {
    expect(changed("[a](b.md), ![c](d.png)", "docs/errors.md").dead).toEqual([
      "docs/errors.md: b.md leads to no file",
      "docs/errors.md: d.png leads to no file",
    ]);
  });

  test("code is left alone", () => {
    const markdown = "`[a](b.md)`\n\n```md\n[a](b.md)\n```\n";
    expect(changed(markdown, "docs/errors.md")).toEqual({ text: markdown, dead: [] });
  });
});

describe("diagrams", () => {
  const markdown = '<!-- diagram: A & "B" -->\n\n```mermaid\nflowchart LR\n  a --> b\n```\n';

  test("are drawn in one line, by the page's own colours, and named", () => {
    const [line = "", ...rest] = drawDiagrams(markdown, "a.md").split("\n");
    expect(rest).toEqual([""]);
    expect(line).toMatch(/^<figure class="diagram" v-pre><svg viewBox="[\d. ]+" style="--width:\d+px" role="img"/);
    expect(line).toContain('aria-label="A &amp; &quot;B&quot;"');
    expect(line).not.toMatch(/<style|@import|https:/);
  });

  test("without a name are refused", () => {
    expect(() => drawDiagrams("```mermaid\nflowchart LR\n  a --> b\n```\n", "a.md")).toThrow(/^a\.md: /);
  });

  test("all that there are can be drawn", () => {
    const drawn = [...pages().keys()]
      .filter((page) => page.endsWith(".md"))
      .map((page) => (drawDiagrams(read(page), page).match(/<figure class="diagram"/g) ?? []).length);
    expect(drawn.reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(6);
  });
});

describe("pages", () => {
  test("every page is in the navigation, once", () => {
    const listed = groups.flatMap(({ entries }) => entries.map(({ page }) => page));
    expect(new Set(listed).size).toBe(listed.length);
    const found = [...pages().values()]
      .map((page) => page.replace(/\.md$/, ""))
      .filter((page) => !["index", "contents"].includes(page))
      .filter((page) => !folders.some(({ folder }) => page.startsWith(`${folder}/`)));
    expect(found.filter((page) => !listed.includes(page))).toEqual([]);
  });

  test("the first page has the README's own words", () => {
    const readme = read("README.md");
    expect(home(readme)).toContain(sectionOf(readme, "Quick start"));
    expect(() => home(readme.replace("## Quick start", "## Slow start"))).toThrow(/no section "Quick start"/);
  });

  test("marks for those who write are taken out, and lists of a page's own headings", () => {
    const text =
      "# `A` page\n\nWords.\n\n- [One](#one)\n- [Two](#two) · [Three](#three)\n\n<!-- snippet: a#b -->\n\n## One\n";
    expect(withoutMarks(text)).toBe("# `A` page\n\nWords.\n\n## One\n");
    expect(titleOf(text)).toBe("A page");
  });

  test.each([
    ["P3 Storm: 1,000 callers, one process", "p3-storm-1000-callers-one-process"],
    ["0003 Dependencies, and why each", "0003-dependencies-and-why-each"],
    ["createConnector()", "createconnector"],
  ])("%s is linked to as #%s", (heading, anchor) => {
    expect(slug(heading)).toBe(anchor);
  });
});

describe("a built site is looked through", () => {
  async function faults(files: Readonly<Record<string, string>>): Promise<string[]> {
    const folder = await mkdtemp(join(tmpdir(), "site-"));
    try {
      for (const [name, text] of Object.entries(files)) {
        await mkdir(dirname(join(folder, name)), { recursive: true });
        await writeFile(join(folder, name), text);
      }
      return faultsOf(folder, "/base/");
    } finally {
      await rm(folder, { recursive: true });
    }
  }

  test("links that lead somewhere are fine, from wherever they are", async () => {
    const index = '<a href="/base/a/b.html#c">1</a><a class="x" href="./a/b">2</a><a href="https://example.com">3</a>';
    const page = '<h1 id="c">c</h1><a href="#c">1</a><a href="../">2</a><a href="/base/">3</a>';
    expect(await faults({ "index.html": index, "a/b.html": page })).toEqual([]);
  });

  test("links to no page, to no heading, and what would be loaded from elsewhere are told", async () => {
    const index =
      '<a href="/base/none.html">1</a><a href="#none">2</a><img src="//example.com/a.png"><link rel="x" href="https://example.com/a.css">';
    expect(await faults({ "index.html": index, "a.css": "@import 'https://example.com/font'" })).toEqual([
      "index.html: /base/none.html leads to no page",
      "index.html: #none leads to no heading",
      'index.html: loads from elsewhere: <img src="//example.com/a.png">',
      'index.html: loads from elsewhere: <link rel="x" href="https://example.com/a.css">',
      "a.css: loads from elsewhere",
    ]);
  });
});
