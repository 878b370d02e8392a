import { faultOf, holds, present } from "../checks.ts";
import { connectionOf, connectionsOf, type Journey, note } from "../journey.ts";
import { whileTimeFlies } from "../time.ts";
import { trafficOf } from "../traffic.ts";

/** The user changes their mind at the bank. A signed webhook tells, and the application's token opens nothing of theirs any more. */
export async function withdrawConsent(journey: Journey): Promise<readonly string[]> {
  const { world } = journey;
  const { fiskil } = world.simulators;
  const connection = await connectionOf(journey, "fiskil");
  const { arrangementId } = (await connection.status()).data;
  fiskil.withdrawConsent(present("the arrangement's id", arrangementId));
  await fiskil.webhooks.settled();
  const delivery = present("the webhook", fiskil.webhooks.deliveries.at(-1));
  holds("the webhook's event", fiskil.webhooks.sent.at(-1)?.data.event, "consent.revoked");
  holds("the application's answer to it", delivery.status, 204);
  const { health, reason } = await connection.status();
  holds("health", { health, reason }, { health: "ended", reason: "consent_ended" });
  await note(journey, connection);
  const fault = await faultOf("handing out a token", connection.accessToken());
  holds("what a caller is told", fault, { kind: "reauthorize", reason: "consent_ended" });
  return ["the webhook was answered 204; health: ended (consent_ended); callers are told: reauthorize"];
}

/** The grant is revoked at Fiskl without a word. The next renewal is refused, the user is asked to reconnect, and does. */
export async function loseGrant(journey: Journey): Promise<readonly string[]> {
  const { world } = journey;
  const { fiskl } = world.simulators;
  const connection = await connectionOf(journey, "desk");
  const { desk } = trafficOf(world);
  fiskl.revokeGrants("user-2");

  const before = desk.tokenRequests();
  const work = faultOf("calling the API", connection.fetch("/v1/clients"));
  // A refusal is believed only after the row was watched for a claim's length: another process may hold the successor.
  const fault = await whileTimeFlies(world.clock, work);
  holds("what the caller is told", fault, { kind: "reauthorize", reason: "revoked" });
  const again = await faultOf("calling again", connection.fetch("/v1/clients"));
  holds("what the next caller is told", again, { kind: "reauthorize", reason: "revoked" });
  holds("token requests", desk.tokenRequests() - before, 1);
  await note(journey, connection);
  const page = await (await world.visitor.get("/")).text();
  const card = page.slice(page.indexOf(`connection-${connection.id}`)).split("</article>")[0] ?? "";
  holds("the page asks to reconnect", card.includes(">Needs you<") && card.includes("<code>revoked</code>"), true);

  await world.visitor.reconnect(connection.id, (url) => fiskl.consent(url, { user: "user-2" }));
  const reconnected = await connectionOf(journey, "desk");
  holds("the connection's id is kept", reconnected.id === connection.id, true);
  holds("health after reconnecting", (await reconnected.status()).health, "healthy");
  holds("status of an API call", (await reconnected.fetch("/v1/clients")).status, 200);
  return [
    "refused once, and remembered; the page says: Needs you (revoked); token requests: 1",
    "the user reconnected: the same connection, healthy again",
  ];
}

/** Lets go of everything, as far as each provider allows. */
export async function disconnectAll(journey: Journey): Promise<readonly string[]> {
  const told: string[] = [];
  for (const connection of await connectionsOf(journey)) {
    await note(journey, connection);
    const { disconnected, revocations } = await connection.disconnect();
    holds(`${connection.registration}: disconnected`, disconnected, true);
    const did = revocations.map(({ what, result }) => `${what} ${result}`.replaceAll("_", " ")).join(", ");
    told.push(`${connection.registration}: ${did}`);
  }
  holds("connections left", (await connectionsOf(journey)).length, 0);
  holds("what was let go of", told.toSorted(), [
    "books: refresh token revoked, access token revoked",
    "desk: refresh token revoked, access token revoked",
    "fiskil: consent revoked",
    "flinks: connection revoked",
  ]);
  holds("consents that are active at Fiskil", activeConsents(journey), 0);
  return told;
}

function activeConsents({ world }: Journey): number {
  return [...world.simulators.fiskil.consents.values()].filter(({ active }) => active).length;
}
