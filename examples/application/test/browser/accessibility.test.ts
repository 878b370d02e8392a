import axe from "axe-core";
import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { browserOfFile, hasChromium, patience } from "../support/browser.ts";
import { scenes } from "../support/scenes.ts";

/** The narrowest that WCAG 2.2 asks for, in 1.4.10, and a desktop's. No colour depends on the width, nor a width on colours. */
const views = [
  { width: 320, colorScheme: "dark" },
  { width: 1280, colorScheme: "light" },
] as const;

describe.skipIf(!hasChromium)("for everybody's eyes and ears", patience, () => {
  const browser = browserOfFile();

  test("every page, light and dark, narrow and wide, keeps what axe-core checks, and none scrolls sideways", async () => {
    await using h = await browser.open();
    const seen: string[] = [];
    for await (const { name, person } of scenes(h)) {
      const { page } = person;
      seen.push(name);
      for (const { width, colorScheme } of views) {
        await page.setViewportSize({ width, height: 900 });
        await page.emulateMedia({ colorScheme });
        expect({ name, width, over: await overflow(page), broken: await violations(page) }).toEqual({
          name,
          width,
          over: [],
          broken: [],
        });
      }
    }
    expect(seen).toHaveLength(12);
  });

  test("what axe-core would not let pass is seen: text that cannot be read, and a page that is too wide", async () => {
    await using h = await browser.open();
    const { page, visit } = await h.person();
    await visit();
    await page.setViewportSize({ width: 320, height: 900 });
    await page.emulateMedia({ colorScheme: "light" });
    await page.waitForFunction(() => document.styleSheets.length > 0);
    // One after the other: of a text that reaches out of the window, axe-core does not tell the ground.
    await page.evaluate(() => document.querySelector("h1")?.style.setProperty("color", "#eee"));
    expect(await violations(page)).toEqual([expect.stringContaining("color-contrast")]);
    await page.evaluate(() => document.querySelector("h1")?.style.setProperty("width", "500px"));
    expect(await overflow(page)).not.toEqual([]);
  });
});

/** Each rule that is broken, with where. */
async function violations(page: Page): Promise<readonly string[]> {
  // As the browser's own, since the pages' policy lets no script in.
  await page.evaluate(axe.source);
  const { violations: found } = await page.evaluate(() =>
    (globalThis as unknown as { axe: typeof axe }).axe.run(document, {
      resultTypes: ["violations"],
      // Of a page without style, colours are the browser's own; axe-core takes its dark ground for white.
      rules: { "color-contrast": { enabled: document.styleSheets.length > 0 } },
    }),
  );
  return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
}

/** What reaches over the right edge of the window. */
async function overflow(page: Page): Promise<readonly string[]> {
  return page.evaluate(() => {
    const { clientWidth, scrollWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return [];
    const over = [...document.querySelectorAll("body *")].filter(
      (element) => element.getBoundingClientRect().right > clientWidth,
    );
    return over.map((element) => `${element.tagName} ${element.className}`);
  });
}
