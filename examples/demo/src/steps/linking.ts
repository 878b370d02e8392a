import type { RegistrationName } from "@linkwright/example-application";
import type { Consent } from "@linkwright/example-application/visitor";
import { holds, present } from "../checks.ts";
import { connectionOf, type Journey, note } from "../journey.ts";

/** A user links accounts in the application, by its pages and the providers'. */

export async function linkFiskil(journey: Journey): Promise<readonly string[]> {
  const { fiskil } = journey.world.simulators;
  const { status } = await link(journey, "fiskil", (url) => fiskil.consent(url));
  holds("whose token serves", status.bearer, "application");
  await fiskil.webhooks.settled();
  holds("answers to Fiskil's webhooks", [...new Set(fiskil.webhooks.deliveries.map(({ status }) => status))], [204]);
  const until = new Date(present("the consent's end", status.consentExpiresAt)).toISOString().slice(0, 10);
  return [
    `the user approved at ${fiskil.consents.size} bank; shared: ${status.scope.granted?.join(", ")}; consent until ${until}`,
    `${fiskil.webhooks.deliveries.length} webhooks were verified and applied`,
  ];
}

export async function linkBooks(journey: Journey): Promise<readonly string[]> {
  const { fiskl } = journey.world.simulators;
  const { status } = await link(journey, "books", (url) => fiskl.consent(url, { user: "user-1" }));
  const exchange = present("the code's exchange", fiskl.journal.last({ grantType: "authorization_code" }));
  holds("client authentication", exchange.headers.authorization?.split(" ")[0], "Basic");
  return [`code exchanged with secret and PKCE; granted: ${status.scope.granted?.join(", ")}`];
}

export async function linkDesk(journey: Journey): Promise<readonly string[]> {
  const { fiskl } = journey.world.simulators;
  const { status } = await link(journey, "desk", (url) => fiskl.consent(url, { user: "user-2" }));
  const exchange = present("the code's exchange", fiskl.journal.last({ grantType: "authorization_code" }));
  holds("client authentication", exchange.headers.authorization, undefined);
  holds("a PKCE verifier is sent", exchange.form?.code_verifier !== undefined, true);
  return [`code exchanged with PKCE alone; granted: ${status.scope.granted?.join(", ")}`];
}

export async function linkFlinks(journey: Journey): Promise<readonly string[]> {
  const { flinks } = journey.world.simulators;
  const { status } = await link(journey, "flinks", (url) => flinks.consent(url));
  const user = [...flinks.users.values()].find(({ customerId }) => status.account === `1000:${customerId}`);
  holds("the account's owner", user?.name.first, "user-1");
  return [`code exchanged as JSON; the token names its owner; asked for: ${status.scope.requested.join(", ")}`];
}

async function link(journey: Journey, registration: RegistrationName, consent: Consent) {
  const answer = await journey.world.visitor.link(registration, consent);
  holds(
    `${registration}: where the callback leads`,
    [answer.status, answer.headers.get("location")],
    [303, `${journey.world.application.origin}/`],
  );
  const connection = await connectionOf(journey, registration);
  const status = await connection.status();
  holds(`${registration}: health`, status.health, "healthy");
  await note(journey, connection);
  return { connection, status };
}
