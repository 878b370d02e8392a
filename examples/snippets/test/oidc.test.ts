import { generateKeyPairSync } from "node:crypto";
import { createConnector, keyring, memoryStore } from "@linkwright/core";
import { expect, test } from "vitest";
import { eastBank, northBank, southBank, westBank } from "../src/oidc.ts";

/** What the page shows is taken; the servers behind it are in the tests of @linkwright/oidc. */

test("the registrations of the page", async () => {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const vault = async () => privateKey.export({ format: "pem", type: "pkcs8" }).toString();
  const connector = createConnector({
    providers: {
      north: northBank(vault),
      south: southBank(vault),
      east: eastBank({ cert: "", key: "" }),
      west: westBank(vault),
    },
    store: memoryStore(),
    concurrency: "one-process",
    keys: keyring([{ id: "test", key: new Uint8Array(32) }]),
    fetch: async (url) => {
      const issuer = new URL(url).origin;
      return Response.json({
        issuer,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
      });
    },
  });
  const session = "an-unguessable-session-value";
  const { north, south, west } = connector.providers;
  const url = new URL((await north.connect({ owner: "user_1", session })).url);
  expect(url.origin).toBe("https://auth.north.example");
  expect(url.searchParams.get("prompt")).toBe("consent");
  const other = new URL((await west.connect({ owner: "user_1", session })).url);
  expect(other.searchParams.getAll("resource")).toHaveLength(2);
  // The profile pushes, and this server says nowhere to what address.
  await expect(south.connect({ owner: "user_1", session })).rejects.toMatchObject({ fault: { kind: "configuration" } });
  await connector.close();
});
