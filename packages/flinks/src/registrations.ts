import type { ProviderContext } from "@linkwright/core";
import { segment } from "./path.ts";
import { read } from "./reading.ts";

/** How a recipient's registration with a bank stands. People approve it: it takes days, not requests. */
export interface ProviderRegistration {
  readonly clientId: string;
  readonly clientName?: string;
  readonly providerId: number;
  readonly providerName?: string;
  readonly country?: string;
  readonly registrationStatus: "PENDING_APPROVAL" | "PENDING_ACTIVATION" | "ACTIVE" | (string & {});
  /** When it was asked for, as Flinks words it. */
  readonly requestedOn?: string;
}

/** Registrations of recipients with banks: a valid recipient is of no use at a bank without one. */
export interface Registrations {
  /** Asks Flinks to register every one of the recipients with every one of the banks. */
  request(clientIds: readonly string[], providerIds: readonly number[]): Promise<void>;
  list(): Promise<readonly ProviderRegistration[]>;
  listFor(clientId: string): Promise<readonly ProviderRegistration[]>;
}

/** @param scope - Of the application's token: `client:admin`. */
export function registrations(context: ProviderContext, scope: readonly string[]): Registrations {
  const path = "/api/v1/recipients";
  return {
    async request(clientIds, providerIds) {
      const pair = `${segment("clientIds", clientIds)}/${segment("providerIds", providerIds)}`;
      await context.call(`${path}/providers/requests/${pair}`, { method: "POST", scope });
    },
    list: async () => read("registrations", await context.call(`${path}/providers/requests`, { scope })),
    listFor: async (clientId) =>
      read(
        "registrations",
        await context.call(`${path}/${segment("clientId", clientId)}/providers/requests`, { scope }),
      ),
  };
}
