/** Characters of a path that is kept in a cookie, as it is sent: percent-encoded. There it has three times as many at most. */
const longest = 1024;

/**
 * A place within `origin`, as path, query and fragment; `undefined` for whatever else `value` is, or could be taken for
 * (RFC 9700, section 4.11.1).
 *
 * @param value - From outside: a form, a cookie.
 */
export function localPath(value: unknown, origin: string): string | undefined {
  if (typeof value !== "string") return undefined;
  // Browsers drop tabs and line breaks from a URL, and read a backslash as a slash.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  if (!/^\/(?!\/)/.test(value) || /[\u0000-\u0020\u007f\\]/.test(value)) return undefined;
  if (!URL.canParse(value, origin)) return undefined;
  const url = new URL(value, origin);
  if (url.origin !== origin || url.username !== "" || url.password !== "") return undefined;
  // "/.//evil" becomes "//evil"; and what decodes a path, as many servers do that redirect, must not find a host in it.
  if (/^\/(?:[/\\]|%(?:25)*(?:2f|5c))/i.test(url.pathname)) return undefined;
  const path = url.pathname + url.search + url.hash;
  return path.length > longest ? undefined : path;
}
