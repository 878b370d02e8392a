import {
  allowInsecureLoopback,
  createConnector,
  defineProvider,
  keyring,
  memoryStore,
  publicClient,
} from "@linkwright/core";
import { fiskil } from "@linkwright/fiskil";
import { oidc } from "@linkwright/oidc";
import { simulateAuthorizationServer, simulateFiskil, virtualClock } from "@linkwright/testing";
import { describe, expect, test } from "vitest";
import { independentServer } from "../../oidc/test/support/server.ts";
import { connectThroughLoopback, type LoopbackOptions } from "../src/index.ts";
import { faultOf, registrablePort } from "./bench.ts";

const common = (clock = virtualClock()) =>
  ({
    store: memoryStore({ clock }),
    concurrency: "one-process",
    keys: keyring([{ id: "test", key: new Uint8Array(32).fill(7) }]),
    clock,
    [allowInsecureLoopback]: true,
  }) as const;

/** A standard server that names itself in callbacks, and a redirect URI of a loopback address with any port. */
async function standard(host: string) {
  const clock = virtualClock();
  const redirectUri = `http://${host}:${await registrablePort()}/`;
  const server = await simulateAuthorizationServer({
    clock,
    iss: true,
    clients: [{ clientId: "desktop", redirectUris: [redirectUri] }],
  });
  const connector = createConnector({
    ...common(clock),
    providers: {
      bank: defineProvider({
        id: "bank",
        server: { ...server.endpoints, authorization_response_iss_parameter_supported: true },
        client: { id: "desktop", authentication: publicClient() },
        grants: {
          authorizationCode: { redirectUri, pkce: "S256", scope: ["read"] },
          refreshToken: { rotation: "rotating" },
        },
        api: { base: server.origin },
      }),
    },
  });
  const signIn = (options: LoopbackOptions) =>
    connectThroughLoopback(connector, connector.providers.bank, { owner: "me" }, { clock, ...options });
  return { server, signIn, [Symbol.asyncDispose]: () => server.close() };
}

describe("C16 a loopback address with a port of its own", () => {
  test.each(["127.0.0.1", "[::1]"])("%s", async (host) => {
    await using it = await standard(host);
    const connection = await it.signIn({
      onUrl: () => {},
      open: async (url) => fetch(await it.server.consent(url)),
    });
    expect((await connection.status()).health).toBe("healthy");
  });
});

test("G64 another server's name in the callback ends the sign-in: no code is sent anywhere", async () => {
  await using it = await standard("127.0.0.1");
  const connection = it.signIn({
    onUrl: () => {},
    open: async (url) => {
      const callback = new URL(await it.server.consent(url));
      callback.searchParams.set("iss", "https://evil.example");
      await fetch(callback);
    },
  });
  const error = await faultOf(connection);
  expect(error.fault).toEqual({ kind: "flow", reason: "issuer" });
  expect(it.server.journal.count({ path: "/token" })).toBe(0);
});

test("C5 C16 a signed response (JARM), which carries its state within", async () => {
  const redirectUri = `http://127.0.0.1:${await registrablePort()}/callback`;
  await using server = await independentServer({
    clients: [
      {
        client_id: "desktop",
        application_type: "native",
        redirect_uris: [redirectUri],
        grant_types: ["authorization_code", "refresh_token"],
        scope: "openid read",
        token_endpoint_auth_method: "none",
        authorization_signed_response_alg: "ES256",
      },
    ],
    configuration: {
      features: { jwtResponseModes: { enabled: true } },
      enabledJWA: { authorizationSigningAlgValues: ["ES256"] },
    },
  });
  const options = { issuer: server.origin, clientId: "desktop", authentication: publicClient(), redirectUri };
  const clock = virtualClock({ start: Date.now() });
  const connector = createConnector({
    ...common(clock),
    providers: { bank: oidc({ ...options, scope: ["openid", "read"], jarm: true }) },
  });
  let seen: Promise<unknown> | undefined;
  const browse = async (url: string) => {
    const callback = await server.authorize(url);
    return [[...new URL(callback).searchParams.keys()], (await fetch(callback)).status];
  };
  const open = (url: string) => {
    seen = browse(url);
  };
  const { bank } = connector.providers;
  const connection = await connectThroughLoopback(connector, bank, { owner: "me" }, { clock, onUrl: () => {}, open });
  expect((await connection.status()).account).toBe("user-1");
  expect(await seen).toEqual([["response"], 200]);
  await connector.close();
});

describe("a hosted session, whose callback may carry its handle alone", () => {
  test("is known by it, and a foreign one is refused", async () => {
    const clock = virtualClock();
    await using simulator = await simulateFiskil({ clock });
    const redirectUri = `http://localhost:${await registrablePort()}/callback`;
    const connector = createConnector({
      ...common(clock),
      providers: {
        banks: fiskil({
          clientId: "key_01example",
          clientSecret: "s3cr3t-example",
          redirectUri,
          baseUrl: simulator.origin,
          authOrigin: simulator.origin,
        }),
      },
    });
    let statuses: Promise<number[]> | undefined;
    const browse = async (url: string) => {
      const callback = new URL(await simulator.consent(url));
      callback.searchParams.delete("state");
      const foreign = new URL(callback);
      foreign.searchParams.set("session_id", "ses_of_somebody_else");
      return [(await fetch(foreign)).status, (await fetch(callback)).status];
    };
    const connection = await connectThroughLoopback(
      connector,
      connector.providers.banks,
      { owner: "me", endUser: { email: "me@example.com" } },
      {
        clock,
        onUrl: () => {},
        open(url) {
          statuses = browse(url);
        },
      },
    );
    expect(await statuses).toEqual([400, 200]);
    expect((await connection.status()).health).toBe("healthy");
  });
});
