import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { localPath } from "../src/local-path.ts";
import { house, onwardOf, origin } from "./support/house.ts";

/** C12: nothing that comes from outside sends a browser to another origin. */

const kept = [
  "/",
  "/accounts",
  "/accounts?linked=now",
  "/a/b#c",
  "/a%20b?next=https://evil.example",
  "/ü",
  "/?//evil.example",
  "/a//b",
  "/".padEnd(1024, "a"),
  `/${"日".repeat(113)}`,
];

const refused = [
  "",
  "accounts",
  "?a",
  "#a",
  "//evil.example",
  "///evil.example",
  "/\\evil.example",
  "\\evil.example",
  "\\\\evil.example",
  "/a\\b",
  "https:evil.example",
  "https:/evil.example",
  "https://evil.example",
  "https://app.example@evil.example",
  "https://app.example",
  "//app.example/",
  "//user@app.example/",
  "javascript:alert(1)",
  "data:text/html,x",
  " //evil.example",
  "/ /evil.example",
  "/\t/evil.example",
  "/\n/evil.example",
  "\t//evil.example",
  "/a\r\nset-cookie: x=y",
  "/a\u0000b",
  "/a\u007fb",
  "/.//evil.example",
  "/./\\evil.example",
  "/..//evil.example",
  "/a/..//evil.example",
  "/%2e//evil.example",
  "/%2e%2e//evil.example",
  "/%2fevil.example",
  "/%2Fevil.example",
  "/%5cevil.example",
  "/%5C%5Cevil.example",
  "/%252fevil.example",
  "/a/../%2fevil.example",
  "%2f%2fevil.example",
  "//[",
  "/".padEnd(1025, "a"),
  // 9 characters each, once they are percent-encoded.
  `/${"日".repeat(114)}`,
];

describe("C12 a path of this origin, and nothing that could be taken for something else", () => {
  test.each(kept)("%j is kept", (path) => {
    expect(localPath(path, origin)).toBe(new URL(path, origin).href.slice(origin.length));
  });

  test.each(refused)("%j is refused", (path) => {
    expect(localPath(path, origin)).toBeUndefined();
  });

  test.each([undefined, null, 7, {}, ["/a"], new URL("https://app.example/a")])("%o is refused", (value) => {
    expect(localPath(value, origin)).toBeUndefined();
  });

  test("whatever is kept, the platform's own parser takes to this origin, as it is and decoded", () => {
    const piece = fc.constantFrom(
      "/",
      "//",
      "\\",
      ".",
      "..",
      "@",
      ":",
      "?",
      "#",
      "%2f",
      "%5c",
      "%2e",
      "%09",
      "%252f",
      "\t",
      "\n",
      "\r",
      " ",
      "\u0000",
      "\u00a0",
      "\u3000",
      "／",
      "＼",
      "。",
      "evil.example",
      "app.example",
      "https:",
      "http:",
      "javascript:",
      "data:",
      "[",
      "]",
      "a",
      "ü",
      "\ud800",
    );
    const text = fc.oneof(
      fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join("")),
      fc.string({ unit: "binary", maxLength: 40 }),
      fc.webUrl(),
      fc.array(piece, { maxLength: 10 }).map((pieces) => `/${pieces.join("")}`),
    );
    let some = 0;
    fc.assert(
      fc.property(text, (value) => {
        const path = localPath(value, origin);
        if (path === undefined) return;
        some += 1;
        for (const form of [path, decodedAsOften(path)]) {
          // As a Location, whether absolute or not, and as a link on a page of this origin.
          expect(new URL(form, `${origin}/some/page`).origin).toBe(origin);
          expect(form.startsWith("//")).toBe(false);
        }
        expect(new URL(origin + path).origin).toBe(origin);
        expect(new URL(origin + path).username).toBe("");
        // It stays what it is when it is asked again, as from a cookie.
        expect(localPath(path, origin)).toBe(path);
        expect(path).toMatch(/^\/[!-~]*$/);
      }),
      { numRuns: 20_000 },
    );
    expect(some).toBeGreaterThan(1000);
  });
});

/** What servers do that decode a path before they redirect to it. */
function decodedAsOften(path: string): string {
  const [, before = "", after = ""] = /^([^?#]*)(.*)$/s.exec(path) ?? [];
  let decoded = before;
  for (let times = 0; times < 3; times += 1)
    decoded = decoded.replace(/%[0-9a-f]{2}/gi, (code) => String.fromCharCode(Number.parseInt(code.slice(1), 16)));
  return decoded.replaceAll(/[\t\n\r]/g, "%0a") + after;
}

describe("C12 in the handlers", () => {
  test.each(["//evil.example", "https:evil.example", "/\\evil.example", "/.//evil.example", "/\t/evil.example"])(
    "a form that returns to %j goes to the first page",
    async (returnTo) => {
      await using h = await house();
      const browser = h.browser("ada");
      const url = await onwardOf(await browser.submit("/linkwright/start/books", { returnTo }));
      expect([...browser.cookies.keys()].filter((name) => name.includes("-to-"))).toEqual([]);
      const answer = await browser.open(await h.books.consent(url));
      expect(answer.headers.get("location")).toBe(`${origin}/`);
      const [connection] = await h.connectionsOf("ada");
      const ended = await browser.submit(`/linkwright/disconnect/${connection?.id}`, { returnTo });
      expect(ended.headers.get("location")).toBe(`${origin}/`);
    },
  );

  test("a cookie that was changed is checked as a form is", async () => {
    await using h = await house();
    const browser = h.browser("ada");
    for (const value of ["%2F%2Fevil.example", "https%3A%2F%2Fevil.example", "%", "//evil.example"]) {
      const url = await onwardOf(await browser.submit("/linkwright/start/books", { returnTo: "/a" }));
      const made = [...browser.cookies.keys()].filter((name) => name.includes("-to-"));
      expect(made).toHaveLength(1);
      for (const name of made) browser.cookies.set(name, { value, sameSite: "Lax" });
      const answer = await browser.open(await h.books.consent(url));
      expect(answer.headers.get("location")).toBe(`${origin}/`);
    }
  });

  test.each([
    ["grows", `/search?q=${"日".repeat(60)}`],
    ["is as long as it may be, and grows again in a cookie", `/?${"&".repeat(1022)}`],
  ])("what %s when it is encoded comes back all the same", async (_, returnTo) => {
    await using h = await house();
    const browser = h.browser("ada");
    const url = await onwardOf(await browser.submit("/linkwright/start/books", { returnTo }));
    for (const [name, { value }] of browser.cookies) expect(name.length + value.length).toBeLessThan(4096 - 100);
    const answer = await browser.open(await h.books.consent(url));
    expect(answer.headers.get("location")).toBe(new URL(returnTo, origin).href);
  });

  test("the application can narrow it further", async () => {
    await using h = await house({ returnTo: (path) => path.startsWith("/accounts") });
    const browser = h.browser("ada");
    const back = async (returnTo: string) => {
      const url = await onwardOf(await browser.submit("/linkwright/start/books", { returnTo }));
      return (await browser.open(await h.books.consent(url))).headers.get("location");
    };
    expect(await back("/accounts/1")).toBe(`${origin}/accounts/1`);
    expect(await back("/signout")).toBe(`${origin}/`);
  });

  test("nor does the application's own word lead away", async () => {
    await using h = await house({ next: () => "https://evil.example/" });
    const browser = h.browser("ada");
    const url = await onwardOf(await browser.submit("/linkwright/start/books"));
    const answer = await browser.open(await h.books.consent(url));
    expect([answer.status, answer.headers.get("location")]).toEqual([500, null]);
    expect(h.errors.length).toBeGreaterThan(0);
  });
});
