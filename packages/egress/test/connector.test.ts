import { isIP, type LookupFunction } from "node:net";
import { clientSecretBasic, createConnector, defineProvider, keyring, memoryStore } from "@linkwright/core";
import { publicFetch } from "@linkwright/egress";
import { virtualClock } from "@linkwright/testing";
import { expect, test } from "vitest";
import { faultOf, key, session } from "../../core/test/support/house.ts";

test("C45 a provider whose name leads inside gets no code and no token, and neither is lost", async () => {
  const clock = virtualClock();
  const asked: string[] = [];
  const lookup: LookupFunction = (hostname, options, callback) => {
    asked.push(hostname);
    const found = [{ address: "169.254.169.254", family: isIP("169.254.169.254") }];
    if (options.all) callback(null, found);
    else callback(null, "169.254.169.254", 4);
  };
  const fetch = publicFetch({ lookup });
  const connector = createConnector({
    providers: {
      bank: defineProvider({
        id: "bank",
        server: {
          issuer: "https://bank.example",
          authorization_endpoint: "https://bank.example/authorize",
          token_endpoint: "https://bank.example/token",
        },
        client: { id: "client", authentication: clientSecretBasic("secret") },
        grants: {
          authorizationCode: { redirectUri: "https://app.example/callback", pkce: "S256" },
          refreshToken: { rotation: "rotating" },
        },
        api: { base: "https://bank.example" },
      }),
    },
    store: memoryStore({ clock }),
    concurrency: "one-process",
    keys: keyring([{ id: "test", key }]),
    clock,
    fetch,
  });
  const { url } = await connector.providers.bank.connect({ owner: "user_1", session });
  const callback = `https://app.example/callback?code=code-1&state=${new URL(url).searchParams.get("state")}`;
  // Nothing was sent, so the callback is as good as it was: not `used`.
  for (let tries = 0; tries < 2; tries++) {
    const fault = await faultOf(connector.complete(callback, { session }));
    expect(fault).toMatchObject({ kind: "retry" });
    expect(fault.message).toContain("ERR_PRIVATE_ADDRESS");
  }
  const connection = await connector.providers.bank.import({ owner: "user_1", refreshToken: "rt_0123456789" });
  expect(await faultOf(connection.accessToken())).toMatchObject({ kind: "retry" });
  expect(await connection.status()).toMatchObject({ health: "degraded", inDoubt: false });
  expect(asked).toEqual(["bank.example", "bank.example", "bank.example"]);
  await connector.close();
  await fetch.close();
});
