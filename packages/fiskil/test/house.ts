import { allowInsecureLoopback, type ConnectorError, createConnector, keyring, memoryStore } from "@linkwright/core";
import { type FiskilOptions as SimulatorOptions, simulateFiskil, virtualClock } from "@linkwright/testing";
import { type FiskilOptions, fiskil } from "../src/index.ts";
import { failure } from "./adapter.ts";

/** A browser's session, as the application names it. */
export const session = "browser-session-0123456789abcdef";

/** The API key of the simulator's Data API. */
export const key = { clientId: "key_01example", clientSecret: "s3cr3t-example" };

/** Fiskil on loopback, and an application that is connected to it by the adapter. */
export async function house(given: { options?: Partial<FiskilOptions>; simulator?: SimulatorOptions } = {}) {
  const clock = virtualClock();
  const sim = await simulateFiskil({ clock, ...given.simulator });
  const provider = fiskil({
    ...key,
    redirectUri: "https://app.example/connected?tenant=a%20b",
    cancelUri: "https://app.example/cancelled",
    webhookSecret: sim.webhookSecret,
    teamId: sim.teamId,
    baseUrl: sim.endpoints.base,
    authOrigin: new URL(sim.endpoints.consent).origin,
    ...given.options,
  });
  const connector = createConnector({
    providers: { fiskil: provider },
    store: memoryStore({ clock }),
    concurrency: "one-process",
    keys: keyring([{ id: "test", key: new Uint8Array(32) }]),
    clock,
    freshness: 0,
    [allowInsecureLoopback]: true,
  });
  const handle = connector.providers.fiskil;
  type Wish = Omit<Parameters<typeof handle.connect>[0], "owner" | "session"> & { readonly owner?: string };

  /** A user who is sent away and agrees. */
  const connect = async (wish: Wish = { endUser: {} }) => {
    const flow = await handle.connect({ owner: "user_42", session, ...wish } as Parameters<typeof handle.connect>[0]);
    return connector.complete(await sim.consent(flow.url), { session });
  };

  let delivered = 0;
  /** Hands the application what Fiskil has sent since. */
  const deliver = async () => {
    const receipts = [];
    for (const { data, messageId } of sim.webhooks.sent.slice(delivered))
      receipts.push(await handle.webhook(sim.webhooks.request(data, { messageId })));
    delivered = sim.webhooks.sent.length;
    return receipts;
  };

  return {
    clock,
    sim,
    connector,
    handle,
    connect,
    deliver,
    async [Symbol.asyncDispose]() {
      await connector.close();
      await sim.close();
    },
  };
}

export const json = async (response: Response): Promise<Record<string, unknown>> =>
  (await response.json()) as Record<string, unknown>;

export const faultOf = async (work: () => unknown): Promise<ConnectorError["fault"]> => (await failure(work)).fault;
