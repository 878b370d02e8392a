// #region testing
import { allowInsecureLoopback, createConnector, dangerouslyUnsealed, memoryStore } from "@linkwright/core";
import { flinks } from "@linkwright/flinks";
import { simulateFlinks, virtualClock } from "@linkwright/testing";
import { expect, test } from "vitest";

test("an answer that is lost on the way costs no user their connection", async () => {
  const clock = virtualClock(); // stands still until it is told to move
  await using bank = await simulateFlinks({ clock });
  const connector = createConnector({
    providers: {
      flinks: flinks({
        clientId: "dc-demo0001",
        clientSecret: "s3cr3t",
        redirectUri: "https://app.example/callback",
        baseUrl: bank.origin,
      }),
    },
    store: memoryStore({ clock }),
    concurrency: "one-process",
    keys: dangerouslyUnsealed,
    clock,
    [allowInsecureLoopback]: true, // plain http, to this machine alone
  });
  const session = "a-session-of-this-test";
  const flow = await connector.providers.flinks.connect({ owner: "user_42", session, providerId: 1000 });
  const connection = await connector.complete(await bank.consent(flow.url), { session });

  await clock.advance(400_000); // the access token has expired
  bank.faults.next("lost-response", { grantType: "refresh_token" });
  expect((await connection.fetch("/api/fdx/5/accounts")).status).toBe(200);
  expect(bank.journal.count({ grantType: "refresh_token" })).toBe(2);
  await connector.close();
});
// #endregion
