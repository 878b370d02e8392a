import type { AuthorizationServer } from "oauth4webapi";
import type { Clock } from "./clock.ts";
import type { Connection } from "./connection.ts";
import type { Revocation } from "./provider.ts";
import type { Secret } from "./secret.ts";

/** What a provider's own functions are given to work with. */

/** The authorization server as hooks speak with it. */
export interface ServerContext {
  /** Its metadata, as given and as discovered. */
  readonly metadata: AuthorizationServer;
  /** Whether http is allowed to loopback. */
  readonly insecureLoopback: boolean;
  readonly clock: Clock;
  /**
   * One request over the client's transport, within bounds of time and size; no redirect is followed.
   *
   * @throws {ConnectorError} `retry` where no answer comes, or 429 or 5xx.
   */
  fetch(url: string, init?: RequestInit): Promise<Response>;
}

/** What hooks and extras may do: call the provider's API as the application. */
export interface ProviderContext {
  readonly registration: string;
  readonly clientId: string;
  readonly clock: Clock;
  /**
   * Calls the API with the application's token and reads the answer as JSON; `undefined` for an empty one.
   *
   * @throws {ConnectorError} as `api.fault` reads an error answer; `retry` where none comes within a minute.
   */
  call(path: string, request?: CallRequest): Promise<unknown>;
}

/** What extras may do besides: ask the authorization server, and make connections by other grants than the code. */
export interface ExtrasContext extends ProviderContext {
  server(): Promise<ServerContext>;
  /**
   * Tokens by an extension grant (RFC 6749, section 4.5), kept as a connection.
   *
   * @throws {ConnectorError} as `dialect.fault` and RFC 6749, section 5.2 read an error answer.
   */
  connectBy(request: ExtensionGrantRequest): Promise<Connection>;
}

/** A connection to be made of a grant type of its own (RFC 6749, section 4.5). */
export interface ExtensionGrantRequest {
  readonly grantType: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly owner: string;
  /** What was asked for, as the connection records it; the request carries what `parameters` say. */
  readonly scope?: readonly string[];
  /** The connection of this owner that takes the grant, in place of a new one. */
  readonly connection?: string;
  /**
   * What renews the grant where the answer brings no refresh token: kept as one, sealed, and presented as one. For tokens that are
   * asked for anew each time, `client.authentication.apply` makes of it what the server reads.
   */
  readonly refreshToken?: Secret;
}

/** A request to the API that an adapter's own function makes. */
export interface CallRequest {
  readonly method?: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Scope of the application's token, where not the default one. */
  readonly scope?: readonly string[];
}

/** The same for one connection: calls carry the connection's token, where it has its own. */
export interface ConnectionContext extends ProviderContext {
  readonly connection: ConnectionView;
}

/** What letting go of a connection may do besides. */
export interface DisconnectContext extends ConnectionContext {
  /**
   * Revokes the connection's tokens at the revocation endpoint (RFC 7009), and tells what became of each. Last, where calls
   * are needed too: they carry the same tokens.
   */
  revoke(): Promise<readonly Revocation[]>;
}

/** What is plain to see of a connection. */
export interface ConnectionView {
  readonly id: string;
  readonly owner: string;
  readonly registration: string;
  readonly account?: string | undefined;
  readonly data: Readonly<Record<string, string>>;
}
