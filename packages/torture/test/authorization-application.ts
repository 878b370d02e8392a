import {
  allowInsecureLoopback,
  clientSecretBasic,
  createConnector,
  defineProvider,
  keyring,
  type Store,
} from "@linkwright/core";

/** The browser's, on whatever machine. */
export const session = "an-unguessable-session-value";

const bank = (origin: string) =>
  defineProvider({
    id: "bank",
    server: { issuer: origin, authorization_endpoint: `${origin}/authorize`, token_endpoint: `${origin}/token` },
    client: { id: "client", authentication: clientSecretBasic("secret") },
    grants: {
      authorizationCode: { redirectUri: "https://app.example/callback", pkce: "S256", scope: ["read"] },
      refreshToken: { rotation: "rotating" },
    },
    // This bank's scope names the account.
    connect: { granted: ({ scope }) => ({ account: String(scope) }) },
    api: { base: origin },
  });

/** The same application on every machine: one store, one bank. At `strict` an account belongs to one owner. */
export const application = (store: Store & { readonly reach: "host" | "cluster" }, origin: string) =>
  createConnector({
    providers: { bank: bank(origin), strict: bank(origin) },
    oneOwnerPerAccount: ["strict"],
    store,
    keys: keyring([{ id: "test", key: new Uint8Array(32).fill(7) }]),
    [allowInsecureLoopback]: true,
  });
