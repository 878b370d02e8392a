import { isPublicAddress } from "@linkwright/egress";
import fc from "fast-check";
import { expect, test } from "vitest";

test.each([
  ["loopback", "127.0.0.1", "127.255.255.254", "::1"],
  ["this host", "0.0.0.0", "0.1.2.3", "::"],
  ["private networks", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fc00::1", "fd00:ec2::254"],
  ["the link, and metadata services on it", "169.254.169.254", "169.254.0.1", "fe80::1", "fec0::1"],
  ["a provider's own network", "100.64.0.1", "100.100.100.200", "100.127.255.255"],
  ["protocol assignments", "192.0.0.192", "192.0.0.8", "192.88.99.1"],
  ["documentation and benchmarks", "192.0.2.1", "198.51.100.1", "203.0.113.1", "198.18.0.1", "2001:db8::1", "3fff::1"],
  ["groups and everybody", "224.0.0.1", "239.255.255.255", "255.255.255.255", "ff02::1"],
  ["reserved", "240.0.0.1", "100::1", "4000::1", "5f00::1"],
  ["the platform of a cloud", "168.63.129.16"],
  ["IPv4 in IPv6", "::ffff:127.0.0.1", "::ffff:a9fe:a9fe", "::127.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b::a00:1"],
  ["IPv4 in tunnels", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2001:0:a9fe:a9fe::1", "64:ff9b:1::a00:1"],
  [
    "no address at all",
    "",
    "localhost",
    "bank.example",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.4:80",
    "[::1]",
    "256.1.1.1",
    "g::",
  ],
])("C45 not public: %s", (_, ...addresses) => {
  expect(addresses.filter(isPublicAddress)).toEqual([]);
});

test("C45 public", () => {
  const addresses = [
    "93.184.216.34",
    "1.1.1.1",
    "172.15.0.1",
    "172.32.0.1",
    "100.128.0.1",
    "169.253.0.1",
    "2606:4700::1111",
    "2a00:1450:4001::5",
    "::ffff:93.184.216.34",
    "64:ff9b::93.184.216.34",
  ];
  expect(addresses.filter((address) => !isPublicAddress(address))).toEqual([]);
});

test("C45 an IPv4 address is judged alike however it is wrapped, and no text makes it throw", () => {
  const octets = fc.array(fc.nat(255), { minLength: 4, maxLength: 4 });
  fc.assert(
    fc.property(octets, (bytes) => {
      const plain = bytes.join(".");
      const wrapped = [`::ffff:${plain}`, `64:ff9b::${plain}`].map(isPublicAddress);
      expect(wrapped).toEqual([isPublicAddress(plain), isPublicAddress(plain)]);
    }),
    { numRuns: 500 },
  );
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => typeof isPublicAddress(text) === "boolean"));
});
