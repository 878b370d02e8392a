import { describe, expect, test } from "vitest";
import { browserOfFile, hasChromium, patience } from "../support/browser.ts";

describe.skipIf(!hasChromium)("living with connections, in a browser", patience, () => {
  const browser = browserOfFile();

  test("G74 a consent that is withdrawn at the bank has ended on the page, and a reconnect revives the same connection", async () => {
    await using h = await browser.open();
    const { fiskil } = h.simulators;
    const ada = await h.signedIn("Ada");
    await ada.link("Fiskil");
    const [before] = await h.connectionsOf("ada");
    const [consent] = fiskil.consents.values();
    fiskil.withdrawConsent(consent?.arrangementId ?? "");
    await fiskil.webhooks.settled();

    await ada.page.reload();
    expect(await ada.health("Fiskil")).toBe("Ended");
    expect(await ada.why("Fiskil")).toBe("Your consent at the bank has ended. consent_ended");
    expect(await ada.page.getByText("1 linked, 1 needs you.").count()).toBe(1);
    expect(await ada.page.getByRole("button", { name: "Call its API" }).count()).toBe(0);

    await ada.press("Reconnect Fiskil");
    await ada.approve();
    await ada.linked("Fiskil");
    expect(await ada.health("Fiskil")).toBe("Working");
    expect((await h.connectionsOf("ada")).map(({ id }) => id)).toEqual([before?.id]);
  });

  test("G68 a grant that the provider took back needs its user, who reconnects in place from the page that says so", async () => {
    await using h = await browser.open();
    const { flinks } = h.simulators;
    const ada = await h.signedIn("Ada");
    await ada.link("Flinks");
    const [before] = await h.connectionsOf("ada");
    flinks.revokeGrants();
    await h.clock.advance(301_000);
    await ada.press("Call its API Flinks");
    await h.whileTimeFlies(ada.reads("This account has to be reconnected"));
    await ada.visit();
    expect(await ada.health("Flinks")).toBe("Needs you");
    expect(await ada.why("Flinks")).toBe("The provider no longer accepts what you granted. revoked");

    await ada.press("Reconnect Flinks");
    await ada.approve();
    await ada.linked("Flinks");
    expect(await ada.health("Flinks")).toBe("Working");
    expect((await h.connectionsOf("ada")).map(({ id }) => id)).toEqual([before?.id]);
  });

  test("G59 who sets out to reconnect and says no keeps what they had", async () => {
    await using h = await browser.open();
    const ada = await h.signedIn("Ada");
    await ada.link("Fiskl, books");
    await ada.press("Reconnect Fiskl, books");
    await ada.deny();
    await ada.reads("Nothing was linked");
    await ada.page.getByRole("link", { name: "Back to where you were" }).click();
    await ada.reads("Fiskl, books");
    expect(await ada.health("Fiskl, books")).toBe("Working");
    await ada.press("Call its API Fiskl, books");
    await ada.reads("Fiskl, books answered 200");
  });

  test("G73 disconnecting is asked about once more, and tells what was let go of", async () => {
    await using h = await browser.open();
    const ada = await h.signedIn("Ada");
    await ada.link("Fiskl, books");
    const choose = () => ada.page.getByRole("link", { name: "Disconnect Fiskl, books" }).click();
    await choose();
    await ada.reads("Disconnect Fiskl, books?");
    await ada.page.getByRole("link", { name: "Keep it" }).click();
    await ada.reads("Fiskl, books");
    expect(await ada.health("Fiskl, books")).toBe("Working");

    await choose();
    await ada.press("Disconnect");
    await ada.reads("Your connections");
    expect(await ada.notice()).toBe("Disconnected: refresh token revoked, access token revoked.");
    expect(await ada.text()).toContain("Nothing is linked yet.");
    expect(h.simulators.fiskl.journal.count({ path: "/oauth/revoke" })).toBe(2);
  });

  test("G73 a provider that is away while its user disconnects: that it goes on by itself is said, and it does", async () => {
    await using h = await browser.open();
    const ada = await h.signedIn("Ada");
    await ada.link("Fiskl, books");
    h.simulators.fiskl.faults.always("status", { status: 503, path: "/oauth/revoke" });
    await ada.page.getByRole("link", { name: "Disconnect Fiskl, books" }).click();
    await ada.press("Disconnect");
    await ada.reads("Your connections");
    expect(await ada.notice()).toContain("Disconnecting goes on by itself");
    expect(await ada.health("Fiskl, books")).toBe("Ended");
    h.simulators.fiskl.faults.clear();
    await h.clock.advance(24 * 3_600_000);
    await h.connector.maintain();
    await ada.page.reload();
    expect(await ada.titles()).toEqual([]);
  });

  test("G21 a provider that is out of order is told as such; the connection stays, and works again", async () => {
    await using h = await browser.open();
    const ada = await h.signedIn("Ada");
    await ada.link("Flinks");
    await h.clock.advance(301_000);
    h.simulators.flinks.faults.next("status", { status: 503 });
    await ada.press("Call its API Flinks");
    await ada.reads("Not just now");
    await ada.visit();
    expect(await ada.health("Flinks")).toBe("Retrying");
    await h.clock.advance(60_000);
    await ada.press("Call its API Flinks");
    await ada.reads("Flinks answered 200");
  });
});
