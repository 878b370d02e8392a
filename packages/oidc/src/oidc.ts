import {
  type ApiDefinition,
  type Connection,
  defineProvider,
  type Provider,
  type RefreshTokenDefinition,
  type ServerDefinition,
  type StandardSchemaV1,
} from "@linkwright/core";
import { beginAuthorization } from "./authorization.ts";
import { checkOptions } from "./checks.ts";
import { authorizeDevice, type DeviceAuthorization, type DeviceRequest } from "./device.ts";
import { dialectOf } from "./dialect.ts";
import { dpop } from "./dpop.ts";
import { readIdToken } from "./id-token.ts";
import { signedResponse, stateWithin } from "./jarm.ts";
import type { OidcOptions } from "./options.ts";
import { authorize, type ConnectParameters, connectParameters } from "./parameters.ts";
import { securityOf } from "./profile.ts";
import type { Settings } from "./settings.ts";
import { exchangeToken, type TokenExchange } from "./token-exchange.ts";

/** What the handle of such a registration offers besides. */
export interface OidcExtras {
  /** Begins an authorization that the user gives on another device (RFC 8628). */
  authorizeDevice(request: DeviceRequest): Promise<DeviceAuthorization>;
  /** A connection of a token that the server gives for another one (RFC 8693). */
  exchangeToken(request: TokenExchange): Promise<Connection>;
}

/** The grants that the options declare: `connect` is there with a redirect URI, `app` with client credentials. */
export type OidcGrants<Options extends OidcOptions> = {
  readonly refreshToken?: RefreshTokenDefinition;
} & (Options extends { readonly redirectUri: string }
  ? {
      readonly authorizationCode: {
        readonly redirectUri: string;
        readonly pkce: "S256";
        readonly scope?: readonly string[];
      };
    }
  : unknown) &
  (Options extends { readonly clientCredentials: object }
    ? { readonly clientCredentials: { readonly scope?: readonly string[] } }
    : unknown);

/** The definition that {@link oidc} makes. */
export type OidcProvider<Options extends OidcOptions = OidcOptions> = Provider<
  StandardSchemaV1<ConnectParameters, ConnectParameters>,
  OidcExtras,
  never,
  OidcGrants<Options>
>;

/**
 * Any authorization server with a metadata document: OAuth 2 by RFC 8414, OpenID Connect, FAPI 2.0. `openid-client` and
 * `oauth4webapi` speak the protocol; core keeps what it brings.
 *
 * @param options - See {@link OidcOptions} and docs/oidc.md.
 * @throws {ConnectorError} `configuration`, naming the option and the remedy.
 *
 * @example
 * ```ts
 * const bank = oidc({
 *   issuer: "https://auth.bank.test",
 *   clientId: "app",
 *   authentication: privateKeyJwt({ key: () => vault.read("bank-client-key") }),
 *   redirectUri: "https://app.example/callback/bank",
 *   scope: ["openid", "offline_access", "accounts"],
 *   profile: "fapi2",
 *   api: "https://api.bank.test",
 * });
 * ```
 */
export function oidc<const Options extends OidcOptions>(options: Options): OidcProvider<Options> {
  checkOptions(options);
  const { authentication, par, jar, jarm, algorithms, dpop: bound, mtls, issRequired } = securityOf(options);
  const { clientId, redirectUri, scope, api, id = "oidc" } = options;
  const resource = typeof options.resource === "string" ? [options.resource] : (options.resource ?? []);
  const clientMetadata = { ...options.clientMetadata, use_mtls_endpoint_aliases: mtls };
  const settings: Settings = {
    id,
    clientId,
    clientMetadata,
    authentication,
    par,
    jar,
    jarm,
    resource,
    parameters: options.authorizationParameters ?? {},
    algorithms,
    jwks: {},
  };
  const grants = {
    ...(redirectUri !== undefined && {
      authorizationCode: { redirectUri, pkce: "S256" as const, ...(scope && { scope }) },
    }),
    ...(options.clientCredentials && { clientCredentials: options.clientCredentials }),
    ...(options.refreshToken !== false && { refreshToken: options.refreshToken ?? { rotation: "observed" as const } }),
  };
  return defineProvider({
    id,
    server: {
      ...options.metadata,
      issuer: options.issuer,
      discovery: options.discovery ?? "oidc",
      ...(issRequired && { authorization_response_iss_parameter_supported: true }),
    } as ServerDefinition,
    client: { id: clientId, authentication, metadata: clientMetadata, ...(options.fetch && { fetch: options.fetch }) },
    grants: grants as OidcGrants<Options>,
    accessToken: { resourceIndicators: options.resourceIndicators ?? resource.length > 0 },
    dialect: dialectOf(settings),
    ...(bound && { proof: dpop(bound) }),
    ...(api !== undefined && { api: typeof api === "string" ? ({ base: api } satisfies ApiDefinition) : api }),
    connect: {
      parameters: connectParameters,
      authorize,
      request: (request, server) => beginAuthorization(settings, request, server),
      granted: (answer, _parameters, server, kept) => readIdToken(settings, answer, server, kept),
      ...(jarm && {
        state: stateWithin,
        callback: (callback, server) => signedResponse(settings, callback, server),
      }),
    },
    extras: (context): OidcExtras => ({
      authorizeDevice: (request) => authorizeDevice(settings, context, request.scope ?? scope ?? [], request),
      exchangeToken: (request) => exchangeToken(context, request),
    }),
  });
}
