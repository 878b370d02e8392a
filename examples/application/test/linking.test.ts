import { expect, test } from "vitest";
import { house, readText } from "./support/house.ts";

const coverage = [
  { registration: "fiskil", title: "Fiskil", covers: "accounts balances transactions" },
  { registration: "books", title: "Fiskl, books", covers: "invoicing:read contacts:read" },
  { registration: "desk", title: "Fiskl, front desk", covers: "contacts:read" },
  { registration: "flinks", title: "Flinks", covers: "ACCOUNT_BASIC TRANSACTIONS as asked; the provider does not say" },
] as const;

test("a user links each provider, by its own pages, and sees how each connection stands", async () => {
  await using h = await house();
  const ada = await h.signedIn("ada");
  expect(readText(await (await ada.get("/")).text())).toContain("Nothing is linked yet.");

  const consents = {
    fiskil: h.simulators.fiskil.consent,
    books: h.simulators.fiskl.consent,
    desk: h.simulators.fiskl.consent,
    flinks: h.simulators.flinks.consent,
  };
  for (const { registration, title, covers } of coverage) {
    const answer = await ada.link(registration, (url) => consents[registration](url));
    expect([answer.status, answer.headers.get("location")]).toEqual([303, `${h.origin}/`]);
    const page = await (await ada.get("/")).text();
    expect(readText(page)).toContain(`${title} is linked.`);
    const card = cards(page).find((text) => text.startsWith(`${title} `));
    expect(card).toContain("Health: Working");
    expect(card).toContain(`Covers ${covers} Consent until`);
    expect(card).toContain(`Call its API ${title} Reconnect ${title} Disconnect ${title}`);
  }
  const page = await (await ada.get("/")).text();
  expect(cards(page)).toHaveLength(4);
  // What is said once is said once.
  expect(readText(page)).not.toContain("is linked.");
});

test("the API's answer is shown, and no token with it", async () => {
  await using h = await house();
  const ada = await h.signedIn("ada");
  await ada.link("flinks", h.simulators.flinks.consent);
  const [connection] = await h.connectionsOf("ada");
  const answer = await ada.post(`/connections/${connection?.id}/call`);
  expect(answer.status).toBe(200);
  const page = await answer.text();
  expect(readText(page)).toContain("Flinks answered 200");
  expect(readText(page)).toContain("&quot;accountNumberDisplay&quot;: &quot;****1234&quot;");
  expect(page).not.toContain(await connection?.accessToken());
});

test("a user who says no reads that nothing was linked, and can begin again", async () => {
  await using h = await house();
  const ada = await h.signedIn("ada");
  const answer = await ada.link("books", (url) => h.simulators.fiskl.consent(url, { decision: "deny" }));
  expect(answer.status).toBe(200);
  const page = await answer.text();
  expect(readText(page)).toContain("Nothing was linked You, or your bank, said no.");
  expect(page).toContain('<form method="post" action="/linkwright/start/books">');
  expect(await h.connectionsOf("ada")).toEqual([]);
});

test("a second bank account at Fiskil belongs to the same end user", async () => {
  await using h = await house();
  const ada = await h.signedIn("ada");
  await ada.link("fiskil", h.simulators.fiskil.consent);
  await ada.link("fiskil", h.simulators.fiskil.consent);
  expect(await h.connectionsOf("ada")).toHaveLength(2);
  expect([...h.simulators.fiskil.endUsers.values()].map(({ email }) => email)).toEqual(["ada@example.com"]);
});

test("reconnecting keeps the connection and its id", async () => {
  await using h = await house();
  const ada = await h.signedIn("ada");
  await ada.link("flinks", h.simulators.flinks.consent);
  const [before] = await h.connectionsOf("ada");
  const answer = await ada.reconnect(before?.id ?? "", h.simulators.flinks.consent);
  expect([answer.status, answer.headers.get("location")]).toEqual([303, `${h.origin}/connections/${before?.id}`]);
  expect((await h.connectionsOf("ada")).map(({ id }) => id)).toEqual([before?.id]);
});

test("disconnecting tells what was let go of, and the connection is gone", async () => {
  await using h = await house();
  const ada = await h.signedIn("ada");
  await ada.link("books", h.simulators.fiskl.consent);
  const [connection] = await h.connectionsOf("ada");
  expect((await ada.post(`/linkwright/disconnect/${connection?.id}`)).status).toBe(303);
  const page = await (await ada.get("/")).text();
  expect(readText(page)).toContain("Disconnected: refresh token revoked, access token revoked. Nothing is linked yet.");
  expect((await ada.post(`/connections/${connection?.id}/call`)).status).toBe(404);
});

test("another user's connection is not found, whatever is asked of it", async () => {
  await using h = await house();
  const ada = await h.signedIn("ada");
  await ada.link("flinks", h.simulators.flinks.consent);
  const [connection] = await h.connectionsOf("ada");
  const ben = await h.signedIn("ben");
  expect(cards(await (await ben.get("/")).text())).toEqual([]);
  const asks = (id: string) => [
    ben.get(`/connections/${id}`),
    ben.get(`/connections/${id}/disconnect`),
    ben.post(`/connections/${id}/call`),
    ben.post("/linkwright/start/flinks", { connection: id }),
    ben.post(`/linkwright/disconnect/${id}`),
  ];
  for (const id of [connection?.id ?? "", "never-was-one"])
    for (const answer of await Promise.all(asks(id))) {
      expect([id, answer.url, answer.status]).toEqual([id, answer.url, 404]);
      expect(readText(await answer.text())).toContain("There is no such connection");
    }
  expect((await connection?.status())?.health).toBe("healthy");
});

/** The connections' cards, as they are read. */
function cards(page: string): string[] {
  return [...page.matchAll(/<article [\s\S]*?<\/article>/g)].map(([card]) => readText(card));
}
