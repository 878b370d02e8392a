import type { Client } from "./clients.ts";
import { OAuthError } from "./error.ts";
import { scopeList } from "./token-request.ts";

/** An authorization request that may be put before the user. */
export interface AuthorizationRequest {
  readonly client: Client;
  readonly redirectUri: string;
  readonly state?: string;
  readonly scope: readonly string[];
  readonly codeChallenge?: string;
}

/** What becomes of an authorization request: the user is asked, the client is told of an error, or, where the client itself cannot be trusted, the user is. */
export type AuthorizationOutcome =
  | { readonly kind: "ask"; readonly request: AuthorizationRequest }
  | { readonly kind: "redirect"; readonly url: string; readonly error: OAuthError }
  | { readonly kind: "page"; readonly error: OAuthError };

export interface AuthorizationRules {
  readonly clients: ReadonlyMap<string, Client>;
  /** Every scope of the server; absent: any. */
  readonly scopes?: readonly string[];
  /** Added to every redirect: RFC 9207. */
  readonly iss?: string;
  /** What the provider asks for beyond the RFC. Throws an OAuthError. */
  readonly check?: (query: URLSearchParams, request: AuthorizationRequest) => void;
}

/** Checks an authorization request (RFC 6749 §4.1.1, RFC 7636 §4.3), the redirect URI before all else. */
export function readAuthorizationRequest(query: URLSearchParams, rules: AuthorizationRules): AuthorizationOutcome {
  const page = (description: string): AuthorizationOutcome => ({
    kind: "page",
    error: new OAuthError("invalid_request", description),
  });
  const client = rules.clients.get(query.get("client_id") ?? "");
  if (!client) return page("Unknown client_id.");
  const redirectUri = query.get("redirect_uri") ?? "";
  if (!client.redirectUris.includes(redirectUri)) return page("This redirect_uri is not registered.");

  const state = query.get("state") || undefined;
  try {
    const request: AuthorizationRequest = {
      client,
      redirectUri,
      ...(state !== undefined && { state }),
      ...readPkce(query, client),
      scope: readScope(query, client, rules.scopes),
    };
    if (query.get("response_type") !== "code") {
      throw query.has("response_type")
        ? new OAuthError("unsupported_response_type", "Only code is served.")
        : new OAuthError("invalid_request", "response_type is missing.");
    }
    rules.check?.(query, request);
    return { kind: "ask", request };
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error;
    return { kind: "redirect", url: callback(redirectUri, { ...error.parameters, state, iss: rules.iss }), error };
  }
}

function readScope(query: URLSearchParams, client: Client, scopes?: readonly string[]): readonly string[] {
  const scope = scopeList(query.get("scope") ?? undefined);
  const allowed = client.scopes ?? scopes;
  const refused = scope.find((one) => allowed && !allowed.includes(one));
  if (refused !== undefined) throw new OAuthError("invalid_scope", `${refused} is not for this client.`);
  return scope;
}

function readPkce(query: URLSearchParams, client: Client): { codeChallenge?: string } {
  if (client.pkce === "ignored") return {};
  const codeChallenge = query.get("code_challenge");
  if (codeChallenge === null) {
    if (client.pkce === "optional") return {};
    throw new OAuthError("invalid_request", "code_challenge is missing.");
  }
  if (query.get("code_challenge_method") !== "S256") {
    throw new OAuthError("invalid_request", "code_challenge_method must be S256.");
  }
  if (!/^[A-Za-z0-9_-]{43}$/.test(codeChallenge)) {
    throw new OAuthError("invalid_request", "code_challenge is no S256 digest.");
  }
  return { codeChallenge };
}

/** The redirect URI with parameters behind what it already carries, byte for byte (RFC 6749 §3.1.2). */
export function callback(redirectUri: string, parameters: Readonly<Record<string, string | undefined>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) query.set(name, value);
  return `${redirectUri}${redirectUri.includes("?") ? "&" : "?"}${query}`;
}
