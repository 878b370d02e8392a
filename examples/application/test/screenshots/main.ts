import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Page } from "playwright-core";
import { findChromium, launchChromium } from "../support/chromium.ts";
import { openHouse } from "../support/open-house.ts";
import { scenes } from "../support/scenes.ts";

/**
 * Takes the pictures of the documents, into `docs/images` or the folder that is named; with `--all`, one of every page, light
 * and dark, narrow and wide. Debian's `fonts-inter` makes them look, and `pngquant` makes them small.
 */

const named = process.argv.slice(2).find((argument) => !argument.startsWith("--"));
const folder = named ?? fileURLToPath(new URL("../../../../docs/images", import.meta.url));
const all = process.argv.includes("--all");

const light = { colorScheme: "light", width: 1040 } as const;
const dark = { colorScheme: "dark", width: 1040 } as const;
const narrow = { colorScheme: "light", width: 390 } as const;
const views = { light, dark, narrow, "narrow-dark": { ...narrow, colorScheme: "dark" } } as const;

type View = (typeof views)[keyof typeof views];

/** Scene by scene: the pictures, and how they are looked at. */
const pictures: Readonly<Record<string, Readonly<Record<string, View>>>> = {
  connections: { connections: light, "connections-dark": dark },
  connection: { "connection-narrow": narrow },
  answer: { answer: light },
  denied: { denied: light },
  troubles: { troubles: light },
};

async function shoot(page: Page, name: string, { colorScheme, width }: View): Promise<void> {
  const path = join(folder, `${name}.png`);
  await page.emulateMedia({ colorScheme });
  await page.setViewportSize({ width, height: 500 });
  await page.screenshot({ path, fullPage: true });
  console.log(`${name}${(await compacted(path)) ? "" : ", not made small: there is no pngquant"}`);
}

const run = promisify(execFile);

function compacted(path: string): Promise<boolean> {
  return run("pngquant", ["--speed", "1", "--strip", "--force", "--output", path, path]).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return false;
      throw error;
    },
  );
}

const path = findChromium();
if (path === undefined) throw new Error("There is no Chromium. Install Debian's, or set CHROMIUM_PATH.");
await mkdir(folder, { recursive: true });
const browser = await launchChromium(path);
try {
  await using h = await openHouse(browser, { start: "2026-11-24T09:30:00Z" });
  for await (const { name, person } of scenes(h)) {
    const wanted = all
      ? Object.fromEntries(Object.entries(views).map(([view, settings]) => [`${name}-${view}`, settings]))
      : (pictures[name] ?? {});
    for (const [picture, view] of Object.entries(wanted)) await shoot(person.page, picture, view);
  }
} finally {
  await browser.close();
}
