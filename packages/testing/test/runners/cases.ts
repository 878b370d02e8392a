import { clientSecretBasic, defineProvider, memoryStore, type Store } from "@linkwright/core";
import { simulate } from "@linkwright/testing";
import { providerContract } from "@linkwright/testing/provider";
import { storeContract } from "@linkwright/testing/store";

/** The cases of both suites, for a store and an adapter that are good or, as the environment asks, faulty in one way each. */
const faulty = process.env.CONTRACT === "faulty";

const cutsValues = (store: Store): Store => ({
  ...store,
  write: (key, value, options) => store.write(key, value.slice(0, 65_535), options),
});

const provider = defineProvider({
  id: "tidewater",
  server: {
    issuer: "https://tidewater.example",
    authorization_endpoint: "https://tidewater.example/authorize",
    token_endpoint: "https://tidewater.example/token",
    revocation_endpoint: "https://tidewater.example/revoke",
  },
  client: { id: "tide", authentication: clientSecretBasic("s3cr3t") },
  grants: {
    authorizationCode: { redirectUri: "https://app.example/callback", pkce: "S256" },
    refreshToken: { rotation: faulty ? "fixed" : "rotating" },
  },
  api: { base: "https://tidewater.example" },
});

export const cases = [
  ...storeContract({ reach: "process", open: () => (faulty ? cutsValues(memoryStore()) : memoryStore()) }),
  ...providerContract({
    provider,
    server: (clock) => simulate(provider, { clock, refresh: "rotating" }),
    read: "/accounts",
  }),
];

/** What fails where the two are faulty. */
export const broken = [
  "G25 a token of 204800 characters passes through",
  "C24 C26 the refresh token changes with use as declared",
  "G19 an answer that is lost costs no more than is declared",
];
