import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const flags = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Where Chromium is: at `CHROMIUM_PATH`, else where Debian puts it. `undefined` where there is none. */
export function findChromium(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const path = environment.CHROMIUM_PATH?.trim() || "/usr/bin/chromium";
  return existsSync(path) ? path : undefined;
}

/** Starts Chromium with an empty profile, which is removed when it is closed. */
export async function launchChromium(path: string): Promise<Browser> {
  return chromium.launch({ executablePath: path, args: flags });
}
