import {
  clientSecretBasic,
  clientSecretPost,
  defineProvider,
  type NoParameters,
  type Provider,
  publicClient,
  type RefreshTokenDefinition,
  type SecretSource,
  type ServerDefinition,
} from "@linkwright/core";
import { apiKey, apiOrigin, bad, clientId, clientSecret, oneOf, redirectUri, url } from "./checks.ts";
import type { FisklEvent } from "./events.ts";
import { apiFault } from "./faults.ts";
import type { FisklConfidentialOptions, FisklKeyOptions, FisklPublicOptions } from "./options.ts";
import { checkedScope } from "./scope.ts";
import { webhook } from "./webhook.ts";

/** Fiskl by API key: your own account. */
export type FisklKeyProvider = Provider<
  NoParameters,
  object,
  FisklEvent,
  { readonly staticToken: { readonly token: SecretSource } }
>;

/** Fiskl by connected app: other people's accounts. */
export type FisklAppProvider = Provider<
  NoParameters,
  object,
  FisklEvent,
  {
    readonly authorizationCode: {
      readonly redirectUri: string;
      readonly pkce: "S256" | "unsupported";
      readonly scope?: readonly string[];
    };
    readonly refreshToken?: RefreshTokenDefinition;
  }
>;

/**
 * Fiskl: accounting and invoicing, by connected app (`client: "confidential"` or `"public"`) or by API key (`client: "key"`).
 *
 * @param options - See {@link FisklOptions} and docs/providers/fiskl.md, which tells what is documented and what assumed.
 * @throws {ConnectorError} `configuration`, naming the option and the remedy.
 *
 * @example
 * ```ts
 * const books = fiskl({ client: "confidential", clientId, clientSecret, redirectUri, endpoints: { authorization, token } });
 * const own = fiskl({ client: "key", apiKey });
 * ```
 */
export function fiskl(options: FisklKeyOptions): FisklKeyProvider;
/** A connected app. */
export function fiskl(options: FisklConfidentialOptions | FisklPublicOptions): FisklAppProvider;
export function fiskl(
  options: FisklConfidentialOptions | FisklPublicOptions | FisklKeyOptions,
): FisklAppProvider | FisklKeyProvider {
  oneOf("client", ["confidential", "public", "key"], options.client);
  return options.client === "key" ? keyProvider(options) : appProvider(options);
}

const defaultIssuer = "https://my.fiskl.com";

function keyProvider(options: FisklKeyOptions): FisklKeyProvider {
  return defineProvider({
    ...common(options, "configuration"),
    server: { issuer: defaultIssuer },
    // A key has no client; its registration's name tells keys apart.
    client: { id: "api-key", authentication: publicClient() },
    grants: { staticToken: { token: apiKey(options.apiKey) } },
  });
}

function appProvider(options: FisklConfidentialOptions | FisklPublicOptions): FisklAppProvider {
  const confidential = options.client === "confidential";
  const refresh = oneOf("refresh", ["observed", "fixed", "rotating", "none"], options.refresh ?? "observed");
  const pkce = oneOf(
    "pkce",
    confidential ? [true, false] : [true],
    ("pkce" in options ? options.pkce : undefined) ?? true,
  );
  return defineProvider({
    ...common(options, "stale_token"),
    server: server(options),
    client: { id: clientId(options.clientId), authentication: confidential ? withSecret(options) : publicClient() },
    grants: {
      authorizationCode: {
        redirectUri: redirectUri(options.redirectUri),
        pkce: pkce ? "S256" : "unsupported",
        ...(options.scope && { scope: checkedScope(options.scope) }),
      },
      ...(refresh !== "none" && { refreshToken: { rotation: refresh } }),
    },
    connect: { scope: checkedScope },
    // No lifetime is documented: a token whose answer names none is used until it is refused.
    accessToken: { type: "Bearer" },
  });
}

function common(
  options: { baseUrl?: string; webhook?: FisklKeyOptions["webhook"] },
  refused: "stale_token" | "configuration",
) {
  return {
    id: "fiskl",
    api: { base: apiOrigin(options.baseUrl ?? "https://api.fiskl.com"), fault: apiFault(refused) },
    webhook: webhook(options.webhook),
  };
}

function withSecret(options: FisklConfidentialOptions) {
  const secret = clientSecret(options.clientSecret);
  const method = oneOf("authentication", ["basic", "post"], options.authentication ?? "basic");
  return method === "basic" ? clientSecretBasic(secret) : clientSecretPost(secret);
}

function server({
  endpoints,
  discovery = false,
  issuer = defaultIssuer,
}: FisklConfidentialOptions | FisklPublicOptions): ServerDefinition {
  if (!endpoints && !discovery)
    bad(
      "endpoints",
      "is missing, and Fiskl publishes none to fall back on; give endpoints: { authorization, token } as Fiskl told you, or discovery: true to look for them at the issuer",
    );
  return {
    issuer: url("issuer", issuer),
    ...(endpoints && {
      authorization_endpoint: url("endpoints.authorization", endpoints.authorization),
      token_endpoint: url("endpoints.token", endpoints.token),
      ...(endpoints.revocation !== undefined && {
        revocation_endpoint: url("endpoints.revocation", endpoints.revocation),
      }),
    }),
    ...(discovery && { discovery }),
  };
}
