import {
  allowInsecureLoopback,
  type ConnectorError,
  createConnector,
  isConnectorError,
  keyring,
  memoryStore,
} from "@linkwright/core";
import { type FisklOptions as SimulatorOptions, simulateFiskl, virtualClock } from "@linkwright/testing";
import { type FisklConfidentialOptions, type FisklKeyOptions, type FisklPublicOptions, fiskl } from "../src/index.ts";

export const session = "session-of-this-browser-0001";
export const redirectUri = "https://app.example/callback";

/** Secrets that must never be seen; the simulator knows the client by the first, which also needs form-encoding. */
export const clientSecret = "canary-client-secret-é+/%:";
export const apiKey = "fsk_test_000000000001";
export const webhookSecret = "whsec_ISIjJCUmJygpKissLS4vMDEyMzQ1Njc4";

/** A connector and Fiskl on loopback, by one clock that stands still: the three kinds of client side by side. */
export async function bench(
  options: {
    confidential?: Partial<FisklConfidentialOptions>;
    public?: Partial<FisklPublicOptions>;
    key?: Partial<FisklKeyOptions>;
    /** Discover the endpoints in place of telling them. */
    discovery?: boolean;
    /** Tell the revocation endpoint too. */
    revocation?: boolean;
    simulator?: SimulatorOptions;
  } = {},
) {
  const clock = virtualClock();
  const redirectUris = [redirectUri, "http://localhost:3000/callback"];
  const simulator = await simulateFiskl({
    clock,
    clients: [
      { clientId: "app:01", clientSecret, redirectUris },
      { clientId: "app_02", redirectUris },
    ],
    ...options.simulator,
  });
  const {
    authorization_endpoint: authorization,
    token_endpoint: token,
    revocation_endpoint,
    issuer,
  } = simulator.endpoints;
  const endpoints = { authorization, token, ...(options.revocation && { revocation: revocation_endpoint }) };
  const common = { baseUrl: simulator.origin, webhook: { secrets: webhookSecret } };
  const app = { ...common, issuer, redirectUri, ...(options.discovery ? { discovery: true } : { endpoints }) };
  const connector = createConnector({
    providers: {
      books: fiskl({ client: "confidential", clientId: "app:01", clientSecret, ...app, ...options.confidential }),
      open: fiskl({ client: "public", clientId: "app_02", ...app, ...options.public }),
      own: fiskl({ client: "key", apiKey, ...common, ...options.key }),
    },
    store: memoryStore({ clock }),
    concurrency: "one-process",
    keys: keyring([{ id: "test", key: new Uint8Array(32).fill(7) }]),
    clock,
    [allowInsecureLoopback]: true,
  });
  const { books, open, own } = connector.providers;

  async function connect(
    handle: typeof books | typeof open = books,
    { scope = ["invoicing:read", "contacts:read"], ticked = scope }: { scope?: string[]; ticked?: string[] } = {},
  ) {
    const flow = await handle.connect({ owner: "user_42", session, scope });
    return connector.complete(await simulator.consent(flow.url, { scopes: ticked }), { session });
  }

  const tokenRequests = (grantType?: string) =>
    simulator.journal.filter({ path: "/oauth/token", ...(grantType !== undefined && { grantType }) });
  const close = async () => {
    await connector.close();
    await simulator.close();
  };
  return { clock, simulator, connector, books, open, own, connect, tokenRequests, [Symbol.asyncDispose]: close };
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

export const hour = 3_600_000;
