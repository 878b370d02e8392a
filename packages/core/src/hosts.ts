/** Which hosts a provider's endpoints may have. */
export interface AllowedHosts {
  /** Whether loopback is allowed, and plain http to it. */
  readonly insecureLoopback: boolean;
  /** Hosts that may be private all the same. */
  readonly privateHosts: ReadonlySet<string>;
}

/** Names that no public host has: RFC 6761, RFC 6762, RFC 8375, ICANN's `internal`, and what networks use for themselves. */
const localName = /(^|\.)(localhost|local|localdomain|internal|intranet|private|corp|home|lan|home\.arpa)$/;

/**
 * Whether a URL's host has the form of a public name: no address, and no name of a local network. An endpoint that a user or a
 * metadata document names could lead inside otherwise. Where a name leads is seen only when it is resolved: see
 * `@linkwright/egress`.
 *
 * @param url - Parsed, which turns the many ways to write an address into one.
 */
export function hasPublicName({ hostname }: URL): boolean {
  const name = hostname.replace(/\.$/, "");
  return name.includes(".") && !/^\[|^[\d.]+$|\.\d+$/.test(name) && !localName.test(name);
}

export function isLoopback({ hostname }: URL): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname);
}

export const isAllowedHost = (url: URL, { insecureLoopback, privateHosts }: AllowedHosts): boolean =>
  hasPublicName(url) || privateHosts.has(url.hostname) || (insecureLoopback && isLoopback(url));

/** The list of `privateHosts` as URLs write them. */
export const hostSet = (names: readonly string[] = []): ReadonlySet<string> =>
  new Set(names.map((name) => URL.parse(`https://${name.includes(":") ? `[${name}]` : name}`)?.hostname ?? name));
