import {
  type ClientAuthentication,
  createConnector,
  defineProvider,
  keyring,
  memoryStore,
  Secret,
} from "@linkwright/core";
import { simulate, virtualClock } from "@linkwright/testing";
import { expect, test } from "vitest";
import { key } from "./support/house.ts";

/** Tokens that are asked for anew each time: what `connectBy` is given to keep stands for the refresh token. */

const owner = "user_1";
const ticket = "urn:bank.test:ticket";

/** Presents what is kept in the bank's own grant, with a serial number. */
function ticketing(): ClientAuthentication {
  let serial = 0;
  return {
    method: "none",
    apply(_server, client, body) {
      const name = body.get("refresh_token") ?? body.get("ticket") ?? "";
      for (const parameter of [...body.keys()]) body.delete(parameter);
      for (const [parameter, value] of Object.entries({ grant_type: ticket, ticket: `${name} ${++serial}` }))
        body.set(parameter, value);
      body.set("client_id", client.client_id);
    },
  };
}

const bank = (kept: boolean) =>
  defineProvider({
    id: "bank",
    server: { issuer: "https://bank.test", token_endpoint: "https://bank.test/token" },
    client: { id: "client", authentication: ticketing() },
    grants: { refreshToken: { rotation: "fixed" } },
    api: { base: "https://bank.test/api/" },
    extras: (context) => ({
      open: (name: string) =>
        context.connectBy({
          grantType: ticket,
          parameters: { ticket: name },
          owner,
          ...(kept && { refreshToken: new Secret(name) }),
        }),
    }),
  });

async function house({ kept = true, refresh = "none" as "none" | "fixed" } = {}) {
  const clock = virtualClock();
  const provider = bank(kept);
  const server = await simulate(provider, {
    clock,
    refresh,
    extensionGrants: { [ticket]: ({ ticket: text = "" }) => ({ subject: text.split(" ")[0] ?? "" }) },
  });
  const connector = createConnector({
    providers: { bank: provider },
    fetch: server.fetch,
    store: memoryStore({ clock }),
    concurrency: "one-process",
    keys: keyring([{ id: "test", key }]),
    clock,
  });
  return {
    clock,
    server,
    connector,
    tickets: () => server.journal.filter({ path: "/token" }).map(({ form }) => form?.ticket),
    async [Symbol.asyncDispose]() {
      await connector.close();
      await server.close();
    },
  };
}

test("G20 what connectBy is given stands for a refresh token where the answer brings none", async () => {
  await using h = await house();
  const connection = await h.connector.providers.bank.open("north");
  for (let renewal = 1; renewal <= 2; renewal++) {
    await h.clock.advance(3_601_000);
    expect(await (await connection.fetch("me")).json()).toMatchObject({ sub: "north" });
  }
  expect(h.tickets()).toEqual(["north 1", "north 2", "north 3"]);
  const { refreshToken } = await h.connector.dangerouslyExportGrant(connection.id, { owner });
  expect(refreshToken?.reveal()).toBe("north");
});

test("G20 a refresh token that the answer brings is kept in its place", async () => {
  await using h = await house({ refresh: "fixed" });
  const connection = await h.connector.providers.bank.open("north");
  const { refreshToken } = await h.connector.dangerouslyExportGrant(connection.id, { owner });
  expect(refreshToken?.reveal()).toMatch(/^rt_/);
});

test("without either the connection ends with its token", async () => {
  await using h = await house({ kept: false });
  const connection = await h.connector.providers.bank.open("north");
  await h.clock.advance(3_601_000);
  await expect(connection.accessToken()).rejects.toMatchObject({ fault: { kind: "reauthorize", reason: "expired" } });
});
