import { describe, expect, test } from "vitest";
import { createBrowser } from "./support/browser.ts";
import { type House, house, onwardOf, origin } from "./support/house.ts";

const begin = async (h: House, browser: ReturnType<House["browser"]>) =>
  h.books.consent(await onwardOf(await browser.submit("/linkwright/start/books")));

describe("who the owner is", () => {
  test.each([undefined, null, "", 42, {}, true])(
    "no answer but a name is one: %j is a 401, everywhere",
    async (answer) => {
      await using h = await house({ owner: () => answer as string });
      const browser = h.browser("ada");
      for (const path of ["start/books", "disconnect/any"])
        expect((await browser.submit(`/linkwright/${path}`)).status).toBe(401);
      expect((await browser.open("/linkwright/connections")).status).toBe(401);
      const back = await browser.open("/linkwright/callback/books?state=any&code=any", { from: "same-origin" });
      expect(back.status).toBe(401);
      expect(h.books.journal.count()).toBe(0);
      expect((await h.store.list({ prefix: "", limit: 10 })).items).toEqual([]);
    },
  );

  test("it is asked for each request, with what the handler was called with", async () => {
    const asked: unknown[] = [];
    await using h = await house({
      owner: async (request, context) => {
        asked.push([new URL(request.url).pathname, context]);
        return "ada";
      },
    });
    const get = (path: string) => new Request(origin + path);
    await h.handlers.handler(get("/linkwright/connections"), { user: 1 });
    await h.handlers.connections(get("/linkwright/connections"), { user: 2 });
    await h.handlers.callback(get("/linkwright/callback/books?state=x"), { user: 3 });
    expect(asked).toEqual([
      ["/linkwright/connections", { user: 1 }],
      ["/linkwright/connections", { user: 2 }],
      ["/linkwright/callback/books", { user: 3 }],
    ]);
  });

  test("where it fails nothing is done, and the operator hears of it", async () => {
    const failure = new Error("the session store is away: secret-in-a-message");
    await using h = await house({ owner: () => Promise.reject(failure) });
    const browser = h.browser("ada");
    const answers = [
      await browser.open("/linkwright/connections"),
      await browser.submit("/linkwright/start/books"),
      await browser.open("/linkwright/callback/books?state=x"),
    ];
    for (const answer of answers) {
      expect(answer.status).toBe(500);
      expect(await answer.text()).not.toContain("secret-in-a-message");
    }
    expect(h.errors).toEqual([failure, failure, failure]);
  });
});

test.each([
  [
    "throws",
    () => {
      throw new Error("the tracker is away");
    },
  ],
  ["rejects", async () => Promise.reject(new Error("the tracker is away"))],
])("G17 an `onError` that %s changes no answer, and leaves nothing unhandled", async (_, onError) => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => unhandled.push(reason);
  process.on("unhandledRejection", note);
  try {
    await using h = await house({ onError });
    const answer = await h.handlers.handler(new Request(`${origin}/linkwright/webhook/books`, { method: "POST" }));
    expect(answer.status).toBe(400);
    await new Promise(setImmediate);
  } finally {
    process.off("unhandledRejection", note);
  }
  expect(unhandled).toEqual([]);
});

describe("C13 beginning and ending take a POST from a page of this origin", () => {
  const paths = ["/linkwright/start/books", "/linkwright/disconnect/any"];

  test.each(paths)("%s by another method is a 405", async (path) => {
    await using h = await house();
    for (const method of ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"]) {
      const headers = { cookie: "session=ada", "sec-fetch-site": "same-origin" };
      const answer = await h.handlers.handler(new Request(origin + path, { method, headers }));
      expect([method, answer.status, answer.headers.get("allow")]).toEqual([method, 405, "POST"]);
    }
    expect((await h.store.list({ prefix: "", limit: 10 })).items).toEqual([]);
  });

  test.each(paths)("%s from elsewhere is a 403, whoever is signed in", async (path) => {
    await using h = await house();
    const post = async (headers: Record<string, string>) =>
      (
        await h.handlers.handler(
          new Request(origin + path, { method: "POST", headers: { cookie: "session=ada", ...headers } }),
        )
      ).status;
    const foreign = "https://evil.example";
    expect(await post({ "sec-fetch-site": "cross-site", origin: foreign })).toBe(403);
    // A subdomain is another origin, and what the browser says of the site counts for more than what Origin says.
    expect(await post({ "sec-fetch-site": "same-site", origin: "https://sub.app.example" })).toBe(403);
    expect(await post({ "sec-fetch-site": "same-site", origin })).toBe(403);
    expect(await post({ "sec-fetch-site": "cross-site", origin })).toBe(403);
    expect(await post({ "sec-fetch-site": "none" })).toBe(403);
    // Browsers without fetch metadata, and what is no browser.
    expect(await post({ origin: foreign })).toBe(403);
    expect(await post({ origin: "null" })).toBe(403);
    expect(await post({ origin: `${origin}.evil.example` })).toBe(403);
    expect(await post({ origin: "http://app.example" })).toBe(403);
    expect(await post({ referer: `${origin}/page` })).toBe(403);
    expect(await post({})).toBe(403);
    expect((await h.store.list({ prefix: "", limit: 10 })).items).toEqual([]);
    // Under no-referrer the application's own forms come like this, and like that without fetch metadata.
    expect(await post({ "sec-fetch-site": "same-origin", origin: "null" })).not.toBe(403);
    expect(await post({ origin })).not.toBe(403);
  });

  test("the list and the callback do nothing by another method either", async () => {
    await using h = await house();
    const callback = await begin(h, h.browser("ada"));
    for (const method of ["HEAD", "PUT", "DELETE", "OPTIONS"]) {
      const answer = await h.handlers.handler(new Request(callback, { method, headers: { cookie: "session=ada" } }));
      expect([answer.status, answer.headers.get("allow")]).toEqual([405, "GET, POST"]);
    }
    const post = new Request(`${origin}/linkwright/connections`, {
      method: "POST",
      headers: { cookie: "session=ada" },
    });
    expect((await h.handlers.handler(post)).status).toBe(405);
    expect(h.tokenRequests()).toBe(0);
  });
});

describe("C4 G61 the browser that began it", () => {
  test("its cookie is unguessable, for this host over https alone, and out of scripts' reach", async () => {
    await using h = await house();
    const lines = [];
    for (const user of ["ada", "ben"])
      lines.push(...(await h.browser(user).submit("/linkwright/start/books")).headers.getSetCookie());
    const shape =
      /^__Host-linkwright-browser-([\w-]{6})=(\1[\w-]{37}); Max-Age=604800; Path=\/; HttpOnly; SameSite=Lax; Secure$/;
    expect(lines).toEqual([expect.stringMatching(shape), expect.stringMatching(shape)]);
    expect(lines[0]?.split(";")[0]).not.toBe(lines[1]?.split(";")[0]);
  });

  test("it stays the browser's own from flow to flow; a value of another shape is not taken", async () => {
    await using h = await house();
    const browser = h.browser("ada");
    await browser.submit("/linkwright/start/books");
    const [, cookie] = [...browser.cookies];
    await browser.submit("/linkwright/start/books");
    expect([...browser.cookies]).toHaveLength(2);
    expect([...browser.cookies][1]).toEqual(cookie);

    const marked = h.browser("ada");
    marked.cookies.set("__Host-linkwright-browser-chosen", { value: "chosen", sameSite: "Lax" });
    await marked.submit("/linkwright/start/books");
    expect([...marked.cookies].at(-1)?.[1].value).toMatch(/^[\w-]{43}$/);
  });

  test("a callback in another browser of the same owner is refused, and is as good as before in its own", async () => {
    await using h = await house();
    const own = h.browser("ada");
    const other = h.browser("ada");
    const callback = await begin(h, own);
    const relayed = await other.open(callback);
    const answer = await other.submitPage(await relayed.text());
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain("It was begun in another browser, or by somebody else.");
    await begin(h, other);
    expect((await other.open(callback)).status).toBe(400);
    expect(h.tokenRequests()).toBe(0);
    expect((await own.open(callback)).status).toBe(303);
  });

  test("a callback while another owner is signed in in this browser is refused", async () => {
    await using h = await house();
    const browser = h.browser("ada");
    const callback = await begin(h, browser);
    browser.cookies.set("session", { value: "ben", sameSite: "Lax" });
    const answer = await browser.open(callback);
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain("by somebody else");
    expect([await h.connectionsOf("ada"), await h.connectionsOf("ben")]).toEqual([[], []]);
    expect(h.tokenRequests()).toBe(0);
    browser.cookies.set("session", { value: "ada", sameSite: "Lax" });
    expect((await browser.open(callback)).status).toBe(303);
    expect(await h.connectionsOf("ada")).toHaveLength(1);
  });

  test("an attacker's callback in a victim's browser links nothing to the victim", async () => {
    await using h = await house();
    const callback = await begin(h, h.browser("mallory"));
    const victim = h.browser("ada");
    await begin(h, victim);
    expect((await victim.open(callback)).status).toBe(400);
    expect(await h.connectionsOf("ada")).toEqual([]);
  });

  test("a callback that was used is not used again", async () => {
    await using h = await house();
    const browser = h.browser("ada");
    const callback = await begin(h, browser);
    expect((await browser.open(callback)).status).toBe(303);
    const again = await browser.open(callback);
    expect(again.status).toBe(400);
    expect(await again.text()).toContain("It was finished before.");
    expect(h.tokenRequests()).toBe(1);
  });

  test("on plain http, where it is allowed, cookies have a name that says what they lack", async () => {
    await using h = await house({ origin: "http://localhost:3000" });
    const browser = h.browser("ada");
    const departure = await browser.submit("/linkwright/start/books", { returnTo: "/a" });
    for (const line of departure.headers.getSetCookie()) {
      expect(line).toMatch(/^linkwright-insecure-(browser|to)-/);
      expect(line).not.toMatch(/Secure/);
    }
    const answer = await browser.open(await h.books.consent(await onwardOf(departure)));
    expect(answer.headers.get("location")).toBe("http://localhost:3000/a");
    // Over https such a cookie, which any subdomain can set, binds nothing.
    await using secure = await house();
    const https = secure.browser("ada");
    https.cookies.set("linkwright-insecure-browser-abcdef", { value: "a".repeat(43), sameSite: "Lax" });
    const [line] = (await https.submit("/linkwright/start/books")).headers.getSetCookie();
    expect(line).not.toContain("a".repeat(43));
  });
});

describe("G65 the redirect URI is the configured one", () => {
  test("whatever a request or a proxy says of host and scheme", async () => {
    await using h = await house();
    const browser = h.browser("ada");
    const headers = {
      host: "evil.example",
      forwarded: "host=evil.example;proto=http",
      "x-forwarded-host": "evil.example",
      "x-forwarded-proto": "http",
      "x-original-url": "/linkwright/callback/fiskil",
    };
    const departure = await browser.submit(
      "http://evil.example:8080/linkwright/start/books",
      { returnTo: "/a" },
      { headers },
    );
    const url = await onwardOf(departure);
    expect(new URL(url).searchParams.get("redirect_uri")).toBe(`${origin}/linkwright/callback/books`);
    const { pathname, search } = new URL(await h.books.consent(url));
    const answer = await browser.open(`http://10.0.0.7:8080${pathname}${search}`, { headers });
    expect(answer.headers.get("location")).toBe(`${origin}/a`);
    const [request] = h.books.journal.filter({ path: "/oauth/token" });
    expect(new URLSearchParams(request?.body ?? "").get("redirect_uri")).toBe(`${origin}/linkwright/callback/books`);
  });

  test("G64 a callback on another registration's redirect URI, or beside it, is refused", async () => {
    await using h = await house();
    const browser = h.browser("ada");
    const callback = await begin(h, browser);
    expect((await browser.open(callback.replace("/books", "/flinks"))).status).toBe(400);
    for (const path of ["/books/", "/BOOKS", "/book%73", "//books", ""])
      expect((await browser.open(callback.replace("/books", path))).status).toBe(404);
    expect(h.tokenRequests()).toBe(0);
    expect((await browser.open(callback)).status).toBe(303);
  });
});

test("a handler that an application mounts by itself is as careful as the whole", async () => {
  await using h = await house();
  const { start, disconnect, connections, callback, webhook } = h.handlers;
  const at = (path: string, method = "POST") =>
    new Request(origin + path, { method, headers: { "sec-fetch-site": "same-origin" } });
  expect((await start(at("/banks/books"))).status).toBe(401);
  expect((await disconnect(at("/banks/1"))).status).toBe(401);
  expect((await connections(at("/banks", "GET"))).status).toBe(401);
  expect((await callback(at("/linkwright/callback/books?state=1", "GET"))).status).toBe(401);
  expect((await webhook(at("/hooks/none"))).status).toBe(404);
  const browser = createBrowser(origin, (request) => start(request));
  browser.cookies.set("session", { value: "ada", sameSite: "Lax" });
  expect(await onwardOf(await browser.submit("/banks/connect/books"))).toContain("/oauth/authorize");
});

test.each(["__proto__", "constructor", "toString", "%62ooks2", "%", "", "app", "books%00"])(
  "%j is the name of no registration",
  async (name) => {
    await using h = await house();
    const browser = h.browser("ada");
    expect((await browser.submit(`/linkwright/start/${name}`)).status).toBe(404);
    expect((await browser.submit(`/linkwright/webhook/${name}`)).status).toBe(404);
    expect((await browser.submit(`/linkwright/disconnect/${name}`)).status).toBe(404);
    expect(h.errors).toEqual([]);
  },
);
