import type { GrantReading } from "@linkwright/core";
import type { FlinksParameters } from "./parameters.ts";
import { members } from "./support.ts";

/** Whose a user's access token is. Its third claim, `exp`, is not needed: lifetimes count from the request (`expires_in`). */
export interface AccessTokenClaims {
  /** `client_id`. */
  readonly clientId: string;
  /** `sub`: the user at the bank. */
  readonly subject: string;
}

/**
 * Reads an access token's claims **without verifying it**: neither its algorithm nor a key is documented. Only for a token
 * that came directly from the token endpoint over TLS; nothing else vouches for it.
 *
 * @returns `undefined` for what is no such token.
 */
export function readClaims(token: unknown): AccessTokenClaims | undefined {
  if (typeof token !== "string") return undefined;
  const parts = token.split(".");
  const { client_id: clientId, sub: subject } = parts.length === 3 ? decoded(parts[1]!) : {};
  return typeof clientId === "string" && typeof subject === "string" && subject !== ""
    ? { clientId, subject }
    : undefined;
}

/**
 * What a token answer tells of the grant: at which bank, and whose it is. That a `sub` is unique beyond its bank is not documented,
 * so the account is both. A token made out to another client names nobody.
 */
export function granted(clientId: string) {
  return (
    { access_token }: Readonly<Record<string, unknown>>,
    { providerId }: Pick<FlinksParameters, "providerId">,
  ): GrantReading => {
    const claims = readClaims(access_token);
    return {
      ...(claims?.clientId === clientId && { account: `${providerId}:${claims.subject}` }),
      data: { providerId: String(providerId) },
    };
  };
}

function decoded(part: string): Readonly<Record<string, unknown>> {
  try {
    const binary = atob(part.replaceAll("-", "+").replaceAll("_", "/"));
    return members(JSON.parse(new TextDecoder().decode(Uint8Array.from(binary, (char) => char.charCodeAt(0)))));
  } catch {
    return {};
  }
}
