import { allowInsecureLoopback, createConnector, keyring, memoryStore } from "@linkwright/core";
import { fiskil } from "@linkwright/fiskil";
import { fiskl } from "@linkwright/fiskl";
import { flinks } from "@linkwright/flinks";
import { check } from "./checks.ts";
import { faultOf, owner, session } from "./life.ts";
import { redirectUri, type World } from "./neighbour.ts";

interface Message {
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** Each adapter once: connected, used, renewed, told of something, disconnected. */
export async function adapters(world: World): Promise<void> {
  const { clock } = world;
  const { authorization_endpoint: authorization, token_endpoint: token } = world.fiskl;
  const webhook = { secrets: "whsec_ISIjJCUmJygpKissLS4vMDEyMzQ1Njc4" };
  const app = { baseUrl: world.fiskl.origin, issuer: world.fiskl.issuer, endpoints: { authorization, token }, webhook };
  const connector = createConnector({
    providers: {
      flinks: flinks({ clientId: "dc-demo0001", clientSecret: "s3cr3t", redirectUri, baseUrl: world.flinks }),
      fiskl: fiskl({ client: "public", clientId: "app_02", redirectUri: `${redirectUri}/fiskl`, ...app }),
      fiskil: fiskil({
        clientId: "key_01example",
        clientSecret: "s3cr3t-example",
        redirectUri: `${redirectUri}/fiskil`,
        webhookSecret: world.fiskilSecret,
        teamId: "team_01",
        baseUrl: world.fiskil.base,
        authOrigin: new URL(world.fiskil.consent).origin,
      }),
    },
    store: memoryStore({ clock }),
    concurrency: "one-process",
    keys: keyring([{ id: "test", key: new Uint8Array(32).fill(7) }]),
    clock,
    freshness: 0,
    [allowInsecureLoopback]: true,
  });
  const { providers } = connector;
  const complete = async (server: "flinks" | "fiskl" | "fiskil", url: string) =>
    connector.complete(await world.consent(server, url), { session });
  const message = async (server: "fiskl" | "fiskil", data: object, signature: string) => {
    const { headers, body } = await world.ask<Message>("webhook", {
      server,
      data: JSON.stringify(data),
      signature,
      messageId: `${server}-${signature}`,
    });
    return new Request("https://app.example/webhook", { method: "POST", headers, body });
  };

  const bank = await complete("flinks", (await providers.flinks.connect({ owner, session, providerId: 1000 })).url);
  const { accounts } = (await (await bank.fetch("/api/fdx/5/accounts")).json()) as { accounts: unknown[] };
  check("Flinks: accounts", accounts.length, 2);
  await world.advance(300_000);
  const [was, is] = [await bank.accessToken(), await bank.accessToken()];
  const renewed = await world.ask("count", { server: "flinks", path: "/api/v1/token", grantType: "refresh_token" });
  check("Flinks: renewed once", [was === is, renewed], [true, 1]);
  const { revocations } = await bank.disconnect();
  check("Flinks: disconnected", revocations, [{ what: "connection", result: "revoked" }]);

  const books = await complete(
    "fiskl",
    (await providers.fiskl.connect({ owner, session, scope: ["invoicing:read"] })).url,
  );
  const invoices = (await (await books.fetch("/v1/invoices")).json()) as { id: number }[];
  check(
    "Fiskl: invoices",
    invoices.map(({ id }) => id),
    [4819, 4820],
  );
  await world.advance(3_600_000);
  check("Fiskl: renewed", (await books.fetch("/v1/invoices")).status, 200);
  const paid = { type: "invoice.paid", data: { id: 4819 } };
  const { event } = await providers.fiskl.webhook(await message("fiskl", paid, "valid"));
  check("Fiskl: a signed webhook", [event.type, event.data], ["invoice.paid", { id: 4819 }]);
  const forged = await message("fiskl", paid, "wrong-key");
  check("Fiskl: a forged one", await faultOf(providers.fiskl.webhook(forged)), ["protocol"]);

  const flow = await providers.fiskil.connect({
    owner,
    session,
    endUser: { email: "user@example.com" },
    institutionId: "88888",
  });
  const consented = await complete("fiskil", flow.url);
  const status = await consented.status();
  check(
    "Fiskil: consented",
    [status.health, status.bearer, status.data.institutionId],
    ["healthy", "application", "88888"],
  );
  const banking = await consented.fetch("/v1/banking/accounts");
  check("Fiskil: accounts", ((await banking.json()) as { accounts: unknown[] }).accounts.length, 2);
  const gone = await world.ask<object>("withdraw", { arrangementId: String(status.data.arrangementId) });
  const copied = providers.fiskil.webhook(await message("fiskil", gone, "tampered"));
  check("Fiskil: a forged webhook", await faultOf(copied), ["protocol"]);
  check("Fiskil: changes nothing", (await consented.status()).health, "healthy");
  await providers.fiskil.webhook(await message("fiskil", gone, "valid"));
  check("Fiskil: a signed one ends the connection", (await consented.status()).health, "ended");
  await connector.close();
}
