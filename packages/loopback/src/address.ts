import { type FaultDetails, misconfigured } from "@linkwright/core";

/** Where a redirect URI on loopback leads. */
export interface LoopbackAddress {
  /** Scheme, host and port, as registered. */
  readonly origin: string;
  /** `Host` of every request that a browser sends there. */
  readonly host: string;
  readonly port: number;
  readonly path: string;
  /** The interfaces to listen on: of the name `localhost` both, since a browser may take either. */
  readonly interfaces: readonly string[];
}

const interfacesOf: Readonly<Record<string, readonly string[]>> = {
  localhost: ["127.0.0.1", "::1"],
  "127.0.0.1": ["127.0.0.1"],
  "[::1]": ["::1"],
};

/**
 * Reads a redirect URI on loopback (RFC 8252, section 7.3). The port is the registered one: some providers match it exactly.
 *
 * @throws {ConnectorError} `configuration` for any other redirect URI.
 */
export function loopbackAddress(redirectUri: string, place: FaultDetails): LoopbackAddress {
  const url = URL.parse(redirectUri);
  const interfaces = url?.protocol === "http:" ? interfacesOf[url.hostname] : undefined;
  if (!url || !interfaces)
    throw misconfigured(
      `The redirect URI ${redirectUri} is not on loopback; register http://localhost:PORT/... or http://127.0.0.1:PORT/... and give the provider that`,
      place,
    );
  // The scheme's own port is left out of a parsed URL.
  return {
    origin: url.origin,
    host: url.host,
    port: Number(url.port || 80),
    path: url.pathname,
    interfaces,
  };
}
