import { describe, expect, test } from "vitest";
import { browserOfFile, hasChromium, patience } from "../support/browser.ts";

describe.skipIf(!hasChromium)("coming back, in a browser", patience, () => {
  const browser = browserOfFile();

  test("G62 the back button leads to the provider's page; saying yes once more changes nothing, and says so", async () => {
    await using h = await browser.open();
    const ada = await h.signedIn("Ada");
    await ada.link("Fiskl, books");
    await ada.page.goBack();
    await ada.page.getByRole("button", { name: "Approve" }).waitFor();
    await ada.approve();
    await ada.reads("This link attempt cannot be finished");
    expect(await ada.text()).toContain("It was finished before.");
    await ada.page.getByRole("link", { name: "Back to the first page" }).click();
    await ada.reads("Your connections");
    expect(await ada.titles()).toEqual(["Fiskl, books"]);
    expect(await ada.health("Fiskl, books")).toBe("Working");
    expect(h.simulators.fiskl.journal.count({ path: "/oauth/token" })).toBe(1);
  });

  test("C34 no page of the way holds the callback's URL: neither the history nor a referrer gives the code away", async () => {
    await using h = await browser.open();
    const ada = await h.signedIn("Ada");
    const seen: string[] = [];
    ada.page.on("request", (request) => {
      const referrer = request.headers().referer;
      if (referrer !== undefined) seen.push(referrer);
    });
    await ada.link("Flinks");
    expect(ada.page.url()).toBe(`${h.origin}/`);
    const urls: string[] = [];
    while (await ada.page.goBack()) urls.push(ada.page.url());
    expect(urls.length).toBeGreaterThan(1);
    expect(urls.filter((url) => url.includes("code="))).toEqual([]);
    expect(seen.filter((url) => url.startsWith(h.origin))).toEqual([]);
  });

  test("G61 a flow that took too long is refused, and can be begun again", async () => {
    await using h = await browser.open();
    const ada = await h.signedIn("Ada");
    await ada.setOut("Fiskl, books");
    await h.clock.advance(16 * 60_000);
    await ada.approve();
    await ada.reads("This link attempt cannot be finished");
    expect(await ada.text()).toContain("It took too long.");
    expect(h.simulators.fiskl.journal.count({ path: "/oauth/token" })).toBe(0);
    await ada.press("Begin again");
    await ada.approve();
    await ada.linked("Fiskl, books");
  });

  test("G61 G62 a callback's URL that is opened again is refused, and the code is not sent again", async () => {
    await using h = await browser.open();
    const ada = await h.signedIn("Ada");
    await ada.setOut("Flinks");
    const callback = await ada.returning();
    await ada.linked("Flinks");
    await ada.visit(callback);
    await ada.reads("This link attempt cannot be finished");
    expect(await ada.text()).toContain("It was finished before.");
    expect(await h.connectionsOf("ada")).toHaveLength(1);
    expect(h.simulators.flinks.journal.count({ grantType: "authorization_code" })).toBe(1);
  });

  test("G61 C4 a stolen callback's URL is worthless in another browser, and stays good in the one that it belongs to", async () => {
    await using h = await browser.open();
    const ada = await h.signedIn("Ada");
    await ada.setOut("Fiskl, books");
    const stolen = await ada.returning({ intercept: true });

    const thief = await h.signedIn("Ben");
    await thief.visit(stolen);
    await thief.reads("This link attempt cannot be finished");
    expect(await thief.text()).toContain("It was begun in another browser");
    // Signed in as the same user, it is another browser all the same.
    const elsewhere = await h.signedIn("Ada");
    await elsewhere.visit(stolen);
    await elsewhere.reads("This link attempt cannot be finished");
    const nobody = await h.person();
    await nobody.visit(stolen);
    await nobody.reads("You are not signed in");
    expect(h.simulators.fiskl.journal.count({ path: "/oauth/token" })).toBe(0);
    expect(await h.connectionsOf("ben")).toEqual([]);

    await ada.visit(stolen);
    await ada.linked("Fiskl, books");
    expect(await h.connectionsOf("ada")).toHaveLength(1);
  });

  test("C4 a victim who is sent to an attacker's callback is linked to nothing", async () => {
    await using h = await browser.open();
    const attacker = await h.signedIn("Ben");
    await attacker.setOut("Flinks");
    const bait = await attacker.returning({ intercept: true });
    const victim = await h.signedIn("Ada");
    // As a link on another site would send them.
    await victim.page.goto(h.simulators.flinks.origin);
    await victim.follow(h.origin + bait);
    await victim.reads("This link attempt cannot be finished");
    expect(await h.connectionsOf("ada")).toEqual([]);
    expect(h.simulators.flinks.journal.count({ path: "/api/v1/token" })).toBe(0);
  });

  test("C4 who signs in as somebody else on the way finishes nothing that was begun before", async () => {
    await using h = await browser.open();
    const ada = await h.signedIn("Ada");
    await ada.setOut("Flinks");
    const ben = await ada.anotherTab();
    await ben.visit();
    await ben.press("Sign out");
    await ben.signIn("Ben");
    await ada.approve();
    await ada.reads("This link attempt cannot be finished");
    expect([await h.connectionsOf("ada"), await h.connectionsOf("ben")]).toEqual([[], []]);
    expect(h.simulators.flinks.journal.count({ path: "/api/v1/token" })).toBe(0);
  });

  test("a provider that comes back by a form, posted from its own site, finds the flow", async () => {
    await using h = await browser.open();
    const ada = await h.signedIn("Ada");
    await ada.setOut("Fiskl, books");
    const [path = "", query] = (await ada.returning({ intercept: true })).split("?");
    await ada.page.goto(h.simulators.fiskl.origin);
    await ada.submit(h.origin + path, Object.fromEntries(new URLSearchParams(query)));
    await ada.linked("Fiskl, books");
    expect(ada.page.url()).toBe(`${h.origin}/`);
  });

  test("C4 over https every cookie is out of scripts' reach, for this host alone, and sent over TLS alone", async () => {
    await using h = await browser.open({ tls: true });
    const ada = await h.signedIn("Ada", { ignoreHTTPSErrors: true });
    await ada.link("Fiskl, books");
    await ada.link("Flinks");
    const cookies = await ada.page.context().cookies();
    expect(cookies.map(({ name }) => name.replace(/browser-.*/, "browser-")).toSorted()).toEqual([
      "__Host-linkwright-browser-",
      "__Host-session",
    ]);
    for (const { secure, httpOnly, sameSite, path, domain } of cookies)
      expect({ secure, httpOnly, sameSite, path, domain }).toEqual({
        secure: true,
        httpOnly: true,
        sameSite: "Lax",
        path: "/",
        domain: "localhost",
      });
  });

  test("C13 another site's form links nothing, and disconnects nothing, whoever is signed in", async () => {
    await using h = await browser.open();
    const ada = await h.signedIn("Ada");
    await ada.link("Flinks");
    const [connection] = await h.connectionsOf("ada");
    for (const path of ["/linkwright/start/flinks", `/linkwright/disconnect/${connection?.id}`]) {
      await ada.page.goto(h.simulators.fiskl.origin);
      await ada.submit(h.origin + path, {});
      await ada.reads("Nothing was done");
    }
    expect((await connection?.status())?.health).toBe("healthy");
  });
});
