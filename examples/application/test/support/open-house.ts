import type { Browser, BrowserContextOptions } from "playwright-core";
import { type HouseOptions, house } from "./house.ts";
import { createPerson, type Person } from "./person.ts";

/** Small, as every pixel is drawn by the processor. */
const viewport = { width: 800, height: 600 };

/** Milliseconds that somebody waits for something on a page. */
const patience = 20_000;

/** The application, the simulators, and people who come with browsers of their own: nobody shares a cookie. */
export async function openHouse(browser: Browser, options?: HouseOptions) {
  await using stack = new AsyncDisposableStack();
  const h = stack.use(await house(options));
  const started = stack.move();
  const person = async (settings: BrowserContextOptions = {}): Promise<Person> => {
    const context = await browser.newContext({ locale: "en-GB", timezoneId: "UTC", viewport, ...settings });
    started.defer(() => context.close());
    context.setDefaultTimeout(patience);
    return createPerson(await context.newPage(), h.origin);
  };
  return {
    ...h,
    person,
    /** Somebody who is signed in, before their connections. */
    async signedIn(name: string, settings?: BrowserContextOptions): Promise<Person> {
      const somebody = await person(settings);
      await somebody.signIn(name);
      return somebody;
    },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}
