import { isIP } from "node:net";
import ipaddr from "ipaddr.js";

/**
 * Whether an address is one of the public internet: not of this machine, a private network, a link, a cloud's metadata service,
 * or a range that is reserved. IPv4 addresses are looked for inside IPv6 ones, too.
 *
 * @param text - An address, without brackets and port. Anything else is not public.
 */
export function isPublicAddress(text: string): boolean {
  if (isIP(text) === 0) return false;
  const address = ipaddr.parse(text);
  if (address instanceof ipaddr.IPv4) return isPublicIPv4(address);
  if (address.isIPv4MappedAddress()) return isPublicIPv4(address.toIPv4Address());
  // A translated address leads where the IPv4 address in it leads (RFC 6052, section 2.1).
  if (address.range() === "rfc6052") return isPublicIPv4(new ipaddr.IPv4(address.toByteArray().slice(12)));
  // What is not allocated as global unicast is nobody's (RFC 4291, section 2.4).
  return address.range() === "unicast" && address.match(globalUnicast, 3);
}

const globalUnicast = ipaddr.IPv6.parse("2000::");

/** Azure answers from its own machines alone on this one, which is no private address. */
const azurePlatform = "168.63.129.16";

const isPublicIPv4 = (address: ipaddr.IPv4): boolean =>
  address.range() === "unicast" && address.toString() !== azurePlatform;
