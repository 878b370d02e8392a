import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sqliteStore } from "@linkwright/store-sqlite";
import { simulateFiskil, simulateFlinks, virtualClock } from "@linkwright/testing";
import { openConnector } from "../../src/connector.ts";
import { newKey } from "../../src/keys.ts";

export const visitor = { userId: "user_42", sessionId: "an-unguessable-session-value" };

/** The application of the documentation, with both of its banks on this machine. */
export async function house() {
  const clock = virtualClock();
  const directory = await mkdtemp(join(tmpdir(), "linkwright-snippets-"));
  const [fiskil, flinks] = await Promise.all([
    simulateFiskil({ clock }),
    simulateFlinks({
      clock,
      recipients: [
        { clientId: "dc-demo0001", clientSecret: "s3cr3t", redirectUris: ["https://app.example/callback/flinks"] },
      ],
    }),
  ]);
  const secrets: Readonly<Record<string, string>> = {
    "fiskil/client-secret": "s3cr3t-example",
    "fiskil/webhook-secret": fiskil.webhookSecret,
    "flinks/client-secret": "s3cr3t",
  };
  const keys = [{ id: "2026-11", key: newKey() }];
  /** As many processes as are wanted, on one file. */
  const start = (ring = keys, store = sqliteStore({ path: join(directory, "linkwright.db"), clock })) =>
    openConnector({
      store,
      keys: ring,
      vault: async (name) => secrets[name] ?? "",
      simulated: {
        clock,
        fiskil: { baseUrl: fiskil.endpoints.base, authOrigin: new URL(fiskil.endpoints.consent).origin },
        flinks: { baseUrl: flinks.origin },
      },
    });
  const connector = start();
  return {
    clock,
    directory,
    fiskil,
    flinks,
    keys,
    connector,
    start,
    async [Symbol.asyncDispose]() {
      await connector.close();
      await Promise.all([fiskil.close(), flinks.close()]);
      await rm(directory, { recursive: true, force: true });
    },
  };
}
