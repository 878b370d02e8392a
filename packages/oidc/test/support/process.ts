import { allowInsecureLoopback, createConnector, keyring } from "@linkwright/core";
import { sqliteStore } from "@linkwright/store-sqlite";
import { virtualClock } from "@linkwright/testing";
import { oidc, publicClient } from "../../src/index.ts";

/** Another process of the same application, an hour later: uses the connection that it is told of, and says what came. */

const [issuer = "", api = "", file = "", id = ""] = process.argv.slice(2);
const clock = virtualClock({ start: Date.now() + 301_000 });
const connector = createConnector({
  providers: { bank: oidc({ issuer, clientId: "public", authentication: publicClient(), dpop: true, api }) },
  store: sqliteStore(file),
  keys: keyring([{ id: "test", key: new Uint8Array(32).fill(7) }]),
  clock,
  [allowInsecureLoopback]: true,
});
const connection = await connector.connection(id, { owner: "user_1" });
const { status } = await connection.fetch("/accounts");
process.stdout.write(JSON.stringify({ pid: process.pid, status }));
await connector.close();
