// #region simulate
import { createConnector, dangerouslyUnsealed, memoryStore } from "@linkwright/core";
import { simulate, virtualClock } from "@linkwright/testing";
import { harbour } from "./standard-provider.ts";

const session = "a-session-of-this-test";

/** A lost answer at a server that is strict: what becomes of the connection? */
export async function afterLostAnswer() {
  const clock = virtualClock(); // stands still until it is told to move
  const provider = harbour({
    clientId: "client",
    clientSecret: "s3cr3t",
    redirectUri: "https://app.example/callback",
  });
  await using bank = await simulate(provider, { clock, accessTokenLifetime: 300 });
  const connector = createConnector({
    providers: { harbour: provider },
    fetch: bank.fetch, // finds https://harbour.example on loopback, and no other host
    store: memoryStore({ clock }),
    concurrency: "one-process",
    keys: dangerouslyUnsealed,
    clock,
  });
  const flow = await connector.providers.harbour.connect({ owner: "user_42", session });
  const connection = await connector.complete(await bank.consent(flow.url), { session });

  await clock.advance(301_000); // the access token has ended
  bank.faults.next("lost-response");
  await connection.accessToken().catch(() => {});
  const { health, reason } = await connection.status();
  await connector.close();
  return { health, reason, requests: bank.journal.count({ grantType: "refresh_token" }) };
}
// #endregion
