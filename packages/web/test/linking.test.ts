import { describe, expect, test } from "vitest";
import { type House, house, onwardOf, origin } from "./support/house.ts";

/** What users do, in a browser that keeps cookies as their attributes say. */

const goesTo = (response: Response) => [response.status, response.headers.get("location")];

test("a link, a list, and an end", async () => {
  await using h = await house();
  const browser = h.browser("ada");
  const url = await onwardOf(await browser.submit("/linkwright/start/books", { returnTo: "/accounts?tab=books#new" }));
  expect(goesTo(await browser.open(await h.books.consent(url)))).toEqual([303, `${origin}/accounts?tab=books#new`]);
  const [connection] = await h.connectionsOf("ada");
  expect((await connection?.status())?.health).toBe("healthy");

  const listed = await browser.open("/linkwright/connections");
  expect(await listed.json()).toEqual({ connections: [expect.objectContaining({ id: connection?.id })] });

  const ended = await browser.submit(`/linkwright/disconnect/${connection?.id}`, { returnTo: "/accounts" });
  expect(goesTo(ended)).toEqual([303, `${origin}/accounts`]);
  expect(await h.connectionsOf("ada")).toEqual([]);
  expect(h.errors).toEqual([]);
});

test("what does not accept HTML gets JSON, by which a page of scripts does the same", async () => {
  await using h = await house();
  let cookie = "session=ada";
  const send = async (url: string, method = "GET", body?: object) => {
    const headers = { cookie, origin, "content-type": "application/json" };
    const response = await h.handlers.handler(
      new Request(new URL(url, origin), { method, headers, ...(body && { body: JSON.stringify(body) }) }),
    );
    const [line] = response.headers.getSetCookie();
    if (line) cookie += `; ${line.split(";")[0]}`;
    return [response.status, await response.json()] as const;
  };
  const [status, flow] = await send("/linkwright/start/flinks", "POST", { bank: 1000 });
  expect([status, flow]).toEqual([200, { url: expect.any(String), expiresAt: expect.any(Number) }]);
  const back = await send(await h.flinks.consent(flow.url));
  expect(back).toEqual([
    200,
    { connection: expect.objectContaining({ registration: "flinks", health: "healthy", id: expect.any(String) }) },
  ]);
  const { id } = back[1].connection;
  expect(await send(`/linkwright/disconnect/${id}`, "POST")).toEqual([
    200,
    { disconnected: true, revocations: [{ what: "connection", result: "revoked" }] },
  ]);
  expect(await send(`/linkwright/disconnect/${id}`, "POST")).toEqual([
    404,
    { error: { code: "gone", reason: "unknown", message: expect.stringMatching(/no such connection/) } },
  ]);
});

test("G61 a callback that names its session alone, without state, finds its flow and the way back", async () => {
  await using h = await house();
  const browser = h.browser("ada");
  const url = await onwardOf(await browser.submit("/linkwright/start/fiskil", { returnTo: "/banks" }));
  const callback = new URL(await h.fiskil.consent(url));
  callback.searchParams.delete("state");
  expect(callback.searchParams.has("session_id")).toBe(true);
  expect(goesTo(await browser.open(callback.href))).toEqual([303, `${origin}/banks`]);
  expect(await h.connectionsOf("ada")).toHaveLength(1);
});

test("a refusal comes back on the cancel URI, links nothing, and says so", async () => {
  await using h = await house();
  const browser = h.browser("ada");
  const url = await onwardOf(await browser.submit("/linkwright/start/fiskil", { returnTo: "/banks" }));
  const callback = await h.fiskil.consent(url, { decision: "deny" });
  expect(new URL(callback).pathname).toBe("/linkwright/callback/fiskil/cancelled");
  const answer = await browser.open(callback);
  const page = await answer.text();
  expect(answer.status).toBe(403);
  expect(page).toContain("<h1>Nothing was connected</h1>");
  expect(page).toContain('<a href="/banks">Back</a>');
  expect(await h.connectionsOf("ada")).toEqual([]);
});

test("parameters come from the form by the application's own function, which may refuse it", async () => {
  await using h = await house();
  const browser = h.browser("ada");
  expect((await browser.submit("/linkwright/start/flinks", {})).status).toBe(400);
  expect(h.flinks.journal.count()).toBe(0);
  const url = await onwardOf(await browser.submit("/linkwright/start/flinks", { bank: "1000" }));
  expect(new URL(url).searchParams.get("provider_id")).toBe("1000");
});

test("connecting again keeps the id; it takes a connection of one's own", async () => {
  await using h = await house();
  const ada = h.browser("ada");
  await link(h, ada);
  const [connection] = await h.connectionsOf("ada");
  const form = { connection: connection?.id ?? "" };
  const ben = h.browser("ben");
  expect((await ben.submit("/linkwright/start/books", form)).status).toBe(404);

  const url = await onwardOf(await ada.submit("/linkwright/start/books", form));
  expect((await ada.open(await h.books.consent(url))).status).toBe(303);
  expect((await h.connectionsOf("ada")).map(({ id }) => id)).toEqual([connection?.id]);
  expect(h.tokenRequests()).toBe(2);
});

describe("several tabs", () => {
  test("G60 begun one after another and finished in reverse, each goes back to where it began", async () => {
    await using h = await house();
    const browser = h.browser("ada");
    const callbacks: string[] = [];
    for (const tab of ["one", "two", "three"]) {
      const departure = await browser.submit("/linkwright/start/books", { returnTo: `/${tab}` });
      callbacks.unshift(await h.books.consent(await onwardOf(departure)));
    }
    const places = [];
    for (const callback of callbacks) places.push((await browser.open(callback)).headers.get("location"));
    expect(places).toEqual([`${origin}/three`, `${origin}/two`, `${origin}/one`]);
    expect(await h.connectionsOf("ada")).toHaveLength(3);
    // What is left of them is the browser's own value.
    expect([...browser.cookies.keys()].map((name) => name.slice(0, 26))).toEqual([
      "session",
      "__Host-linkwright-browser-",
    ]);
  });

  test("G60 begun at the same moment, in a browser that never was here", async () => {
    await using h = await house();
    const browser = h.browser("ada");
    const departures = await Promise.all(
      ["books", "fiskil"].map((name) => browser.submit(`/linkwright/start/${name}`)),
    );
    const [books = "", fiskil = ""] = await Promise.all(departures.map(onwardOf));
    expect((await browser.open(await h.fiskil.consent(fiskil))).status).toBe(303);
    expect((await browser.open(await h.books.consent(books))).status).toBe(303);
    expect(await h.connectionsOf("ada")).toHaveLength(2);
  });
});

describe("the way back, whatever cookies browsers leave out of what another site sends", () => {
  const bySite = ["Strict", "Lax", "None"] as const;

  test.each(bySite)("by query, where the application's cookie is %s", async (sameSite) => {
    await using h = await house();
    const browser = h.browser("ada", sameSite);
    let answer = await browser.open(await consented(h, browser));
    // The page sends the same once more, from here.
    if (sameSite === "Strict") answer = await browser.submitPage(await answer.text());
    expect(goesTo(answer)).toEqual([303, `${origin}/back`]);
    expect(await h.connectionsOf("ada")).toHaveLength(1);
    expect(h.tokenRequests()).toBe(1);
  });

  test.each(bySite)("by form post, where the application's cookie is %s", async (sameSite) => {
    await using h = await house();
    const browser = h.browser("ada", sameSite);
    const { pathname, searchParams } = new URL(await consented(h, browser));
    const relayed = await browser.submit(pathname, searchParams, { from: "cross-site" });
    expect(relayed.status).toBe(200);
    expect(relayed.headers.get("content-security-policy")).toMatch(
      /script-src 'sha256-[\w+/]{43}='; form-action 'self'/,
    );
    expect(h.tokenRequests()).toBe(0);
    const answer = await browser.submitPage(await relayed.text());
    expect(goesTo(answer)).toEqual([303, `${origin}/back`]);
    expect(await h.connectionsOf("ada")).toHaveLength(1);
  });

  test("it is sent once more and not again: who is not signed in is told so", async () => {
    await using h = await house();
    const browser = h.browser("ada");
    const callback = await consented(h, browser);
    browser.cookies.delete("session");
    const relayed = await browser.open(callback);
    expect(relayed.status).toBe(200);
    const answer = await browser.submitPage(await relayed.text());
    expect(answer.status).toBe(401);
    expect(await answer.text()).toContain("<h1>You are not signed in</h1>");
    // Browsers without fetch metadata: the form itself says that it was here.
    const form = new URL(callback).searchParams;
    form.set("linkwright-relayed", "1");
    const old = await browser.submit(new URL(callback).pathname, form, { headers: { "sec-fetch-site": "" } });
    expect(old.status).toBe(401);
    // It is as good as before.
    browser.cookies.set("session", { value: "ada", sameSite: "Lax" });
    expect((await browser.open(callback)).status).toBe(303);
  });

  test("what is relayed is the callback and nothing that it could become: markup, a field named submit", async () => {
    await using h = await house();
    const relayed = await h
      .browser("ada")
      .submit(
        "/linkwright/callback/books",
        { state: '"><script>alert(1)</script>', submit: "x", 'a"b': "&amp;" },
        { from: "cross-site" },
      );
    const page = await relayed.text();
    expect(page.match(/<script/g)).toHaveLength(1);
    expect(page).toContain('value="&#34;&#62;&#60;script&#62;alert(1)&#60;/script&#62;"');
    expect(page).toContain('name="a&#34;b" value="&#38;amp;"');
    const [, script = ""] = /<script>(.*)<\/script>/.exec(page) ?? [];
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(script)));
    expect(relayed.headers.get("content-security-policy")).toContain(
      `'sha256-${Buffer.from(hash).toString("base64")}'`,
    );
  });
});

async function consented(h: House, browser: ReturnType<House["browser"]>): Promise<string> {
  return h.books.consent(await onwardOf(await browser.submit("/linkwright/start/books", { returnTo: "/back" })));
}

async function link(h: House, browser: ReturnType<House["browser"]>): Promise<void> {
  expect((await browser.open(await consented(h, browser))).status).toBe(303);
}
