import type { openHouse } from "./open-house.ts";
import type { Person } from "./person.ts";

type OpenHouse = Awaited<ReturnType<typeof openHouse>>;

/** A page of the application in some state, before somebody who looks at it. */
export interface Scene {
  readonly name: string;
  readonly person: Person;
}

const everything = ["Fiskil", "Fiskl, books", "Fiskl, front desk", "Flinks"] as const;

/** Walks through every page of the application, and every state that a connection can be shown in. */
export async function* scenes(h: OpenHouse): AsyncGenerator<Scene> {
  const ada = await h.person();
  const { page } = ada;
  await ada.visit();
  yield { name: "sign-in", person: ada };
  await ada.signIn("Ada");
  yield { name: "nothing-linked", person: ada };

  // It would go on by itself; an answer without content leaves a browser where it is.
  await page.route(`${h.simulators.flinks.origin}/**`, (route) => route.fulfill({ status: 204 }));
  await ada.press("Link Flinks");
  await ada.reads("On to your provider");
  yield { name: "departure", person: ada };
  await page.unrouteAll();

  await ada.visit();
  for (const title of everything) await ada.link(title);
  yield { name: "connections", person: ada };

  await page.getByRole("link", { name: "Flinks", exact: true }).click();
  await ada.reads("Flinks");
  await page.getByText("As it is recorded").click();
  yield { name: "connection", person: ada };
  await ada.press("Call its API Flinks");
  await ada.reads("Flinks answered 200");
  yield { name: "answer", person: ada };
  await ada.visit();
  await page.getByRole("link", { name: "Disconnect Flinks" }).click();
  await ada.reads("Disconnect Flinks?");
  yield { name: "disconnecting", person: ada };

  await ada.visit();
  await ada.setOut("Flinks");
  await ada.deny();
  await ada.reads("Nothing was linked");
  yield { name: "denied", person: ada };
  await ada.press("Begin again");
  await h.clock.advance(16 * 60_000);
  await ada.approve();
  await ada.reads("This link attempt cannot be finished");
  await page.getByText("For the operator").click();
  yield { name: "expired", person: ada };
  await ada.visit("/no-such-page");
  await ada.reads("There is no such page");
  yield { name: "no-such-page", person: ada };

  const nobody = await h.person();
  await nobody.visit("/callback/books?state=unknown");
  await nobody.reads("You are not signed in");
  yield { name: "signed-out", person: nobody };
  yield { name: "troubles", person: await inTrouble(h) };
}

const day = 86_400_000;

/** Somebody whose connections stand in every way that they can. */
async function inTrouble(h: OpenHouse): Promise<Person> {
  const { fiskil, fiskl } = h.simulators;
  const ben = await h.signedIn("Ben");
  await ben.link("Fiskil");
  await ben.link("Fiskl, front desk");
  await ben.link("Flinks");
  await h.clock.advance(84 * day);
  await ben.link("Fiskil");
  const [newest] = [...fiskil.consents.values()].toSorted((one, other) => other.createdAt - one.createdAt);
  fiskil.withdrawConsent(newest?.arrangementId ?? "");
  await fiskil.webhooks.settled();

  await ben.press("Call its API Flinks");
  await h.whileTimeFlies(ben.reads("This account has to be reconnected"));
  await ben.visit();
  await ben.setOut("Fiskl, books");
  await ben.page.getByRole("checkbox", { name: "contacts:read" }).uncheck();
  await ben.approve();
  await ben.linked("Fiskl, books");
  fiskl.faults.next("status", { status: 503, path: "/oauth/token" });
  await ben.press("Call its API Fiskl, front desk");
  await ben.reads("Not just now");
  fiskil.switches.consentListedAfter = 3_600_000;
  await ben.visit();
  await ben.setOut("Fiskil");
  await ben.approve();
  await ben.page.getByRole("status").waitFor();
  return ben;
}
