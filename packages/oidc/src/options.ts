import type {
  ApiDefinition,
  ClientAuthentication,
  ClientDefinition,
  RefreshTokenDefinition,
  ServerContext,
} from "@linkwright/core";
import type { ClientKey } from "./client-key.ts";
import type { DpopAlgorithm } from "./dpop.ts";

type Metadata = ServerContext["metadata"];

/** A client at a server with a metadata document. */
export interface OidcOptions {
  /** The server's identifier, byte for byte as its metadata document names it: an https URL. */
  readonly issuer: string;
  /**
   * Where the document is: `"oidc"` (default) at `/.well-known/openid-configuration`, `"oauth2"` at
   * `/.well-known/oauth-authorization-server` (RFC 8414).
   */
  readonly discovery?: "oidc" | "oauth2";
  /** What is laid over the document, under its own names, where it is wrong or silent. */
  readonly metadata?: { readonly [Member in keyof Metadata]?: Metadata[Member] | undefined };
  /** The provider's name in records, errors and events; default `"oidc"`. It stays: it stands in every record. */
  readonly id?: string;

  /** `client_id`. */
  readonly clientId: string;
  /** How the client proves itself: `privateKeyJwt`, `tlsClientAuth`, `clientSecretBasic`, `clientSecretPost` or `publicClient`. */
  readonly authentication: ClientAuthentication;
  /** What else the client is registered with (RFC 7591), such as `id_token_signed_response_alg`. */
  readonly clientMetadata?: ClientDefinition["metadata"];
  /** The transport of this client, where it is not the connector's: one that presents a client certificate, for example. */
  readonly fetch?: NonNullable<ClientDefinition["fetch"]>;
  /**
   * The client's requests present its certificate: addresses of `mtls_endpoint_aliases` are used (RFC 8705, section 5), and the
   * tokens may be bound to it. Default `true` with `tlsClientAuth`.
   */
  readonly mtls?: boolean;

  /** Absolute and registered. Without it there is no `connect`: devices, exchanges and the application's own tokens are left. */
  readonly redirectUri?: string;
  /** Scope asked for where `connect` names none. `openid` brings an ID token, which is verified; `offline_access` a refresh token. */
  readonly scope?: readonly string[];
  /** Resources that the grant is for (RFC 8707). Tokens are for the first one where a call names no other. */
  readonly resource?: string | readonly string[];
  /** Whether the server knows resources, so that `accessToken({ resource })` may ask for any; `true` where `resource` is given. */
  readonly resourceIndicators?: boolean;
  /** Parameters that every authorization request carries, such as `audience`. Those of the protocol cannot be replaced. */
  readonly authorizationParameters?: Readonly<Record<string, string>>;
  /** The application's own tokens (RFC 6749, section 4.4), by `app()`. */
  readonly clientCredentials?: { readonly scope?: readonly string[] };
  /** How refresh tokens live; default `{ rotation: "observed" }`: unknown, and treated as if every one served once. `false`: none. */
  readonly refreshToken?: RefreshTokenDefinition | false;
  /** The API: its base, or its definition. Without it there is no `connection.fetch`. */
  readonly api?: string | ApiDefinition;

  /**
   * All that a profile asks of a client, at once. `"fapi2"`: the FAPI 2.0 Security Profile: pushed requests, a client that signs
   * or has a certificate, tokens bound to a key (or to the certificate, with `mtls`), `iss` in callbacks, its algorithms.
   * `"fapi2-message-signing"`: besides, signed requests and signed callbacks.
   */
  readonly profile?: "fapi2" | "fapi2-message-signing";
  /** Push authorization requests (PAR, RFC 9126). Default: where the server's metadata requires it. */
  readonly par?: boolean;
  /** Sign authorization requests (JAR, RFC 9101): with this key, or `true` for the one of `privateKeyJwt`. */
  readonly jar?: boolean | ClientKey;
  /** Take signed authorization responses, and no others (JARM). */
  readonly jarm?: boolean;
  /** Bind tokens to a key of the connection's own (DPoP, RFC 9449); `true` for ES256. */
  readonly dpop?: boolean | DpopAlgorithm;
}
