import type { Locator, Page } from "playwright-core";

/** What somebody reads on the application's pages. What is not there yet is waited for. */
export interface Reading {
  /** Waits for the page with that heading. */
  reads(heading: string): Promise<void>;
  /** Waits for the page that says that it is linked. */
  linked(title: string): Promise<void>;
  text(): Promise<string>;
  /** What the page says once, about what was just done. */
  notice(): Promise<string>;
  /** The names of the connections, from top to bottom. */
  titles(): Promise<string[]>;
  health(title: string): Promise<string>;
  /** Why it stands as it does; empty where all is well. */
  why(title: string): Promise<string>;
  /** What stands beside a name on a card, in one line. */
  fact(title: string, name: string): Promise<string>;
}

export function createReading(page: Page): Reading {
  const reads = (heading: string) => page.getByRole("heading", { level: 1, name: heading, exact: true }).waitFor();
  const card = (title: string) => page.getByRole("article", { name: title, exact: true });
  const textOf = async (place: Locator) => inOneLine(await place.textContent());
  return {
    reads,
    async linked(title) {
      await page
        .getByRole("status")
        .filter({ hasText: `${title} is linked.` })
        .waitFor();
    },
    text: () => textOf(page.getByRole("main")),
    notice: () => textOf(page.getByRole("status")),
    async titles() {
      await reads("Your connections");
      return page.getByRole("article").getByRole("heading").allTextContents();
    },
    health: async (title) => (await textOf(card(title).locator(".badge"))).replace(/^Health: /, ""),
    async why(title) {
      await card(title).waitFor();
      return inOneLine((await card(title).locator(".why").allTextContents()).join(" "));
    },
    fact: (title, name) => {
      const entry = card(title).locator(".facts > div");
      return textOf(entry.filter({ has: page.getByText(name, { exact: true }) }).locator("dd"));
    },
  };
}

const inOneLine = (text: string | null): string => (text ?? "").replace(/\s+/g, " ").trim();
