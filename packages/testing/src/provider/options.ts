import type { JWK } from "jose";
import type { ClientAuthentication } from "../oauth/clients.ts";
import type { GrantSettings } from "../oauth/grants.ts";
import type { RefreshPolicyOption } from "../oauth/refresh-policy.ts";
import type { ExtensionGrant, StandardTokenSwitches } from "../oauth/token-endpoint.ts";
import type { TokenResponse } from "../oauth/token-response.ts";
import type { SimulatorOptions } from "../simulator.ts";

/**
 * What the provider's documentation says and its adapter's definition does not. Everything has a default: what the definition
 * itself implies.
 */
export interface ProviderSimulatorOptions extends Omit<SimulatorOptions, "port"> {
  /** Who can sign in. Default `user-1` and `user-2`. */
  readonly users?: readonly string[];
  /** Every scope there is; absent: any. */
  readonly scopes?: readonly string[];
  /** Seconds. Default: the definition's `accessToken.lifetime`, else 3600. */
  readonly accessTokenLifetime?: number;
  /** Seconds. Default 60. */
  readonly codeLifetime?: number;
  /**
   * What becomes of refresh tokens, in **milliseconds**. Default: as the definition declares it, `"observed"` as rotating with
   * reuse detection. Say here what the documentation says, or a wrong declaration goes unnoticed.
   */
  readonly refresh?: RefreshPolicyOption;
  /** Default `all`. */
  readonly accessTokensValid?: GrantSettings["accessTokensValid"];
  /** Whether access tokens live to their end although their grant was revoked. Default false. */
  readonly accessTokensOutliveGrant?: boolean;
  /** When `scope` is in a token response. Default `always`. */
  readonly scopeInAnswer?: StandardTokenSwitches["scopeInAnswer"];
  /** Whether a code needs PKCE. Default: `required` where the definition declares `S256`, else `ignored`. */
  readonly pkce?: "required" | "optional" | "ignored";
  /** How the client may prove itself. Default: by the definition's own method. */
  readonly authentication?: readonly ClientAuthentication[];
  /** The client's secret, where the definition does not hold it. */
  readonly clientSecret?: string;
  /** For `private_key_jwt`: what the client's assertions are verified with. Without it their claims alone are checked. */
  readonly publicKey?: CryptoKey | JWK;
  /** Whether the client proved itself, where it does so in a way that is none of the standard's. Default: it did. */
  readonly authenticate?: (request: ReceivedRequest) => boolean | Promise<boolean>;
  /** How many requests are answered; those beyond it get 429. Default: any number. */
  readonly rateLimits?: { readonly token?: RateLimit; readonly api?: RateLimit };
  /** The inverse of the dialect's `request`: what a token request says, in the RFC's parameters. Default: it says so itself. */
  readonly request?: (request: ReceivedRequest) => Readonly<Record<string, string | undefined>>;
  /** The inverse of the dialect's `response`: the body that tokens are answered in. Default: RFC 6749's. */
  readonly answer?: (standard: TokenResponse, about: AnsweredRequest) => unknown;
  /**
   * Other grants (RFC 6749, section 4.5), by their `grant_type`: who they stand for. `undefined` is `invalid_grant`. Without a
   * `subject` the token is the application's own.
   */
  readonly extensionGrants?: Readonly<Record<string, ExtensionGrant>>;
  /** How the token endpoint words a refusal. Default: RFC 6749's. */
  readonly refusal?: (refusal: StandardRefusal) => { readonly status?: number; readonly body: unknown };
  /**
   * The API, once the bearer was found good. Without an answer (and by default) it says whose token it was:
   * `{ sub, client_id, scope }`.
   */
  readonly api?: (request: Request, bearer: ApiBearer) => Response | undefined | Promise<Response | undefined>;
  /** Asked before all else, on every host and without a bearer: pages and endpoints that no standard knows. */
  readonly serve?: (request: Request) => Response | undefined | Promise<Response | undefined>;
}

/** A token request as it came. */
export interface ReceivedRequest {
  /** As the definition has it: `https://bank.example/token`. */
  readonly url: string;
  readonly headers: Headers;
  readonly body: string;
  /** The body, where it is a form. */
  readonly form?: Readonly<Record<string, string>>;
  /** The body, where it is a JSON object. */
  readonly json?: Readonly<Record<string, unknown>>;
}

/** The request that tokens are an answer to. */
export interface AnsweredRequest {
  /** In the RFC's parameters. */
  readonly parameters: Readonly<Record<string, string>>;
  /** Whose grant it is; absent for the application's own token. */
  readonly subject?: string;
  /** By the simulator's clock: epoch milliseconds. */
  readonly now: number;
}

/** A refusal in the standard's words, of which the provider's own is made. */
export interface StandardRefusal {
  /** RFC 6749, section 5.2. */
  readonly error: string;
  readonly error_description: string;
  readonly status: number;
}

/** Whose token a request to the API carried. */
export interface ApiBearer {
  /** Absent for the application's own token. */
  readonly subject?: string;
  readonly scope: readonly string[];
  readonly clientId: string;
}

/** So many requests in so many seconds, counted from the first. */
export interface RateLimit {
  readonly requests: number;
  readonly seconds: number;
  /** How `Retry-After` is written. Default `seconds`. */
  readonly retryAfter?: "seconds" | "date" | "none";
}
