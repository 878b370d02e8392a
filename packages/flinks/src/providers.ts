import type { ProviderContext } from "@linkwright/core";
import { segment } from "./path.ts";
import { read } from "./reading.ts";

/** A bank, in one shape for both versions of the list. */
export interface FlinksProvider {
  /** What `connect` takes as `providerId`. */
  readonly providerId: number;
  readonly name: string;
  /** `CA` or `US`. */
  readonly country?: string;
  readonly providerUrl?: string;
  /** What the bank supports: it may be less than what the application asks for. */
  readonly scopes?: readonly string[];
  /** What data the bank offers, as Flinks words it. */
  readonly dataInventory?: Readonly<Record<string, unknown>>;
  /** Whether this client may use it; from {@link Providers.listV2}. */
  readonly registrationStatus?: "Activated" | "Available" | "PendingActivation" | "Suspended" | (string & {});
}

/** Which banks to list. */
export interface ProvidersQuery {
  /** One country or several. */
  readonly country?: "CA" | "US" | readonly ("CA" | "US")[];
  /** `true`: only activated ones; `false`: only the others; left out: all. */
  readonly isEnabledForClient?: boolean;
}

/** The banks as the recipient sees them. */
export interface Providers {
  /** `GET /api/v1/providers`: those that this recipient is registered with. */
  list(): Promise<readonly FlinksProvider[]>;
  /** `GET /api/v2/providers`: also those that it is not registered with, and how that stands. */
  listV2(query?: ProvidersQuery): Promise<readonly FlinksProvider[]>;
}

/** Calls with the recipient's own token: it decides which banks `/api/v1/providers` lists. */
export function providers(context: ProviderContext): Providers {
  return {
    list: async () => read("providers", await context.call("/api/v1/providers")),
    listV2: async ({ country, isEnabledForClient } = {}) =>
      read(
        "providers",
        await context.call("/api/v2/providers", {
          query: { country: country === undefined ? country : [country].flat().join(","), isEnabledForClient },
        }),
      ),
  };
}

/** The banks as a Partner sees them: all that Flinks supports. */
export interface AdminProviders {
  /** `GET /api/v1/providers` with `client:admin`: the same path as the recipient's list, another meaning. */
  list(): Promise<readonly FlinksProvider[]>;
  /** `GET /api/v1/providers/{provider_id}`, with scopes and data inventory. */
  get(providerId: number): Promise<FlinksProvider>;
}

/** @param scope - Of the application's token: `client:admin`. */
export function adminProviders(context: ProviderContext, scope: readonly string[]): AdminProviders {
  return {
    list: async () => read("providers", await context.call("/api/v1/providers", { scope })),
    get: async (providerId) =>
      read("provider", await context.call(`/api/v1/providers/${segment("providerId", providerId)}`, { scope })),
  };
}
