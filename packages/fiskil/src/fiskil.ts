import { clientSecretPost, defineProvider } from "@linkwright/core";
import { type Consents, confirmConsent, consents, disconnectConsent } from "./consents.ts";
import { dialect } from "./dialect.ts";
import { type EndUsers, endUsers } from "./end-users.ts";
import { apiFault } from "./errors.ts";
import { apiRequest } from "./guard.ts";
import { type Institutions, institutions, type Permissions, permissions } from "./institutions.ts";
import { checkOptions, type FiskilOptions } from "./options.ts";
import { connectParameters } from "./parameters.ts";
import { type Products, products } from "./products.ts";
import { refs } from "./refs.ts";
import { beginSession, sessionHandle, sessionRefusal } from "./session.ts";
import { webhook } from "./webhook.ts";

/**
 * Fiskil: Australian banking and energy data by the user's consent, and the Platform API of data holders.
 *
 * A connection is an end user and one consent arrangement. It has no token of its own: the application's (JSON credentials, 900
 * seconds, never refreshed) serves all, and every request of a connection is bound to its end user.
 *
 * @throws {ConnectorError} `configuration`, naming the option and the remedy.
 *
 * @example
 * ```ts
 * const connector = createConnector({
 *   providers: {
 *     fiskil: fiskil({
 *       clientId: "key_01example",
 *       clientSecret: () => vault.read("fiskil"),
 *       redirectUri: "https://app.example/connected",
 *       cancelUri: "https://app.example/cancelled",
 *     }),
 *   },
 *   store,
 *   keys,
 * });
 * const flow = await connector.providers.fiskil.connect({
 *   owner: "user_42",
 *   session,
 *   endUser: { email: "user@example.com" },
 *   institutionId: "88888",
 * });
 * ```
 */
export function fiskil(options: FiskilOptions) {
  const settings = checkOptions(options);
  const {
    clientId,
    redirectUri,
    cancelUri = redirectUri,
    baseUrl,
    authOrigin,
    apiVersion,
    clockSkew,
    productRoutes,
  } = settings;
  const teamId = settings.teamId ?? clientId;
  return defineProvider({
    id: "fiskil",
    server: { issuer: baseUrl, token_endpoint: `${baseUrl}/v1/token` },
    client: { id: clientId, authentication: clientSecretPost(settings.clientSecret) },
    grants: { clientCredentials: {}, hostedConsent: { redirectUri, cancelUri } },
    accessToken: { lifetime: settings.tokenLifetime, type: "Bearer" },
    dialect: dialect(apiVersion),
    api: { base: baseUrl, origins: [baseUrl], request: apiRequest(apiVersion), fault: apiFault },
    connect: {
      parameters: connectParameters,
      begin: beginSession(authOrigin),
      handle: sessionHandle,
      refusal: sessionRefusal,
      pendingRefs: ({ endUserId }) => (endUserId ? [refs.endUser(endUserId)] : []),
      confirm: confirmConsent(clockSkew),
    },
    disconnect: disconnectConsent(clockSkew),
    webhook: webhook(settings.webhookSecret, settings.webhookTolerance),
    extras: (context): FiskilExtras => ({
      endUsers: endUsers(context),
      consents: consents(context),
      institutions: institutions(context, teamId),
      permissions: permissions(context),
      products: products(context, productRoutes),
    }),
  });
}

/** What is particular to Fiskil, as members of the handle. */
export interface FiskilExtras {
  readonly endUsers: EndUsers;
  readonly consents: Consents;
  readonly institutions: Institutions;
  readonly permissions: Permissions;
  readonly products: Products;
}
