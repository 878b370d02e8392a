/** Bytes and text: base64url, digests, unguessable values. Web Crypto alone. */

const encoder = new TextEncoder();

/** Base64url without padding (RFC 4648, section 5). */
export function base64url(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** An unguessable value of `bytes` random bytes, 43 characters for the usual 32. */
export function random(bytes = 32): string {
  return base64url(crypto.getRandomValues(new Uint8Array(bytes)));
}

/**
 * SHA-256 over the parts, each preceded by its length, so that no two lists of parts share a digest. Keys and references are
 * made of these: they cannot collide, escape a prefix or show what they stand for.
 */
export async function digest(...parts: readonly string[]): Promise<string> {
  const text = parts.map((part) => `${part.length}:${part}`).join("");
  return base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", encoder.encode(text))));
}

/** Whether a text can be an access token: visible characters and spaces (RFC 6749, appendix A.12), as a header can carry them. */
export const isTokenText = (text: string): boolean => /^[ -~]+$/.test(text);
