import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { clientSecretBasic, createConnector, defineProvider, keyring, memoryStore } from "@linkwright/core";
import { virtualClock } from "@linkwright/testing";
import { generate } from "selfsigned";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { faultOf, key, session } from "./support/house.ts";

const authority = await certificate("the authority of these tests", { authority: true });
const trusted = getCACertificates("default");

/** A certificate for loopback, by the authority unless it signs itself. */
async function certificate(
  name: string,
  more: { authority?: boolean; by?: { key: string; cert: string }; notAfterDate?: Date; dns?: string } = {},
): Promise<{ key: string; cert: string }> {
  const extensions = more.authority
    ? [
        { name: "basicConstraints" as const, cA: true, critical: true },
        { name: "keyUsage" as const, keyCertSign: true, critical: true },
      ]
    : [{ name: "subjectAltName" as const, altNames: [{ type: 2 as const, value: more.dns ?? "localhost" }] }];
  const { private: privateKey, cert } = await generate([{ name: "commonName", value: name }], {
    keyType: "ec",
    algorithm: "sha256",
    extensions,
    notBeforeDate: new Date(Date.now() - 7 * 86_400_000),
    ...(more.notAfterDate && { notAfterDate: more.notAfterDate }),
    ...(more.by && { ca: more.by }),
  });
  return { key: privateKey, cert };
}

let server: Server;
let origin: string;
/** What came through: nothing may, where the certificate is not good. */
const requests: string[] = [];
let handshakes = 0;

beforeAll(async () => {
  setDefaultCACertificates([...trusted, authority.cert]);
  server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    request.resume();
    // Closed after each answer, so that each request shakes hands anew.
    response.writeHead(200, { "content-type": "application/json", connection: "close" });
    const tokens = { access_token: "at_1", refresh_token: "rt_1", token_type: "Bearer", expires_in: 300 };
    response.end(JSON.stringify(request.url === "/token" ? tokens : {}));
  });
  server.on("connection", () => handshakes++);
  server.on("tlsClientError", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `https://localhost:${(server.address() as AddressInfo).port}`;
});

beforeEach(async () => {
  requests.length = 0;
  handshakes = 0;
  server.setSecureContext(await certificate("good", { by: authority }));
});

afterAll(async () => {
  setDefaultCACertificates(trusted);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

test.each<[string, () => ReturnType<typeof certificate>]>([
  ["signed by itself", () => certificate("nobody")],
  [
    "that ended yesterday",
    () => certificate("late", { by: authority, notAfterDate: new Date(Date.now() - 86_400_000) }),
  ],
  ["of another host", () => certificate("other", { by: authority, dns: "bank.example" })],
])("C15 to a server with a certificate %s nothing is sent, and nothing is lost by it", async (_, bad) => {
  const clock = virtualClock();
  const connector = createConnector({
    providers: {
      bank: defineProvider({
        id: "bank",
        server: { issuer: origin, authorization_endpoint: `${origin}/authorize`, token_endpoint: `${origin}/token` },
        client: { id: "client", authentication: clientSecretBasic("secret") },
        grants: {
          authorizationCode: { redirectUri: "https://app.example/callback", pkce: "S256" },
          refreshToken: { rotation: "rotating" },
        },
        api: { base: origin },
      }),
    },
    store: memoryStore({ clock }),
    concurrency: "one-process",
    keys: keyring([{ id: "test", key }]),
    clock,
    privateHosts: ["localhost"],
  });
  const callback = async () => {
    const { url } = await connector.providers.bank.connect({ owner: "user_1", session });
    return `https://app.example/callback?code=code-1&state=${new URL(url).searchParams.get("state")}`;
  };
  const connection = await connector.complete(await callback(), { session });
  expect(requests).toEqual(["POST /token"]);

  server.setSecureContext(await bad());
  const second = await callback();
  await clock.advance(301_000);
  const before = handshakes;
  // The code was not sent, so the callback is as good as it was.
  for (let tries = 0; tries < 2; tries++) {
    const fault = await faultOf(connector.complete(second, { session }));
    expect(fault).toMatchObject({ kind: "retry" });
    expect(fault.message).toMatch(/DEPTH_ZERO_SELF_SIGNED_CERT|CERT_HAS_EXPIRED|ERR_TLS_CERT_ALTNAME_INVALID/);
  }
  expect(await faultOf(connection.accessToken())).toMatchObject({ kind: "retry" });
  expect(await connection.status()).toMatchObject({ health: "degraded", inDoubt: false });
  expect(requests).toEqual(["POST /token"]);
  expect(handshakes).toBe(before + 3);

  server.setSecureContext(await certificate("mended", { by: authority }));
  await clock.advance(3_600_000);
  expect((await connection.fetch("/api/me")).status).toBe(200);
  expect(requests).toEqual(["POST /token", "POST /token", "GET /api/me"]);
  server.setSecureContext(await bad());
  await expect(connection.fetch("/api/me")).rejects.toThrow(TypeError);
  expect(requests).toHaveLength(3);
  await connector.close();
});
