import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { AuthorizationServer, Client } from "oauth4webapi";
import type { ClientAuthentication } from "./client-authentication.ts";
import type { FaultKind, ReauthorizeReason } from "./faults.ts";
import type {
  ConnectionContext,
  ConnectionView,
  DisconnectContext,
  ExtrasContext,
  ProviderContext,
  ServerContext,
} from "./provider-context.ts";
import type { ProofDefinition } from "./provider-proof.ts";
import type { WebhookDefinition } from "./provider-webhook.ts";
import type { SecretSource } from "./secret.ts";
import type { Fetch } from "./wire.ts";

/**
 * The contract that a plugin author fills in. A standard provider is data alone; an odd one adds pure functions that say
 * how it departs from the RFCs. Nothing here performs: the engine does, in one place.
 *
 * All durations of this contract are **seconds**, as on the wire; all instants are epoch milliseconds.
 */
export interface ProviderDefinition<
  Schema extends StandardSchemaV1 = StandardSchemaV1,
  Extras extends object = object,
  Event = unknown,
  Grants extends GrantsDefinition = GrantsDefinition,
> {
  /** The provider's name, for records and errors: lower case, stable for ever. */
  readonly id: string;
  readonly server: ServerDefinition;
  readonly client: ClientDefinition;
  readonly grants: Grants;
  readonly accessToken?: AccessTokenDefinition;
  readonly api?: ApiDefinition;
  readonly dialect?: Dialect;
  /** Binds tokens to a key of the connection's own, so that nobody else can use them. */
  readonly proof?: ProofDefinition;
  readonly connect?: ConnectDefinition<Schema>;
  /**
   * Lets go of a grant in the provider's own way; `context.revoke` adds RFC 7009 to it. Without this, RFC 7009 is used where the
   * server has a revocation endpoint.
   */
  readonly disconnect?: (context: DisconnectContext) => Promise<readonly Revocation[]>;
  readonly webhook?: WebhookDefinition<Event>;
  /** What is particular to this provider, as methods of the handle. */
  readonly extras?: (context: ExtrasContext) => Extras;
}

/** A definition with its types kept, as {@link defineProvider} returns it. */
export interface Provider<
  Schema extends StandardSchemaV1 = StandardSchemaV1,
  Extras extends object = object,
  Event = unknown,
  Grants extends GrantsDefinition = GrantsDefinition,
> extends ProviderDefinition<Schema, Extras, Event, Grants> {}

/** Any provider, whatever its types. */
// biome-ignore lint/suspicious/noExplicitAny: the one place where a provider's types are forgotten, so that they can be kept apart elsewhere
export type AnyProvider = Provider<any, any, any, any>;

/** Parameters of `connect` where a provider asks for none of its own. */
export type NoParameters = StandardSchemaV1<object, object>;

/**
 * Checks a definition and keeps its types.
 *
 * @example
 * ```ts
 * const bank = (options: BankOptions) =>
 *   defineProvider({
 *     id: "bank",
 *     server: { issuer: "https://bank.test", authorization_endpoint: "https://bank.test/authorize", token_endpoint: "https://bank.test/token" },
 *     client: { id: options.clientId, authentication: clientSecretBasic(options.clientSecret) },
 *     grants: { authorizationCode: { redirectUri: options.redirectUri, pkce: "S256" }, refreshToken: { rotation: "rotating" } },
 *     api: { base: "https://api.bank.test" },
 *   });
 * ```
 */
export function defineProvider<
  Schema extends StandardSchemaV1 = NoParameters,
  Extras extends object = object,
  Event = never,
  const Grants extends GrantsDefinition = GrantsDefinition,
>(definition: ProviderDefinition<Schema, Extras, Event, Grants>): Provider<Schema, Extras, Event, Grants> {
  return definition;
}

/**
 * Where the authorization server answers, under the names of its metadata document (RFC 8414, section 2). With `discovery`
 * the document is read once, when first needed; what is given here stands above it.
 */
export interface ServerDefinition extends AuthorizationServer {
  /** The server's identifier: an https URL. Compared byte for byte with `iss` in callbacks (RFC 9207). */
  readonly issuer: string;
  readonly authorization_endpoint?: string;
  readonly token_endpoint?: string;
  readonly revocation_endpoint?: string;
  /** `true` where every callback carries `iss`; then one without it is refused. */
  readonly authorization_response_iss_parameter_supported?: boolean;
  /**
   * Read the issuer's metadata document for what is not given: `"oauth2"`, or `true`, at `/.well-known/oauth-authorization-server`
   * (RFC 8414, section 3); `"oidc"` at `/.well-known/openid-configuration` (OpenID Connect Discovery 1.0, section 4).
   */
  readonly discovery?: boolean | "oauth2" | "oidc";
}

/** The client as it is registered at the provider. */
export interface ClientDefinition {
  /** `client_id` (RFC 6749, section 2.2). */
  readonly id: string;
  readonly authentication: ClientAuthentication;
  /** What else the client is registered with and the protocol's validation has to know (RFC 7591, section 2). */
  readonly metadata?: Partial<Client>;
  /** The transport, where it is not the connector's: one with this client's certificate, for example (RFC 8705). */
  readonly fetch?: Fetch;
}

/** The grants that the provider knows. A user's connection needs `authorizationCode` or `hostedConsent`. */
export interface GrantsDefinition {
  /** RFC 6749, section 4.4. The application's own token. */
  readonly clientCredentials?: {
    /** Scope asked for where the caller names none. */
    readonly scope?: readonly string[];
  };
  /** A credential that was issued once and is never renewed, such as an API key. */
  readonly staticToken?: { readonly token: SecretSource };
  /** RFC 6749, section 4.1, with PKCE (RFC 7636). */
  readonly authorizationCode?: {
    /** Absolute and registered; sent byte-identical in both legs. */
    readonly redirectUri: string;
    /** `"unsupported"` only where the provider documents no PKCE. */
    readonly pkce: "S256" | "unsupported";
    /** Scope asked for where the caller names none. */
    readonly scope?: readonly string[];
  };
  /**
   * The user consents on pages of the provider's that a call by the application opened; no code and no token comes back.
   * Such a connection leans on the application's token. Needs `connect.begin` and `connect.confirm`.
   */
  readonly hostedConsent?: {
    readonly redirectUri: string;
    /** Where a refusal returns to; the redirect URI where the provider has only one. */
    readonly cancelUri?: string;
  };
  /** RFC 6749, section 6. */
  readonly refreshToken?: RefreshTokenDefinition;
}

/** How the provider's refresh tokens live. */
export interface RefreshTokenDefinition {
  /** Whether a refresh token changes when it is used. `"observed"`: unknown; treated as rotating, keeping what comes. */
  readonly rotation: "fixed" | "rotating" | "observed";
  /** Seconds without use after which the server forgets it. The connection is kept alive before. */
  readonly idleTimeout?: number;
  /** Seconds from the user's authorization after which it ends whatever is done. */
  readonly lifetime?: number;
  /** Seconds for which the server accepts a rotated token once more. */
  readonly reuseGrace?: number;
  /** `"reauthorize"` only for servers that punish a second presentation worse than a new authorization would cost. */
  readonly lostResponse?: "retry" | "reauthorize";
}

/** How the provider's access tokens are, where its answers do not say. */
export interface AccessTokenDefinition {
  /** Seconds, where the answer names none or an unusable one. Without it such a token is used until it is refused. */
  readonly lifetime?: number;
  /** Whether the server knows `resource`, and gives tokens that are for it alone (RFC 8707). */
  readonly resourceIndicators?: boolean;
  /** `token_type` where the answer names none (RFC 6749, section 5.1 requires it; some leave it out). */
  readonly type?: "Bearer";
}

/** The provider's API: where the token may go, what every call needs, how errors are read. */
export interface ApiDefinition {
  /** The base that relative paths are resolved against. */
  readonly base: string;
  /** The origins that may see the token; the base's own where left out. */
  readonly origins?: readonly string[];
  /**
   * Adds to a request what every call needs. Pure. Throws a `permission` {@link ConnectorError} for a request that would reach
   * beyond the connection, such as another end user's data.
   */
  readonly request?: (request: ApiRequest, connection?: ConnectionView) => ApiRequest;
  /** Reads an error answer; `undefined` leaves it to RFC 6750 and the HTTP status. Pure. */
  readonly fault?: (answer: Answer, call: ApiCall) => FaultReading | undefined;
}

/** What an API answer is the answer to. */
export interface ApiCall {
  readonly method: string;
  readonly url: URL;
  /** Whose token it carried. */
  readonly bearer: "connection" | "application";
}

/** A request to the API as an adapter completes or refuses it, before the token is attached. */
export interface ApiRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  /** The body where it is text. */
  readonly body?: string | undefined;
  /** Whether there is a body, readable or not: a guard that cannot read one refuses it. */
  readonly hasBody?: boolean;
}

/** What a server answered, read within bounds. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** The media type without parameters, in lower case; empty where none was named. */
  readonly mediaType: string;
  /** The body as text. */
  readonly text: string;
  /** The body where it is JSON, whatever its media type; else `undefined`. */
  readonly json: unknown;
}

/** What an error answer means. */
export interface FaultReading {
  /** `stale_token`: this access token is no longer good, the grant may be. The others are the kinds of a fault. */
  readonly kind: "stale_token" | Exclude<FaultKind, "flow" | "store" | "aborted">;
  /** With `reauthorize`; `revoked` where left out. */
  readonly reason?: ReauthorizeReason;
  /** With `reauthorize` from a token endpoint: believed only when repeated at least a minute later. */
  readonly suspected?: boolean;
  /** With `reauthorize` from an API call: believed only if each of these paths answers with the same code too. */
  readonly confirmAt?: readonly string[];
  /** The provider's own code. */
  readonly code?: string;
  /** The provider's own words; quoted in the message, bounded and cleaned. */
  readonly description?: string;
  /** Handles for the provider's support. */
  readonly support?: Readonly<Record<string, string>>;
}

/**
 * How a token endpoint departs from RFC 6749: pure functions at the wire. The engine speaks the standard on its side of them
 * and `oauth4webapi` validates what comes back.
 */
export interface Dialect {
  /** Turns the standard form-encoded request into what the server reads. */
  readonly request?: (request: TokenRequest) => TokenRequest;
  /** Turns a successful answer into the members that RFC 6749, section 5.1 names. */
  readonly response?: (answer: Answer, grantType: string) => Readonly<Record<string, unknown>>;
  /** Reads an error answer; `undefined` leaves it to RFC 6749, section 5.2 and the HTTP status. */
  readonly fault?: (answer: Answer, grantType: string) => FaultReading | undefined;
}

/** A token request as a dialect may change it. */
export interface TokenRequest {
  readonly url: string;
  readonly headers: Headers;
  /** Form parameters as the RFC has them, or the text that replaces them. */
  readonly body: URLSearchParams | string;
}

/** How a user's authorization departs from the standard code flow. */
export interface ConnectDefinition<Schema extends StandardSchemaV1> {
  /** Checks the provider's own parameters of `connect`; any Standard Schema library. */
  readonly parameters?: Schema;
  /** The scope to ask for, from what the caller asked: adds what must be there, refuses what must not. Pure. */
  readonly scope?: (asked: readonly string[]) => readonly string[];
  /** Further parameters of the authorization request. Pure. */
  readonly authorize?: (
    parameters: StandardSchemaV1.InferOutput<Schema>,
  ) => Readonly<Record<string, string | undefined>>;
  /** Turns the standard authorization request into the one that the browser is sent with: pushed, or signed, for example. */
  readonly request?: (request: AuthorizationRequest, server: ServerContext) => Promise<AuthorizationBegun>;
  /** The `state` of a callback that does not carry it plainly. It only names the flow: nothing is believed of it. Pure. */
  readonly state?: (callback: URLSearchParams) => string | undefined;
  /**
   * Verifies a callback that is not plain, and gives its plain parameters, also those of a refusal.
   *
   * @throws {ConnectorError} where it is not the server's.
   */
  readonly callback?: (callback: URLSearchParams, server: ServerContext) => Promise<URLSearchParams>;
  /** Opens a hosted session. Only with `hostedConsent`. */
  readonly begin?: (
    context: ProviderContext,
    request: BeginRequest<StandardSchemaV1.InferOutput<Schema>>,
  ) => Promise<HostedSession>;
  /** The handle by which a callback without `state` names its session. Pure. */
  readonly handle?: (callback: URLSearchParams) => string | undefined;
  /** Reads a callback that says no; `undefined` leaves it to RFC 6749, section 4.1.2.1. Pure. */
  readonly refusal?: (callback: URLSearchParams) => FaultReading | undefined;
  /**
   * Reads what the token answer tells of a new grant; not called for renewals. Pure but for what it asks of `server`, with the
   * answer's own `access_token` where it has to. `parameters` and `kept` are those of the flow, where one brought the answer. A
   * grant that it throws for is revoked.
   */
  readonly granted?: (
    answer: Readonly<Record<string, unknown>>,
    parameters: StandardSchemaV1.InferOutput<Schema>,
    server: ServerContext,
    kept: Readonly<Record<string, string>> | undefined,
  ) => GrantReading | Promise<GrantReading>;
  /** Names by which a webhook finds a connection that is pending still, from what `begin` gave. Pure. */
  readonly pendingRefs?: (data: Readonly<Record<string, string>>) => readonly string[];
  /**
   * Asks the provider how a consent stands: after the callback, while pending, and when a webhook hints at a change. The
   * callback itself proves nothing.
   */
  readonly confirm?: (context: ConnectionContext, hint?: Readonly<Record<string, string>>) => Promise<ConsentReading>;
}

/** A standard authorization request (RFC 6749, section 4.1.1). */
export interface AuthorizationRequest {
  readonly parameters: URLSearchParams;
  /** The key that the tokens will be bound to. */
  readonly proofKey?: string | undefined;
}

/** An authorization whose address the adapter made itself. */
export interface AuthorizationBegun {
  /** Where the browser goes. */
  readonly url: string;
  /** What `granted` will need of the flow; sealed. */
  readonly kept?: Readonly<Record<string, string>>;
}

/** What an adapter begins an authorization with. */
export interface BeginRequest<Parameters> {
  readonly parameters: Parameters;
  /** The unguessable value that names the flow. */
  readonly state: string;
  readonly owner: string;
  readonly redirectUri: string;
  readonly cancelUri: string;
  /** The connection that is being connected again. */
  readonly connection?: ConnectionView;
}

/** A session on the provider's own pages. */
export interface HostedSession {
  /** Where the browser goes. */
  readonly url: string;
  /** The provider's id of the session. */
  readonly handle?: string;
  /** When the provider ends it. */
  readonly expiresAt?: number;
  /** The scope that was asked for, in the words that `confirm` reads the granted one in; `connect`'s where left out. */
  readonly scope?: readonly string[];
  /** What `confirm` will need; plain and not secret. Laid over what the connection keeps, when it is connected again. */
  readonly data?: Readonly<Record<string, string>>;
}

/** What became known of a grant. */
export interface GrantReading {
  /** Who the user is at the provider. */
  readonly account?: string;
  /** What the adapter needs to know again; plain and not secret. Laid over what is kept: a member left out stays. */
  readonly data?: Readonly<Record<string, string>>;
  /** Names by which a webhook finds the connection; kept as digests, in place of those before. */
  readonly refs?: readonly string[];
  /** The scope where it comes elsewhere than in `scope`. */
  readonly scope?: readonly string[];
  /** When the consent ends. */
  readonly consentExpiresAt?: number;
}

/** How a consent stands: given, not listed yet, or over. */
export type ConsentReading =
  | ({ readonly consent: "active" } & GrantReading)
  | { readonly consent: "pending" }
  | { readonly consent: "ended" };

/** One thing that disconnecting let go of, or did not. */
export interface Revocation {
  /** What: `refresh_token`, `access_token`, `consent`, or the provider's own word. */
  readonly what: string;
  /** `failed` can be tried again; `unsupported` cannot be done with this provider. */
  readonly result: "revoked" | "already_gone" | "failed" | "unsupported";
}

/** Days in seconds. */
export const days = (count: number): number => count * 86_400;
