/** Seconds: 7 days, longer than any provider lets a user take. */
const lifetime = 604_800;

export interface Cookies {
  /** Values of the cookies that the browser sent whose names begin so, by the rest of their names. */
  read(request: Request, name: string): ReadonlyMap<string, string>;
  /** A `Set-Cookie` line. `seconds` 0 takes the cookie back. */
  line(name: string, value: string, seconds?: number): string;
}

/**
 * Cookies of these handlers. The prefix makes a browser refuse one that was set without `Secure`, for a path or by a subdomain
 * (RFC 6265bis, section 4.1.3). `Lax` goes with the way back by query; with a form post it does not, see `relay.ts`.
 *
 * @param secure - `false` on plain http, for development: such cookies have neither prefix nor `Secure`.
 */
export function createCookies(secure: boolean): Cookies {
  const prefix = secure ? "__Host-linkwright-" : "linkwright-insecure-";
  const attributes = `Path=/; HttpOnly; SameSite=Lax${secure ? "; Secure" : ""}`;
  return {
    read(request, name) {
      const found = new Map<string, string>();
      const start = prefix + name;
      for (const pair of (request.headers.get("cookie") ?? "").split(";")) {
        const [key = "", ...rest] = pair.trim().split("=");
        if (key.startsWith(start)) found.set(key.slice(start.length), rest.join("="));
      }
      return found;
    },
    line: (name, value, seconds = lifetime) => `${prefix}${name}=${value}; Max-Age=${seconds}; ${attributes}`,
  };
}
