// #region standard
import { clientSecretBasic, days, defineProvider, type SecretSource } from "@linkwright/core";

export interface HarbourOptions {
  readonly clientId: string;
  readonly clientSecret: SecretSource;
  readonly redirectUri: string;
  /** For tests; the provider's own where left out. */
  readonly baseUrl?: string;
}

/** Harbour, a bank by the book: there is nothing to it but data. */
export function harbour({ clientId, clientSecret, redirectUri, baseUrl = "https://harbour.example" }: HarbourOptions) {
  return defineProvider({
    id: "harbour",
    server: {
      issuer: baseUrl,
      authorization_endpoint: `${baseUrl}/authorize`,
      token_endpoint: `${baseUrl}/token`,
      revocation_endpoint: `${baseUrl}/revoke`,
    },
    client: { id: clientId, authentication: clientSecretBasic(clientSecret) },
    grants: {
      authorizationCode: { redirectUri, pkce: "S256", scope: ["read"] },
      refreshToken: { rotation: "rotating", idleTimeout: days(30) },
    },
    api: { base: baseUrl },
  });
}
// #endregion
