import { days, hideSecret, misconfigured, type SecretSource } from "@linkwright/core";

/**
 * What an application tells about its registration with Flinks. Members with a default other than what Flinks documents say
 * so: they are assumptions that can be changed here, not facts. See docs/providers/flinks.md.
 */
export interface FlinksOptions {
  /** `client_id` of the Data Recipient or the Partner, as Flinks gave it. */
  readonly clientId: string;
  /** `client_secret`: text, a `Secret`, or a function asked at each need. */
  readonly clientSecret: SecretSource;
  /** Absolute and registered with Flinks; sent byte-identical in both legs. */
  readonly redirectUri: string;
  /** Origin of the API and of the authorization page. Default `https://ob.flinksapp.com`, the documented production host. */
  readonly baseUrl?: string;
  /** The token endpoint, where onboarding named one on another host. Default `{baseUrl}/api/v1/token`. */
  readonly tokenUrl?: string;
  /**
   * Where the client's credentials go in a token request. `"json"` (default, assumed: their place is not documented): members
   * of the JSON body. `"basic"`: the Authorization header, the rest as JSON. `"form"`: everything as a form.
   */
  readonly authentication?: "json" | "basic" | "form";
  /** Send PKCE (S256). Default `false`, assumed: Flinks documents none. */
  readonly pkce?: boolean;
  /** Scope asked for where `connect` names none. Default, and always part of it: `ACCOUNT_BASIC`. */
  readonly scope?: readonly FlinksScope[];
  /** Name of the authorization parameter for the language. Default `"lang"`, assumed: the name is not documented. */
  readonly languageParameter?: string;
  /** Seconds without use after which Flinks forgets a refresh token. Default 30 days. */
  readonly idleTimeout?: number;
  /** Seconds that an access token lives where the answer names no lifetime or 0. Default 300. */
  readonly accessTokenLifetime?: number;
  /**
   * Paths asked before FDX error 602 is taken for the end of the whole consent: all of them must answer it too, since it also
   * says that one scope is missing. Default the customer and the accounts, of which the latter are assumed to be what the
   * mandatory `ACCOUNT_BASIC` covers.
   */
  readonly consentProbes?: readonly string[];
  /** How an update of `redirect_uris` is sent; the documentation disagrees with itself. Default `"array"`. `"string"`: space-separated. */
  readonly redirectUrisAs?: "array" | "string";
}

/** Scopes of user authorizations; others are passed through. */
export type FlinksScope =
  | "ACCOUNT_BASIC"
  | "ACCOUNT_DETAILED"
  | "ACCOUNT_PAYMENTS"
  | "TRANSACTIONS"
  | "INVESTMENTS"
  | "STATEMENTS"
  | "CUSTOMER_CONTACT"
  | "CUSTOMER_PERSONAL"
  | (string & {});

/** Options as checked, with every default in place. */
export type FlinksSettings = Required<Omit<FlinksOptions, "clientSecret">> & {
  readonly clientSecret: Exclude<SecretSource, string>;
};

/**
 * @throws {ConnectorError} `configuration`, naming the option and the remedy.
 */
export function checked(options: FlinksOptions): FlinksSettings {
  const { clientId, clientSecret, redirectUri } = options;
  if (typeof clientId !== "string" || clientId === "") bad("clientId", "is missing; give the client_id from Flinks");
  if (!clientSecret) bad("clientSecret", "is missing; give the client_secret from Flinks");
  const baseUrl = origin("baseUrl", options.baseUrl ?? "https://ob.flinksapp.com");
  const { languageParameter = "lang", consentProbes = ["/api/fdx/5/customers/current", "/api/fdx/5/accounts"] } =
    options;
  if (!/^[\w.-]+$/.test(languageParameter)) bad("languageParameter", "is no parameter's name");
  if (consentProbes.length === 0 || consentProbes.some((path) => !path.startsWith("/")))
    bad("consentProbes", "is not a list of paths; begin each with a slash");
  return {
    clientId,
    clientSecret: hideSecret(clientSecret),
    redirectUri: url("redirectUri", redirectUri),
    baseUrl,
    tokenUrl: options.tokenUrl === undefined ? `${baseUrl}/api/v1/token` : url("tokenUrl", options.tokenUrl),
    authentication: oneOf("authentication", ["json", "basic", "form"], options.authentication ?? "json"),
    pkce: oneOf("pkce", [true, false], options.pkce ?? false),
    scope: userScope(options.scope ?? []),
    languageParameter,
    idleTimeout: seconds("idleTimeout", options.idleTimeout ?? days(30)),
    accessTokenLifetime: seconds("accessTokenLifetime", options.accessTokenLifetime ?? 300),
    consentProbes,
    redirectUrisAs: oneOf("redirectUrisAs", ["array", "string"], options.redirectUrisAs ?? "array"),
  };
}

/**
 * A scope for a user's authorization: with the minimum that Flinks demands, and without what is the application's alone.
 *
 * @throws {ConnectorError} `configuration` for `client:admin` and for what is no scope token (RFC 6749, section 3.3).
 */
export function userScope(scope: readonly string[]): readonly string[] {
  for (const token of scope) {
    if (token === "client:admin")
      bad(
        "scope",
        'contains "client:admin", which is for the application\'s own token; use app({ scope: ["client:admin"] }) or admin',
      );
    if (!/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(token))
      bad("scope", "contains an entry that is no scope; give one scope per entry");
  }
  return [...new Set(["ACCOUNT_BASIC", ...scope])];
}

function bad(option: string, complaint: string): never {
  throw misconfigured(`flinks: option ${option} ${complaint}`, { provider: "flinks" });
}

function oneOf<T extends string | boolean>(option: string, allowed: readonly T[], value: T): T {
  return allowed.includes(value)
    ? value
    : bad(option, `must be one of ${allowed.map((one) => JSON.stringify(one)).join(", ")}`);
}

function seconds(option: string, value: number): number {
  return Number.isFinite(value) && value > 0 ? value : bad(option, "must be a positive number of seconds");
}

/** An absolute URL over TLS, or over loopback: whether the latter is allowed is the connector's decision. */
function url(option: string, value: unknown): string {
  const href = URL.parse(String(value))?.href ?? "";
  if (!/^(https:|http:\/\/(localhost|127\.0\.0\.1|\[::1\])[:/])[^#]*$/.test(href))
    bad(option, "must be an absolute https URL without a fragment");
  return value as string;
}

/** An origin alone: a path in it would end up doubled or dropped. */
function origin(option: string, value: unknown): string {
  const { origin, href } = new URL(url(option, value));
  return href === `${origin}/` ? origin : bad(option, `must be an origin alone; give "${origin}"`);
}
