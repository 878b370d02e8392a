import type { Page } from "playwright-core";
import { createReading, type Reading } from "./reading.ts";

/** What somebody does in one tab. Everything is found as they find it: by role and by what is written on it. */
export interface Person extends Reading {
  readonly page: Page;
  /** Opens a page of the application. */
  visit(path?: string): Promise<void>;
  signIn(name: string): Promise<void>;
  press(name: string | RegExp): Promise<void>;
  /** Moves the focus by the keyboard until it is there, and can be seen there. */
  tabTo(role: "button" | "link", name: string | RegExp): Promise<void>;
  /** Presses "Link" and gets to the provider's page. */
  setOut(title: string): Promise<void>;
  /** Says yes there. */
  approve(): Promise<void>;
  deny(): Promise<void>;
  /** From "Link" until it is said that it is linked. */
  link(title: string): Promise<void>;
  /** Says yes; returns the path and query that the browser was sent back to, which it does not reach where `intercept` is set. */
  returning(options?: { readonly intercept?: boolean }): Promise<string>;
  /** Clicks a link that stands on the page where they are, whoever's it is. */
  follow(url: string): Promise<void>;
  /** Sends a form from there. */
  submit(url: string, fields: Readonly<Record<string, string>>): Promise<void>;
  /** Another tab of the same browser. */
  anotherTab(): Promise<Person>;
}

/** @param origin - Of the application. */
export function createPerson(page: Page, origin: string): Person {
  const reading = createReading(page);
  const press = (name: string | RegExp) =>
    page.getByRole("button", typeof name === "string" ? { name, exact: true } : { name }).click();

  const person: Person = {
    ...reading,
    page,
    async visit(path = "/") {
      await page.goto(origin + path);
    },
    async signIn(name) {
      await person.visit();
      await press(new RegExp(`^${name}`));
      await person.reads("Your connections");
    },
    press,
    async tabTo(role, name) {
      const wanted = page.getByRole(role, typeof name === "string" ? { name, exact: true } : { name });
      await wanted.waitFor();
      for (let presses = 0; presses < 60; presses += 1) {
        await page.keyboard.press("Tab");
        if (!(await wanted.evaluate((element) => element === document.activeElement))) continue;
        const outline = await wanted.evaluate((element) => getComputedStyle(element).outline);
        if (/ (none|0px)\b/.test(outline))
          throw new Error(`The focus on the ${role} ${name} cannot be seen: ${outline}`);
        return;
      }
      throw new Error(`The keyboard does not reach the ${role} ${name}.`);
    },
    async setOut(title) {
      await press(`Link ${title}`);
      await page.getByRole("button", { name: "Approve" }).waitFor();
    },
    approve: () => press("Approve"),
    deny: () => press("Deny"),
    async link(title) {
      await person.setOut(title);
      await person.approve();
      await person.linked(title);
    },
    async returning({ intercept = false } = {}) {
      const { promise, resolve } = Promise.withResolvers<string>();
      const consent = page.url();
      // Routes do not see where a redirect leads to, so what is stopped is the answer that would redirect.
      await page.route(
        ({ href }) => href === consent,
        async (route) => {
          const answer = await route.fetch({ maxRedirects: 0 });
          resolve(answer.headers().location ?? "");
          await route.fulfill(intercept ? { body: "The way back was cut off." } : { response: answer });
        },
        { times: 1 },
      );
      await person.approve();
      const callback = new URL(await promise);
      return callback.pathname + callback.search;
    },
    async follow(url) {
      await page.evaluate((href) => {
        const link = document.createElement("a");
        link.href = href;
        document.body.append(link);
        link.click();
      }, url);
    },
    async submit(url, fields) {
      await page.evaluate(
        ([action, entries]) => {
          const form = document.createElement("form");
          form.method = "post";
          form.action = action;
          for (const [name, value] of entries) {
            const field = document.createElement("input");
            field.name = name;
            field.value = value;
            form.append(field);
          }
          document.body.append(form);
          form.submit();
        },
        [url, Object.entries(fields)] as const,
      );
    },
    anotherTab: async () => createPerson(await page.context().newPage(), origin),
  };
  return person;
}
