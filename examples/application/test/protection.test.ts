import { createVisitor, formsOf } from "@linkwright/example-application/visitor";
import { expect, test } from "vitest";
import { house, readText } from "./support/house.ts";

test("a form that another site's page sends is refused, whoever is signed in", async () => {
  await using h = await house();
  const cookie = await sessionCookie(h.origin);
  const post = async (path: string, headers: Record<string, string>) => {
    const init = { method: "POST", body: new URLSearchParams({ user: "ben" }), redirect: "manual" } as const;
    return (await fetch(h.origin + path, { ...init, headers: { cookie, ...headers } })).status;
  };
  const foreign = "https://evil.example";
  for (const path of ["/session", "/session/end", "/linkwright/start/flinks", "/linkwright/disconnect/any"]) {
    expect(await post(path, { "sec-fetch-site": "cross-site", origin: foreign })).toBe(403);
    expect(await post(path, { "sec-fetch-site": "same-site", origin: h.origin })).toBe(403);
    expect(await post(path, { "sec-fetch-site": "none" })).toBe(403);
    // Browsers without fetch metadata, and what is no browser.
    expect(await post(path, { origin: foreign })).toBe(403);
    expect(await post(path, { origin: "null" })).toBe(403);
    expect(await post(path, {})).toBe(403);
  }
  expect(h.simulators.flinks.journal.count()).toBe(0);
  // Browsers word the application's own forms so, under no-referrer, and so without fetch metadata.
  expect(await post("/linkwright/start/flinks", { "sec-fetch-site": "same-origin", origin: "null" })).toBe(200);
  expect(await post("/linkwright/start/flinks", { origin: h.origin })).toBe(200);
});

test("a callback in another browser's session is refused, and still good in its own", async () => {
  await using h = await house();
  const ada = await h.signedIn("ada");
  const ben = await h.signedIn("ben");
  const callback = await h.simulators.fiskl.consent(await ada.setOut("/linkwright/start/books"));

  const answer = await ben.arrive(callback);
  expect(answer.status).toBe(400);
  expect(readText(await answer.text())).toContain("It was begun in another browser, or before you signed in anew.");
  expect((await createVisitor(h.origin).arrive(callback)).status).toBe(401);
  expect(await h.connectionsOf("ben")).toEqual([]);
  expect(h.simulators.fiskl.journal.count({ path: "/oauth/token" })).toBe(0);

  expect((await ada.arrive(callback)).status).toBe(303);
  expect(await h.connectionsOf("ada")).toHaveLength(1);
  const again = await ada.arrive(callback);
  expect(again.status).toBe(400);
  expect(readText(await again.text())).toContain("It was finished before.");
});

test("a callback at another registration's path is refused", async () => {
  await using h = await house();
  const ada = await h.signedIn("ada");
  const answer = await ada.link("books", async (url) =>
    (await h.simulators.fiskl.consent(url)).replace("/callback/books", "/callback/flinks"),
  );
  expect(answer.status).toBe(400);
  expect(readText(await answer.text())).toContain("The return came from another provider");
  expect(await h.connectionsOf("ada")).toEqual([]);
});

test("a callback by form post works, with the cookies and, as browsers send it across sites, without", async () => {
  await using h = await house();
  const ada = await h.signedIn("ada");
  const posted = async () => {
    const { pathname, searchParams } = new URL(
      await h.simulators.fiskl.consent(await ada.setOut("/linkwright/start/books")),
    );
    return [pathname, Object.fromEntries(searchParams)] as const;
  };
  const withCookies = await ada.post(...(await posted()));
  expect([withCookies.status, withCookies.headers.get("location")]).toEqual([303, `${h.origin}/`]);

  const [path, form] = await posted();
  const without = await fetch(h.origin + path, {
    method: "POST",
    body: new URLSearchParams(form),
    headers: { accept: "text/html", "sec-fetch-site": "cross-site" },
  });
  expect(without.status).toBe(200);
  const [relayed] = formsOf(await without.text());
  expect(relayed).toMatchObject({ action: path, fields: form });
  const again = await ada.post(path, relayed?.fields);
  expect([again.status, again.headers.get("location")]).toEqual([303, `${h.origin}/`]);
  expect(await h.connectionsOf("ada")).toHaveLength(2);
});

test("whoever is not signed in gets nowhere", async () => {
  await using h = await house();
  const stranger = createVisitor(h.origin);
  expect(readText(await (await stranger.get("/")).text())).toContain("Who are you today?");
  for (const path of ["/linkwright/start/flinks", "/connections/any/call", "/linkwright/disconnect/any"])
    expect((await stranger.post(path)).status).toBe(401);
  expect((await stranger.post("/session", { user: "mallory" })).status).toBe(400);
  const ada = await h.signedIn("ada");
  await ada.post("/session/end");
  expect((await ada.post("/linkwright/start/flinks")).status).toBe(401);
});

test("what a provider says of an error is text, never markup", async () => {
  await using h = await house();
  const ada = await h.signedIn("ada");
  const description = '<script>alert(1)</script>"><img src=x>';
  const answer = await ada.link("books", (url) =>
    h.simulators.fiskl.consent(url, { decision: "server_error", description }),
  );
  expect(answer.status).toBe(503);
  const page = await answer.text();
  expect(page).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
  expect(page).not.toMatch(/<script|<img src=x/);
});

test("every answer says that it is private, and forbids whatever the page does not need", async () => {
  await using h = await house();
  const ada = await h.signedIn("ada");
  await ada.post("/linkwright/start/books");
  const answers = [
    await ada.get("/"),
    await ada.get("/style.css"),
    await ada.get("/nowhere"),
    await ada.get("/callback/books?state=unknown"),
    await ada.post("/connections/none/call"),
    await fetch(`${h.origin}/session`, { method: "POST" }),
  ];
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 404, 400, 404, 403]);
  for (const { headers } of answers) {
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("referrer-policy")).toBe("no-referrer");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("content-security-policy")).toBe(
      "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    );
  }
});

test("the session's cookie is unguessable, new at each sign-in, and out of scripts' reach", async () => {
  await using h = await house();
  const [first, second] = [await setCookieLine(h.origin), await setCookieLine(h.origin)];
  expect(first).toMatch(/^session=[\w-]{43}; Max-Age=28800; Path=\/; HttpOnly; SameSite=Lax$/);
  expect(second).not.toBe(first);
});

async function setCookieLine(origin: string): Promise<string> {
  const answer = await fetch(`${origin}/session`, {
    method: "POST",
    body: new URLSearchParams({ user: "ada" }),
    headers: { "sec-fetch-site": "same-origin" },
    redirect: "manual",
  });
  return answer.headers.get("set-cookie") ?? "";
}

async function sessionCookie(origin: string): Promise<string> {
  return (await setCookieLine(origin)).split(";")[0] ?? "";
}
