import {
  allowInsecureLoopback,
  type ConnectorError,
  createConnector,
  isConnectorError,
  keyring,
  memoryStore,
} from "@linkwright/core";
import { type FlinksOptions as SimulatorOptions, simulateFlinks, virtualClock } from "@linkwright/testing";
import { type FlinksOptions, type FlinksParameters, flinks } from "../src/index.ts";

export const session = "session-of-this-browser-0001";
export const redirectUri = "https://app.example/callback";

/** Secrets that must never be seen; the simulator knows the client by the first. */
export const clientSecret = "canary-client-secret-é+/%:";

/** A connector and Flinks on loopback, by one clock that stands still. */
export async function bench(
  options: {
    adapter?: Partial<FlinksOptions>;
    simulator?: SimulatorOptions;
    oneOwnerPerAccount?: readonly "flinks"[];
  } = {},
) {
  const clock = virtualClock();
  const simulator = await simulateFlinks({
    clock,
    recipients: [{ clientId: "dc-demo0001", clientSecret, redirectUris: [redirectUri], providers: [1000, 1001] }],
    partner: { clientId: "partner-demo", clientSecret },
    ...options.simulator,
  });
  const adapter = { clientSecret, redirectUri, baseUrl: simulator.origin, ...options.adapter };
  const connector = createConnector({
    providers: {
      flinks: flinks({ clientId: "dc-demo0001", ...adapter }),
      partner: flinks({ clientId: "partner-demo", ...adapter }),
    },
    store: memoryStore({ clock }),
    concurrency: "one-process",
    keys: keyring([{ id: "test", key: new Uint8Array(32).fill(7) }]),
    clock,
    oneOwnerPerAccount: options.oneOwnerPerAccount ?? [],
    [allowInsecureLoopback]: true,
  });
  const { flinks: handle, partner } = connector.providers;

  type Wish = Partial<FlinksParameters> & { owner?: string; connection?: string; scope?: string[]; user?: string };
  async function connect({ scope = ["ACCOUNT_BASIC", "TRANSACTIONS"], user = "user-1", ...own }: Wish = {}) {
    const flow = await handle.connect({ owner: "user_42", session, providerId: 1000, scope, ...own });
    return connector.complete(await simulator.consent(flow.url, { user }), { session });
  }

  const tokenRequests = (grantType: string) => simulator.journal.filter({ path: "/api/v1/token", grantType });
  const close = async () => {
    await connector.close();
    await simulator.close();
  };
  return { clock, simulator, connector, flinks: handle, partner, connect, tokenRequests, [Symbol.asyncDispose]: close };
}

/** The fault that work ends in. */
export async function faultOf(work: Promise<unknown>): Promise<ConnectorError> {
  const error = await work.then(
    (value) => new Error(`it ended well: ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  if (!isConnectorError(error)) throw error;
  return error;
}

export const minute = 60_000;
export const day = 86_400_000;
