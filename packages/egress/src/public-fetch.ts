import { type LookupAddress, lookup as systemLookup } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import { Agent, buildConnector, fetch as undiciFetch } from "undici";
import { isPublicAddress } from "./addresses.ts";

/** What else may be asked, and how names are resolved. */
export interface PublicFetchOptions {
  /** Hosts that may be private all the same: names or addresses, exactly as in the URLs. For what your own configuration names. */
  readonly privateHosts?: readonly string[];
  /** Resolves names; the system's resolver where left out. Asked for all addresses of a name. */
  readonly lookup?: LookupFunction;
}

/** `fetch`, as `createConnector` takes it. */
export interface PublicFetch {
  (input: string | URL, init?: RequestInit): Promise<Response>;
  /** Closes the connections that are kept for further requests. */
  close(): Promise<void>;
}

/** A host was to be connected to that is not of the public internet. The cause of `fetch`'s `TypeError`. Nothing was sent. */
export class PrivateAddressError extends Error {
  override readonly name = "PrivateAddressError";
  readonly code = "ERR_PRIVATE_ADDRESS";
  readonly hostname: string;

  constructor(hostname: string) {
    super(`${hostname} is not a host of the public internet; list it in privateHosts if it is meant`);
    this.hostname = hostname;
  }
}

/**
 * A `fetch` that reaches public addresses alone: for applications whose users name servers, and for what metadata documents name.
 *
 * A name is resolved once, for the connection itself, and the connection goes to an address that was looked at. A name that is
 * resolved to another address after it was checked leads nowhere. Redirects are connections like any other.
 *
 * @example
 * ```ts
 * const connector = createConnector({ providers, store, keys, fetch: publicFetch() });
 * ```
 */
export function publicFetch(options: PublicFetchOptions = {}): PublicFetch {
  const { privateHosts = [], lookup = systemLookup as LookupFunction } = options;
  const meant = new Set(privateHosts.map(canonical));
  const connect = buildConnector({ lookup: guarded(lookup, meant) });
  const agent = new Agent({
    connect(target, callback) {
      const hostname = canonical(target.hostname);
      // What is an address already is not looked up.
      if (isIP(hostname) !== 0 && !meant.has(hostname) && !isPublicAddress(hostname))
        callback(new PrivateAddressError(hostname), null);
      else connect(target, callback);
    },
  });

  async function fetch(input: string | URL, init: RequestInit = {}): Promise<Response> {
    const { body, headers } = await ownBody(init);
    const sent = { ...init, body, headers: [...headers], dispatcher: agent };
    const response = await undiciFetch(input, sent as Parameters<typeof undiciFetch>[1]);
    return asPlatforms(response);
  }
  return Object.assign(fetch, { close: () => agent.close() });
}

/** Resolves a name and keeps of its addresses those that may be connected to. */
export function guarded(lookup: LookupFunction, meant: ReadonlySet<string>): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error) return callback(error, "");
      const addresses = found as unknown as readonly LookupAddress[];
      const allowed = meant.has(canonical(hostname))
        ? addresses
        : addresses.filter(({ address }) => isPublicAddress(address));
      const [first] = allowed;
      if (!first) return callback(new PrivateAddressError(hostname), "");
      if (options.all) callback(null, [...allowed]);
      else callback(null, first.address, first.family);
    });
  };
}

/** A host as it is compared: without the brackets of IPv6 and without the dot at the end that says it is whole. */
const canonical = (hostname: string): string => hostname.toLowerCase().replace(/^\[|\]$|\.$/g, "");

/** The platform's forms are another class than undici's. */
async function ownBody({ body, headers }: RequestInit): Promise<{ body: RequestInit["body"]; headers: Headers }> {
  const own = new Headers(headers);
  if (!(body instanceof FormData)) return { body: body ?? null, headers: own };
  const form = new Response(body);
  own.set("content-type", form.headers.get("content-type") ?? "");
  return { body: await form.arrayBuffer(), headers: own };
}

/** Undici's answer as the platform's own, which is another class. */
function asPlatforms(response: Awaited<ReturnType<typeof undiciFetch>>): Response {
  const { status, statusText, url, redirected } = response;
  const headers = new Headers([...response.headers]);
  const own = new Response(response.body as ReadableStream | null, { status, statusText, headers });
  return Object.defineProperties(own, { url: { value: url }, redirected: { value: redirected } });
}
