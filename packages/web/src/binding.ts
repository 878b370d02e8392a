import type { Cookies } from "./cookies.ts";
import { base64url } from "./encoding.ts";

/**
 * What ties an authorization to the browser that began it (RFC 9700, section 2.1): an unguessable value in a cookie, one per
 * browser, so that several tabs may be under way and come back in any order. What core is given as `session` also holds the
 * owner: who signs in as somebody else meanwhile finishes nothing that was begun before.
 */
export interface Binding {
  readonly value: string;
  /** The line that sets or prolongs the cookie. */
  readonly cookie: string;
}

const name = "browser-";

/** Bindings that are looked at: a browser has more than one only where its first two tabs began at the same moment. */
const most = 4;

/** The binding of this browser, made where it has none. */
export function bind(cookies: Cookies, request: Request): Binding {
  const value = bindingsOf(cookies, request)[0] ?? base64url(crypto.getRandomValues(new Uint8Array(32)));
  // Named after itself: two that are made at once do not overwrite each other.
  return { value, cookie: cookies.line(name + value.slice(0, 6), value) };
}

/** The bindings that this browser presents. */
export const bindingsOf = (cookies: Cookies, request: Request): readonly string[] =>
  [...cookies.read(request, name).values()].filter((value) => /^[\w-]{43}$/.test(value)).slice(0, most);

/** Of fixed length before the dot, so that no two pairs share one. Core stores its digest. */
export const sessionOf = (binding: string, owner: string): string => `${binding}.${owner}`;
