import {
  type AnyProvider,
  type Connector,
  clientSecretBasic,
  createConnector,
  dangerouslyUnsealed,
  days,
  defineProvider,
  memoryStore,
} from "@linkwright/core";
import {
  type ProviderSimulator,
  type ProviderSimulatorOptions,
  simulate,
  type VirtualClock,
  virtualClock,
} from "@linkwright/testing";
import { onTestFinished } from "vitest";

export const redirectUri = "https://app.example/callback";
export const owner = "user_42";
export const session = "a-session-of-this-test";
export const hour = 3_600_000;

/** A bank by the book, on three hosts. */
export const threeHosts = (over: Partial<AnyProvider> = {}) =>
  defineProvider({
    id: "tidewater",
    server: {
      issuer: "https://id.tidewater.example",
      authorization_endpoint: "https://login.tidewater.example/connect/authorize",
      token_endpoint: "https://id.tidewater.example/connect/token",
      revocation_endpoint: "https://id.tidewater.example/connect/revocation",
    },
    client: { id: "tide", authentication: clientSecretBasic("s3cr3t/é:+") },
    grants: {
      authorizationCode: { redirectUri, pkce: "S256", scope: ["accounts", "offline_access"] },
      refreshToken: { rotation: "rotating", idleTimeout: days(60) },
      clientCredentials: { scope: ["admin"] },
    },
    accessToken: { lifetime: 1800 },
    api: { base: "https://api.tidewater.example/v2/" },
    ...over,
  });

interface House<P extends AnyProvider> {
  readonly bank: ProviderSimulator<P>;
  readonly clock: VirtualClock;
  readonly connector: Connector<{ readonly bank: P }>;
}

export async function house<P extends AnyProvider>(
  provider: P,
  options: ProviderSimulatorOptions = {},
): Promise<House<P>> {
  const clock = virtualClock();
  const bank = await simulate(provider, { clock, ...options });
  onTestFinished(() => bank.close());
  const connector = createConnector({
    providers: { bank: provider },
    store: memoryStore({ clock }),
    concurrency: "one-process",
    keys: dangerouslyUnsealed,
    fetch: bank.fetch,
    clock,
  });
  onTestFinished(() => connector.close());
  return { bank, clock, connector };
}

export async function connected(provider = threeHosts(), options: ProviderSimulatorOptions = {}) {
  const it = await house(provider, options);
  const flow = await it.connector.providers.bank.connect({ owner, session });
  const connection = await it.connector.complete(await it.bank.consent(flow.url), { session });
  return { ...it, connection, url: new URL(flow.url) };
}

export const post = (url: string, body: Record<string, string>, headers: Record<string, string> = {}) =>
  fetch(url, { method: "POST", body: new URLSearchParams(body), headers });
