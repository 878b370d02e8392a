import { describe, expect, test } from "vitest";
import { browserOfFile, hasChromium, patience } from "../support/browser.ts";

describe.skipIf(!hasChromium)("a browser without scripts, and one without a mouse", patience, () => {
  const browser = browserOfFile();

  test("everything of the main path works with JavaScript disabled", async () => {
    await using h = await browser.open();
    const ada = await h.signedIn("Ada", { javaScriptEnabled: false });
    for (const title of ["Fiskil", "Fiskl, books", "Fiskl, front desk", "Flinks"]) await ada.link(title);
    await ada.press("Call its API Flinks");
    await ada.reads("Flinks answered 200");
    await ada.page.getByRole("link", { name: "Back to your connections" }).click();
    await ada.press("Reconnect Flinks");
    await ada.approve();
    await ada.linked("Flinks");
    await ada.page.getByRole("link", { name: "Disconnect Flinks" }).click();
    await ada.press("Disconnect");
    await ada.reads("Your connections");
    expect(await ada.notice()).toContain("Disconnected");
    expect(await ada.titles()).toEqual(["Fiskil", "Fiskl, books", "Fiskl, front desk"]);
    await ada.setOut("Fiskl, books");
    await ada.deny();
    await ada.reads("Nothing was linked");
    await ada.press("Sign out");
    await ada.reads("Who are you today?");
  });

  test("a provider's form is passed on by a button, where no script may do it", async () => {
    await using h = await browser.open();
    const ada = await h.signedIn("Ada", { javaScriptEnabled: false });
    await ada.setOut("Fiskl, books");
    const [path = "", query] = (await ada.returning({ intercept: true })).split("?");
    await ada.page.goto(h.simulators.fiskl.origin);
    await ada.submit(h.origin + path, Object.fromEntries(new URLSearchParams(query)));
    await ada.reads("One moment");
    await ada.press("Continue");
    await ada.linked("Fiskl, books");
  });

  test("no page of the main path brings a script", async () => {
    await using h = await browser.open();
    const ada = await h.signedIn("Ada");
    const scripts: string[] = [];
    ada.page.on("request", (request) => {
      if (request.resourceType() === "script") scripts.push(request.url());
    });
    await ada.link("Flinks");
    expect(await ada.page.locator("script").count()).toBe(0);
    expect(scripts).toEqual([]);
  });

  test("a keyboard is enough to sign in, link, call, and let go", async () => {
    await using h = await browser.open();
    const ada = await h.person();
    await ada.visit();
    await ada.tabTo("link", "Skip to the page");
    await ada.page.keyboard.press("Enter");
    await ada.tabTo("button", /^Ada/);
    await ada.page.keyboard.press("Enter");
    await ada.reads("Your connections");
    await ada.tabTo("button", "Link Flinks");
    await ada.page.keyboard.press("Enter");
    await ada.page.getByRole("button", { name: "Approve" }).waitFor();
    await ada.tabTo("button", "Approve");
    await ada.page.keyboard.press("Enter");
    await ada.linked("Flinks");
    await ada.tabTo("button", "Call its API Flinks");
    await ada.page.keyboard.press("Space");
    await ada.reads("Flinks answered 200");
    await ada.tabTo("link", "Back to your connections");
    await ada.page.keyboard.press("Enter");
    await ada.reads("Your connections");
    await ada.tabTo("link", "Disconnect Flinks");
    await ada.page.keyboard.press("Enter");
    await ada.reads("Disconnect Flinks?");
    await ada.tabTo("button", "Disconnect");
    await ada.page.keyboard.press("Enter");
    await ada.reads("Your connections");
    expect(await ada.notice()).toContain("Disconnected");
  });
});
