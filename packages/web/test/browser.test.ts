import { existsSync } from "node:fs";
import { getRequestListener } from "@hono/node-server";
import { listen } from "@linkwright/testing";
import { type Browser, type BrowserContextOptions, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { house } from "./support/house.ts";

/** What is said of browsers, in one: policies, cookies and history are theirs to keep. */

const path = process.env.CHROMIUM_PATH?.trim() || "/usr/bin/chromium";
const found = existsSync(path);
if (!found) {
  if (process.env.CI) throw new Error("CI needs Chromium at /usr/bin/chromium, or CHROMIUM_PATH.");
  console.log("SKIPPED: the tests in a browser, as there is no Chromium. Install Debian's, or set CHROMIUM_PATH.");
}

let browser: Browser;
beforeAll(async () => {
  if (found) browser = await chromium.launch({ executablePath: path, args: ["--no-sandbox", "--disable-gpu"] });
}, 60_000);
afterAll(async () => {
  await browser?.close();
});

/** As strict as an application's pages come. */
const strict = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": "default-src 'none'; form-action 'self'; frame-src *",
  "referrer-policy": "no-referrer",
};

const startForm = (action = "") =>
  `<form method="post" action="${action}/linkwright/start/books"><input type="hidden" name="returnTo" value="/back"><button>Connect</button></form>`;

/** The application at `localhost`, and another site at `127.0.0.1`, where the providers are too. */
async function open(options: BrowserContextOptions & { readonly sameSite?: "Strict" | "Lax" } = {}) {
  const { sameSite = "Lax", ...context } = options;
  await using stack = new AsyncDisposableStack();
  let application: (request: Request) => Promise<Response> = async () => new Response(null, { status: 503 });
  let foreign = "";
  const serve = async (answer: (request: Request) => Response | Promise<Response>) => {
    const server = await listen(getRequestListener(answer, { overrideGlobalObjects: false }));
    stack.defer(() => server.close());
    return server;
  };
  const { port } = await serve((request) => application(request));
  const origin = `http://localhost:${port}`;
  const { origin: elsewhere } = await serve(() => new Response(foreign, { headers: { "content-type": "text/html" } }));
  const h = stack.use(await house({ origin }));
  const seen: Request[] = [];
  application = async (request) => {
    const { pathname } = new URL(request.url);
    seen.push(request);
    if (pathname.startsWith("/linkwright/")) return h.handlers.handler(request);
    if (pathname === "/frame")
      return new Response(`<iframe src="/linkwright/connections"></iframe>`, { headers: strict });
    return new Response(`<h1>${pathname}</h1>${startForm()}`, { headers: strict });
  };
  const tab = await browser.newContext(context);
  stack.defer(() => tab.close());
  await tab.addCookies([{ name: "session", value: "ada", url: origin, sameSite, httpOnly: true }]);
  const page = await tab.newPage();
  const started = stack.move();
  return {
    h,
    page,
    origin,
    elsewhere,
    seen,
    /** What the other site's page is. */
    shows(html: string) {
      foreign = html;
    },
    /** From the application's page to the provider's. */
    async setOut() {
      await page.goto(`${origin}/accounts`);
      await page.getByRole("button", { name: "Connect" }).click();
      await page.getByRole("button", { name: "Approve" }).waitFor();
    },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

describe.skipIf(!found)("in Chromium", { timeout: 60_000 }, () => {
  test("from a page with form-action 'self' and no-referrer to the provider and back; its back button skips the departure", async () => {
    await using it = await open();
    await it.setOut();
    await it.page.goBack();
    await it.page.waitForURL(`${it.origin}/accounts`);
    await it.page.getByRole("button", { name: "Connect" }).click();
    await it.page.getByRole("button", { name: "Approve" }).click();
    await it.page.waitForURL(`${it.origin}/back`);
    expect(await it.h.connectionsOf("ada")).toHaveLength(1);
    const start = it.seen.find(({ method }) => method === "POST");
    expect([start?.headers.get("origin"), start?.headers.get("sec-fetch-site")]).toEqual(["null", "same-origin"]);
    // Where the code was, nothing of it is told on.
    const arrival = it.seen.at(-1);
    expect([arrival?.url, arrival?.headers.get("referer")]).toEqual([`${it.origin}/back`, null]);
    expect(it.h.errors).toEqual([]);
  });

  test("the way back where the application's cookie is Strict, which the provider's redirect does not bring along", async () => {
    await using it = await open({ sameSite: "Strict" });
    await it.setOut();
    await it.page.getByRole("button", { name: "Approve" }).click();
    await it.page.waitForURL(`${it.origin}/back`);
    expect(await it.h.connectionsOf("ada")).toHaveLength(1);
    const callbacks = it.seen.filter(({ url }) => url.includes("/callback/"));
    expect(callbacks.map(({ method, headers }) => [method, headers.get("sec-fetch-site")])).toEqual([
      ["GET", "cross-site"],
      ["POST", "same-origin"],
    ]);
  });

  test.each(["Lax", "Strict"] as const)("the way back by form post, with a %s cookie", async (sameSite) => {
    await using it = await open({ sameSite });
    await it.setOut();
    const { pathname, searchParams } = new URL(await it.h.books.consent(it.page.url()));
    const fields = [...searchParams].map(([name, value]) => `<input type="hidden" name="${name}" value="${value}">`);
    it.shows(`<form method="post" action="${it.origin}${pathname}">${fields.join("")}<button>Return</button></form>`);
    await it.page.goto(it.elsewhere);
    await it.page.getByRole("button", { name: "Return" }).click();
    await it.page.waitForURL(`${it.origin}/back`);
    expect(await it.h.connectionsOf("ada")).toHaveLength(1);
    const [posted] = it.seen.filter(({ url }) => url.includes("/callback/"));
    expect([posted?.method, posted?.headers.get("sec-fetch-site"), posted?.headers.get("cookie")]).toEqual([
      "POST",
      "cross-site",
      null,
    ]);
  });

  test("without scripts there is a button", async () => {
    await using it = await open({ sameSite: "Strict", javaScriptEnabled: false });
    await it.setOut();
    await it.page.getByRole("button", { name: "Approve" }).click();
    await it.page.getByRole("button", { name: "Continue" }).click();
    await it.page.waitForURL(`${it.origin}/back`);
    expect(await it.h.connectionsOf("ada")).toHaveLength(1);
  });

  test("C13 another site's form begins nothing, and its frame shows nothing", async () => {
    await using it = await open();
    it.shows(`${startForm(it.origin)}<iframe src="${it.origin}/linkwright/connections"></iframe>`);
    await it.page.goto(it.elsewhere);
    await it.page.getByRole("button", { name: "Connect" }).click();
    await it.page.getByRole("heading", { name: "This was not sent from a page of this application" }).waitFor();
    expect((await it.h.store.list({ prefix: "", limit: 10 })).items).toEqual([]);
    await it.page.goto(`${it.origin}/frame`);
    await it.page.waitForLoadState("networkidle");
    const [, frame] = it.page.frames();
    expect(frame?.url()).toMatch(/^chrome-error:/);
  });

  test("no script of a page reads the cookie", async () => {
    await using it = await open();
    await it.setOut();
    await it.page.goto(`${it.origin}/accounts`);
    const cookies = await it.page.context().cookies();
    expect(cookies.map(({ name }) => name.replace(/^(linkwright-insecure-[a-z]+)-.*/, "$1")).toSorted()).toEqual([
      "linkwright-insecure-browser",
      "linkwright-insecure-to",
      "session",
    ]);
    expect(cookies.every(({ httpOnly }) => httpOnly)).toBe(true);
    expect(await it.page.evaluate(() => document.cookie)).toBe("");
  });
});
