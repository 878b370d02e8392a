import {
  type AnyProvider,
  allowInsecureLoopback,
  clientSecretPost,
  createConnector,
  defineProvider,
  keyring,
  memoryStore,
} from "@linkwright/core";
import { expect, test } from "vitest";
import { faultOf, key } from "./support/house.ts";

const define = (host: string, discovery = false) =>
  defineProvider({
    id: "bank",
    server: {
      issuer: "https://bank.example",
      authorization_endpoint: "https://bank.example/authorize",
      ...(!discovery && { token_endpoint: `https://${host}/token` }),
      discovery,
    },
    client: { id: "client", authentication: clientSecretPost("secret") },
    grants: { authorizationCode: { redirectUri: "https://app.example/callback", pkce: "S256" } },
  });

interface More {
  readonly privateHosts?: readonly string[];
  readonly [allowInsecureLoopback]?: boolean;
  readonly fetch?: () => Promise<Response>;
}

const create = async (bank: AnyProvider, more: More = {}) =>
  createConnector({
    providers: { bank },
    store: memoryStore(),
    concurrency: "one-process",
    keys: keyring([{ id: "test", key }]),
    ...more,
  });

/** Ways to write a host that is not of the public internet, each as a URL takes it. */
const inside = [
  "127.0.0.1",
  "127.0.0.1.",
  "127.1",
  "0x7f.1",
  "0x7f000001",
  "2130706433",
  "017700000001",
  "0.0.0.0",
  "10.0.0.1",
  "169.254.169.254",
  "①②⑦.⓪.⓪.①",
  "[::1]",
  "[::]",
  "[::ffff:127.0.0.1]",
  "[::ffff:a9fe:a9fe]",
  "[fd00:ec2::254]",
  "[fe80::1]",
  "[64:ff9b::a9fe:a9fe]",
  // An address is refused though it be public: no bank lives at one, and core keeps no table of ranges.
  "93.184.216.34",
  "localhost",
  "LOCALHOST.",
  "db.localhost",
  "metadata.google.internal",
  "metadata.google.internal.",
  "metadata",
  "printer.local",
  "router.home.arpa",
  "nas.lan",
  "wiki.corp",
];

test.each(inside)("C45 an endpoint at %s is refused, and privateHosts lets it in", async (host) => {
  const fault = await faultOf(create(define(host)));
  expect(fault).toMatchObject({ kind: "configuration" });
  expect(fault.message).toMatch(/Registration "bank": server\.token_endpoint .* is no public name\..* in privateHosts/);
  const { hostname } = new URL(`https://${host}`);
  await create(define(host), { privateHosts: [hostname] });
  const others = ["bank.example", "127.0.0.2", "evil.internal"];
  expect(await faultOf(create(define(host), { privateHosts: others }))).toMatchObject({ kind: "configuration" });
});

test("C45 privateHosts takes hosts as people write them", async () => {
  await create(define("[fd00::1]"), { privateHosts: ["FD00:0::1"] });
  await create(define("idp.corp"), { privateHosts: ["IDP.corp"] });
});

test.each([
  "bank.example",
  "api.bank.co.uk",
  "bank.example.",
  "xn--bnk-qla.example",
  "1.bank.example",
  "internal.bank.example",
])("C45 a public name is taken: %s", async (host) => {
  await create(define(host));
});

test.each(inside)("C45 a metadata document that leads to %s is refused before anything is sent there", async (host) => {
  const asked: string[] = [];
  const document = {
    issuer: "https://bank.example",
    authorization_endpoint: "https://bank.example/authorize",
    token_endpoint: "https://bank.example/token",
    revocation_endpoint: `https://${host}/revoke`,
  };
  const connector = await create(define("", true), {
    fetch: async (...[url]: [string?]) => {
      asked.push(url ?? "");
      return Response.json(document);
    },
  });
  const handle = connector.providers.bank as unknown as { connect(request: object): Promise<unknown> };
  const fault = await faultOf(handle.connect({ owner: "user_1", session: "an-unguessable-session" }));
  expect(fault).toMatchObject({ kind: "configuration" });
  expect(fault.message).toContain("is no public name");
  expect(asked).toEqual(["https://bank.example/.well-known/oauth-authorization-server"]);
});

test("C15 C45 the permission for loopback lets in loopback, and no other host", async () => {
  for (const host of ["localhost:8443", "127.0.0.1:8443", "127.9.9.9", "[::1]:8443"])
    await create(define(host), { [allowInsecureLoopback]: true });
  for (const host of ["10.0.0.1", "192.168.0.7", "[fe80::1]", "0.0.0.0", "[::]", "localhost.", "app.localhost"])
    expect(await faultOf(create(define(host), { [allowInsecureLoopback]: true }))).toMatchObject({
      kind: "configuration",
    });
});
