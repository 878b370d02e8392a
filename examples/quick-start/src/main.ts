import { allowInsecureLoopback, createConnector, keyring, memoryStore } from "@linkwright/core";
import { flinks } from "@linkwright/flinks";
import { simulateFlinks } from "@linkwright/testing";

// #region quick-start
const bank = await simulateFlinks(); // Flinks, on this machine

const connector = createConnector({
  providers: {
    flinks: flinks({
      clientId: "dc-demo0001",
      clientSecret: "s3cr3t",
      redirectUri: "https://app.example/callback",
      baseUrl: bank.origin, // leave it out for the real Flinks
    }),
  },
  store: memoryStore(), // over restarts: sqliteStore("linkwright.db"), and a key that is kept (docs/keys.md)
  concurrency: "one-process",
  keys: keyring([{ id: "2026-11", key: crypto.getRandomValues(new Uint8Array(32)) }]), // made anew at each start
  [allowInsecureLoopback]: true, // for the simulator alone
});

// A user wants to connect a bank: send their browser to flow.url.
const session = crypto.randomUUID(); // in an application: what the browser's own session is known by
const flow = await connector.providers.flinks.connect({ owner: "user_42", session, providerId: 1000 });

// They come back to the redirect URI: complete with the request, or with its URL.
const callback = await bank.consent(flow.url); // the simulator's user approves
const connection = await connector.complete(callback, { session });

// From now on, and from any process: call the API. The token is attached, and renewed when it has to be.
const response = await connection.fetch("/api/fdx/5/accounts");
console.log("accounts:", (await response.json()).accounts.length);
console.log("health:", (await connection.status()).health);
// #endregion

await connection.disconnect();
await connector.close();
await bank.close();
