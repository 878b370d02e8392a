import { clientSecretPost, createConnector, defineProvider, keyring } from "@linkwright/core";
import { sqliteStore } from "@linkwright/store-sqlite";

const oldKey = { id: "old", key: new Uint8Array(32).fill(1) };
const newKey = { id: "new", key: new Uint8Array(32).fill(2) };
const rings = { old: [oldKey], both: [newKey, oldKey], new: [newKey] };

const bank = defineProvider({
  id: "bank",
  server: {
    issuer: "https://bank.test",
    authorization_endpoint: "https://bank.test/a",
    token_endpoint: "https://bank.test/t",
  },
  client: { id: "client", authentication: clientSecretPost("secret") },
  grants: {
    authorizationCode: { redirectUri: "https://app.test/callback", pkce: "S256" },
    refreshToken: { rotation: "fixed" },
  },
});

/** An application on the file, with one of the key rings that a rotation goes through. */
export const connector = (path: string, ring: keyof typeof rings) =>
  createConnector({ providers: { bank }, store: sqliteStore(path), keys: keyring(rings[ring]) });
