import {
  allowInsecureLoopback,
  type Clock,
  createConnector,
  type KeyringEntry,
  keyring,
  type Store,
} from "@linkwright/core";
import { fiskil } from "@linkwright/fiskil";
import { flinks } from "@linkwright/flinks";

/** What differs from one installation to the next. */
export interface Settings {
  readonly store: Store & { readonly reach: "host" | "cluster" };
  readonly keys: readonly KeyringEntry[];
  /** Asks the vault for a secret. */
  readonly vault: (name: string) => Promise<string>;
  /** In tests: where the simulators answer, and their clock. */
  readonly simulated?: {
    readonly clock: Clock;
    readonly fiskil: { readonly baseUrl: string; readonly authOrigin: string };
    readonly flinks: { readonly baseUrl: string };
  };
}

// #region connector
export function openConnector({ store, keys, vault, simulated }: Settings) {
  return createConnector({
    // A name stands in every record of its connections: choose it for good.
    providers: {
      fiskil: fiskil({
        clientId: "key_01example",
        clientSecret: () => vault("fiskil/client-secret"), // asked at each need
        webhookSecret: () => vault("fiskil/webhook-secret"),
        redirectUri: "https://app.example/callback/fiskil",
        ...simulated?.fiskil,
      }),
      flinks: flinks({
        clientId: "dc-demo0001",
        clientSecret: () => vault("flinks/client-secret"),
        redirectUri: "https://app.example/callback/flinks",
        ...simulated?.flinks,
      }),
    },
    store,
    keys: keyring(keys),
    ...(simulated && { clock: simulated.clock, [allowInsecureLoopback]: true }),
  });
}

export type AppConnector = ReturnType<typeof openConnector>;
// #endregion
