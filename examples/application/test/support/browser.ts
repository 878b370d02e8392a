import type { Browser } from "playwright-core";
import { afterAll, beforeAll } from "vitest";
import { findChromium, launchChromium } from "./chromium.ts";
import type { HouseOptions } from "./house.ts";
import { openHouse } from "./open-house.ts";

const path = findChromium();

/** Whether there is a browser to test in. Where there is none the suites are skipped, but not in CI, which must have one. */
export const hasChromium = path !== undefined;

if (!hasChromium) {
  if (process.env.CI) throw new Error("CI needs Chromium at /usr/bin/chromium, or CHROMIUM_PATH.");
  console.log("SKIPPED: the tests in a browser, as there is no Chromium. Install Debian's, or set CHROMIUM_PATH.");
}

/** For a suite in a browser: milliseconds that each of its tests may take. */
export const patience = { timeout: 60_000 } as const;

/** One browser for the tests of the file, which is closed after them. */
export function browserOfFile() {
  let browser: Browser;
  beforeAll(async () => {
    if (path !== undefined) browser = await launchChromium(path);
  }, patience.timeout);
  afterAll(async () => {
    await browser?.close();
  });
  return { open: (options?: HouseOptions) => openHouse(browser, options) };
}
