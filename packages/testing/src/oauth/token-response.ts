import type { TokenSet } from "./grants.ts";

/** What a token endpoint answers (RFC 6749 §5.1); a provider's departures may lack a member. */
export interface TokenResponse {
  readonly access_token: string;
  readonly token_type?: string;
  /** Seconds. */
  readonly expires_in?: number;
  readonly refresh_token?: string;
  readonly scope?: string;
}

/** A token set in the words of RFC 6749 §5.1. */
export function tokenResponse(
  set: TokenSet,
  {
    scope = "always",
    asked,
  }: { readonly scope?: "always" | "changed" | "never"; readonly asked?: readonly string[] } = {},
): TokenResponse {
  const granted = set.accessToken.scope;
  const same = asked !== undefined && asked.length === granted.length && asked.every((one) => granted.includes(one));
  return {
    access_token: set.accessToken.value,
    token_type: "Bearer",
    expires_in: set.expiresIn,
    ...(set.refreshToken !== undefined && { refresh_token: set.refreshToken }),
    // An empty scope is not in the grammar (RFC 6749 §3.3).
    ...(granted.length > 0 && (scope === "always" || (scope === "changed" && !same)) && { scope: granted.join(" ") }),
  };
}

/** The token behind `Authorization: Bearer`, or `undefined` where there is none. */
export function bearerToken(request: Request): string | undefined {
  return /^Bearer +([^ ]+)$/i.exec(request.headers.get("authorization") ?? "")?.[1];
}
