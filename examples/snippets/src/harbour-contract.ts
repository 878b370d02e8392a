// #region contract
import { simulate } from "@linkwright/testing";
import { providerContract } from "@linkwright/testing/provider";
import { harbour } from "./standard-provider.ts";

const day = 86_400_000;

const provider = harbour({
  clientId: "client",
  clientSecret: "canary-client-secret",
  redirectUri: "https://app.example/callback",
});

/** What Harbour documents, in the server's options: a refresh token works once, and not after 30 days without use. */
export const cases = providerContract({
  provider,
  server: (clock) =>
    simulate(provider, { clock, accessTokenLifetime: 300, refresh: { kind: "rotating", idleTimeout: 30 * day } }),
  scope: ["read", "write"],
  read: "/accounts",
});
// #endregion
