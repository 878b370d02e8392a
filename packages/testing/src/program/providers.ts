import { simulateAuthorizationServer } from "../authorization-server.ts";
import type { VirtualClock } from "../clock.ts";
import type { ConsentDecision } from "../consent.ts";
import { simulateFiskil } from "../fiskil/fiskil.ts";
import { simulateFiskl } from "../fiskl/fiskl.ts";
import { simulateFlinks } from "../flinks/flinks.ts";
import type { Simulator, SimulatorOptions } from "../simulator.ts";

/** What the program can do to a simulator, besides its faults, journal and clock. */
export interface Steered extends Simulator {
  readonly switches: object;
  consent(url: string, decision?: ConsentDecision): Promise<string>;
  revokeGrants?(subject?: string): void;
  revokeAccessTokens(): void;
}

/** A simulator, and what somebody has to know who uses it from elsewhere. */
export interface Opened {
  readonly simulator: Steered;
  readonly addresses: Readonly<Record<string, string>>;
  readonly credentials: readonly Readonly<Record<string, string>>[];
}

export interface OpenOptions extends Required<Pick<SimulatorOptions, "port">>, Pick<SimulatorOptions, "aside"> {
  readonly clock: VirtualClock;
  readonly otherPort: number;
  /** Empty: the default ones. */
  readonly redirectUris: readonly string[];
  readonly webhookUrl?: string;
}

interface ProviderEntry {
  readonly summary: string;
  open(options: OpenOptions): Promise<Opened>;
}

export const providers = {
  fiskil: {
    summary: "Fiskil: Australian banking and energy data by consent",
    async open({ otherPort: _one, redirectUris: _any, ...options }) {
      const simulator = await simulateFiskil(options);
      const { endpoints, teamId, webhookSecret, clients } = simulator;
      return {
        simulator,
        addresses: endpoints,
        credentials: [...secretsOf(clients), { team_id: teamId, webhook_secret: webhookSecret }],
      };
    },
  },
  fiskl: {
    summary: "Fiskl: accounting, by connected apps and API keys",
    async open({ otherPort, redirectUris, ...options }) {
      const clients = [
        { clientId: "app_01", clientSecret: "s3cr3t", redirectUris },
        { clientId: "app_02", redirectUris },
      ];
      const simulator = await simulateFiskl({
        ...options,
        webAppPort: otherPort,
        ...(redirectUris.length > 0 && { clients }),
      });
      const keys = [...simulator.apiKeys.values()].map(({ key }) => ({ api_key: key }));
      const webhooks = simulator.webhookSecrets.map((secret) => ({ webhook_secret: secret }));
      return {
        simulator,
        addresses: { ...simulator.endpoints, web_app: simulator.webAppOrigin },
        credentials: [...secretsOf(simulator.clients), ...keys, ...webhooks],
      };
    },
  },
  flinks: {
    summary: "Flinks: Open Banking in Canada and the US",
    async open({ otherPort: _one, webhookUrl: _none, redirectUris, ...options }) {
      const recipient = { clientId: "dc-demo0001", clientSecret: "s3cr3t", providers: [1000, 1001], redirectUris };
      const simulator = await simulateFlinks({
        ...options,
        ...(redirectUris.length > 0 && { recipients: [recipient] }),
      });
      return { simulator, addresses: simulator.endpoints, credentials: secretsOf(simulator.clients) };
    },
  },
  oauth: {
    summary: "a standard authorization server, with one resource behind it",
    async open({ otherPort: _one, webhookUrl: _none, redirectUris, ...options }) {
      const clients = [
        { clientId: "client", clientSecret: "secret", redirectUris },
        { clientId: "public", redirectUris },
      ];
      const simulator = await simulateAuthorizationServer({ ...options, ...(redirectUris.length > 0 && { clients }) });
      return {
        simulator,
        addresses: { ...simulator.endpoints, resource: simulator.resource },
        credentials: secretsOf(simulator.clients),
      };
    },
  },
} as const satisfies Readonly<Record<string, ProviderEntry>>;

export type ProviderName = keyof typeof providers;

function secretsOf(
  clients: ReadonlyMap<string, { readonly clientSecret?: string; readonly redirectUris: readonly string[] }>,
): Record<string, string>[] {
  return [...clients].map(([id, { clientSecret, redirectUris }]) => ({
    client_id: id,
    ...(clientSecret !== undefined && { client_secret: clientSecret }),
    ...(redirectUris.length > 0 && { redirect_uris: redirectUris.join(" ") }),
  }));
}
