import { clientSecretBasic, clientSecretPost, defineProvider } from "@linkwright/core";
import { granted } from "./access-token.ts";
import { dataFault } from "./data.ts";
import { checked, type FlinksOptions, userScope } from "./options.ts";
import { authorizationParameters, connectParameters } from "./parameters.ts";
import { type AdminProviders, adminProviders, type Providers, providers } from "./providers.ts";
import { type Recipients, recipients } from "./recipients.ts";
import { type Registrations, registrations } from "./registrations.ts";
import { revokeConnection } from "./revocation.ts";
import { tokenDialect } from "./token.ts";

/** What is particular to Flinks, as methods of the handle. */
export interface FlinksExtras {
  /** Banks, by the recipient's token. */
  readonly providers: Providers;
  /** App management of a Partner, by a token with `client:admin`. */
  readonly admin: {
    readonly providers: AdminProviders;
    readonly recipients: Recipients;
    readonly registrations: Registrations;
  };
}

/**
 * Flinks Open Banking: users' bank connections in Canada and the US, FDX data behind them, and app management for Partners.
 *
 * @param options - See {@link FlinksOptions} and docs/providers/flinks.md.
 * @throws {ConnectorError} `configuration`, naming the option and the remedy.
 *
 * @example
 * ```ts
 * const connector = createConnector({ providers: { flinks: flinks({ clientId, clientSecret, redirectUri }) }, store, keys });
 * const flow = await connector.providers.flinks.connect({ owner: "user_42", session, providerId: 1000, scope: ["ACCOUNT_BASIC", "TRANSACTIONS"] });
 * ```
 */
export function flinks(options: FlinksOptions) {
  const settings = checked(options);
  const { baseUrl, clientId, clientSecret, redirectUri, scope } = settings;
  const admin = ["client:admin"];
  const connect = {
    parameters: connectParameters,
    scope: userScope,
    authorize: authorizationParameters(settings),
    granted: granted(clientId),
  };
  return defineProvider({
    id: "flinks",
    server: {
      // No issuer is documented; callbacks carry no `iss` to compare it with.
      issuer: baseUrl,
      authorization_endpoint: `${baseUrl}/api/v1/authorize`,
      token_endpoint: settings.tokenUrl,
    },
    client: {
      id: clientId,
      authentication:
        settings.authentication === "basic" ? clientSecretBasic(clientSecret) : clientSecretPost(clientSecret),
    },
    grants: {
      authorizationCode: { redirectUri, pkce: settings.pkce ? "S256" : "unsupported", scope },
      refreshToken: { rotation: "fixed", idleTimeout: settings.idleTimeout },
      clientCredentials: {},
    },
    accessToken: { lifetime: settings.accessTokenLifetime, type: "Bearer" },
    api: { base: baseUrl, fault: dataFault(settings.consentProbes) },
    dialect: tokenDialect(settings),
    connect,
    disconnect: revokeConnection,
    extras: (context): FlinksExtras => ({
      providers: providers(context),
      admin: {
        providers: adminProviders(context, admin),
        recipients: recipients(context, admin, settings),
        registrations: registrations(context, admin),
      },
    }),
  });
}
