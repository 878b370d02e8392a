import { describe, expect, test } from "vitest";
import { browserOfFile, hasChromium, patience } from "../support/browser.ts";

const offered = [
  { title: "Fiskil", covers: "accounts balances transactions", answer: '"display_name": "Everyday"' },
  { title: "Fiskl, books", covers: "invoicing:read contacts:read", answer: '"invoiceDate": "2026-01-10"' },
  { title: "Fiskl, front desk", covers: "contacts:read", answer: '"name": "Acme"' },
  {
    title: "Flinks",
    covers: "ACCOUNT_BASIC TRANSACTIONS as asked; the provider does not say",
    answer: '"accountNumberDisplay": "****1234"',
  },
] as const;

describe.skipIf(!hasChromium)("linking, in a browser", patience, () => {
  const browser = browserOfFile();

  test("each provider is linked by clicking through its pages, and its API answers", async () => {
    await using h = await browser.open();
    const ada = await h.signedIn("Ada");
    expect(await ada.text()).toContain("Nothing is linked yet.");
    for (const { title, covers, answer } of offered) {
      await ada.link(title);
      expect([await ada.health(title), await ada.fact(title, "Covers")]).toEqual(["Working", covers]);
      await ada.press(`Call its API ${title}`);
      await ada.reads(`${title} answered 200`);
      expect(await ada.page.getByRole("region", { name: "Body of the answer" }).textContent()).toContain(answer);
      await ada.page.getByRole("link", { name: "Back to your connections" }).click();
    }
    expect(await ada.titles()).toEqual(offered.map(({ title }) => title));
    expect(await ada.text()).toContain("4 linked, none needs you.");
    // What is said once is said once.
    expect(await ada.page.getByRole("status").count()).toBe(0);
    for (const connection of await h.connectionsOf("ada"))
      expect(await ada.page.content()).not.toContain(await connection.accessToken());
  });

  test("another user, in another browser, sees nothing of it", async () => {
    await using h = await browser.open();
    const [ada, ben] = await Promise.all([h.signedIn("Ada"), h.signedIn("Ben")]);
    await ada.link("Flinks");
    const [connection] = await h.connectionsOf("ada");
    await ben.visit();
    expect(await ben.titles()).toEqual([]);
    await ben.visit(`/connections/${connection?.id}`);
    await ben.reads("There is no such connection");
  });

  test("a card tells until when: the consent where it has an end, the access token where it is the connection's own", async () => {
    await using h = await browser.open();
    const ada = await h.signedIn("Ada");
    await ada.link("Fiskil");
    await ada.link("Flinks");
    expect(await ada.fact("Fiskil", "Consent until")).toMatch(/^in (89|90) days /);
    expect(await ada.fact("Fiskil", "Access token")).toBe("The application's own");
    expect(await ada.fact("Flinks", "Consent until")).toBe("No end is told");
    expect(await ada.fact("Flinks", "Access token until")).toMatch(/^in 4 minutes /);
    expect(await ada.fact("Flinks", "Last renewal")).toMatch(/^(now|\d+ seconds? ago) /);

    await h.clock.advance(300_000);
    await ada.press("Call its API Flinks");
    await ada.reads("Flinks answered 200");
    await ada.page.getByRole("link", { name: "Back to your connections" }).click();
    await ada.reads("Your connections");
    expect(await ada.fact("Flinks", "Access token until")).toMatch(/^in 4 minutes /);
  });

  test("G63 who says no, to whichever provider, reads that nothing was linked, and begins again from there", async () => {
    await using h = await browser.open();
    const ada = await h.signedIn("Ada");
    for (const { title } of offered) {
      await ada.setOut(title);
      await ada.deny();
      await ada.reads("Nothing was linked");
      expect(await h.connectionsOf("ada")).toEqual([]);
      if (title !== "Flinks") await ada.visit();
    }
    await ada.press("Begin again");
    await ada.approve();
    await ada.linked("Flinks");
  });

  test("C22 a scope that was unticked is missing on the page, until the user reconnects and allows it", async () => {
    await using h = await browser.open();
    const ada = await h.signedIn("Ada");
    await ada.setOut("Fiskl, books");
    await ada.page.getByRole("checkbox", { name: "contacts:read" }).uncheck();
    await ada.approve();
    await ada.linked("Fiskl, books");
    expect(await ada.fact("Fiskl, books", "Covers")).toBe("invoicing:read");
    expect(await ada.why("Fiskl, books")).toBe("Not allowed: contacts:read. Reconnect to allow it.");

    const [before] = await h.connectionsOf("ada");
    await ada.press("Reconnect Fiskl, books");
    await ada.approve();
    await ada.linked("Fiskl, books");
    expect(await ada.fact("Fiskl, books", "Covers")).toBe("invoicing:read contacts:read");
    expect(await ada.why("Fiskl, books")).toBe("");
    expect((await h.connectionsOf("ada")).map(({ id }) => id)).toEqual([before?.id]);
  });

  test("G60 two flows that were begun in two tabs are finished in reverse", async () => {
    await using h = await browser.open();
    const first = await h.signedIn("Ada");
    const second = await first.anotherTab();
    await second.visit();
    await first.setOut("Fiskl, books");
    await second.setOut("Flinks");
    await second.approve();
    await second.linked("Flinks");
    await first.approve();
    await first.linked("Fiskl, books");
    expect(await first.titles()).toEqual(["Fiskl, books", "Flinks"]);
  });

  test("G60 two flows of one registration, in two tabs and finished in reverse, are two connections", async () => {
    await using h = await browser.open();
    const first = await h.signedIn("Ada");
    const second = await first.anotherTab();
    await second.visit();
    for (const tab of [first, second]) await tab.setOut("Fiskl, front desk");
    for (const tab of [second, first]) {
      await tab.approve();
      await tab.linked("Fiskl, front desk");
    }
    expect(await first.titles()).toEqual(["Fiskl, front desk", "Fiskl, front desk"]);
    expect(h.simulators.fiskl.journal.count({ grantType: "authorization_code" })).toBe(2);
  });
});
