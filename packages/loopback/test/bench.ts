import { randomInt } from "node:crypto";
import { createServer } from "node:net";
import {
  allowInsecureLoopback,
  type Connection,
  type ConnectorError,
  createConnector,
  isConnectorError,
  keyring,
  memoryStore,
} from "@linkwright/core";
import { fiskl } from "@linkwright/fiskl";
import { simulateFiskl, virtualClock } from "@linkwright/testing";
import { connectThroughLoopback, type LoopbackOptions } from "../src/index.ts";

/**
 * A port to register, below those that systems give out by themselves: what is free now stays free until it is listened on,
 * whatever other tests do.
 */
export async function registrablePort(): Promise<number> {
  for (;;) {
    const port = randomInt(15_000, 32_000);
    if ((await canListen(port, "127.0.0.1")) && (await canListen(port, "::1"))) return port;
  }
}

export function canListen(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code === "EADDRNOTAVAIL"));
    server.listen({ port, host }, () => server.close(() => resolve(true)));
  });
}

/** Fiskl, a public app whose redirect URI has a port of its own, and a way to sign in with it. */
export async function bench() {
  const clock = virtualClock();
  const port = await registrablePort();
  const redirectUri = `http://localhost:${port}/callback`;
  const simulator = await simulateFiskl({ clock, clients: [{ clientId: "app_02", redirectUris: [redirectUri] }] });
  const { authorization_endpoint: authorization, token_endpoint: token, issuer } = simulator.endpoints;
  const connector = createConnector({
    providers: {
      books: fiskl({
        client: "public",
        clientId: "app_02",
        redirectUri,
        issuer,
        endpoints: { authorization, token },
        baseUrl: simulator.origin,
        scope: ["invoicing:read"],
      }),
    },
    store: memoryStore({ clock }),
    concurrency: "one-process",
    keys: keyring([{ id: "test", key: new Uint8Array(32).fill(7) }]),
    clock,
    [allowInsecureLoopback]: true,
  });
  const { books } = connector.providers;

  /** Begins to sign in. `url`: what the user is shown; by then the address is listened on. */
  function signIn(options: LoopbackOptions = {}): { url: Promise<string>; connection: Promise<Connection> } {
    const { promise: url, resolve, reject } = Promise.withResolvers<string>();
    const connection = connectThroughLoopback(
      connector,
      books,
      { owner: "user_42" },
      { open: false, onUrl: resolve, clock, ...options },
    );
    connection.catch(reject);
    url.catch(() => {});
    connection.catch(() => {});
    return { url, connection };
  }

  return {
    clock,
    port,
    redirectUri,
    simulator,
    connector,
    books,
    signIn,
    codeExchanges: () => simulator.journal.filter({ path: "/oauth/token", grantType: "authorization_code" }),
    async [Symbol.asyncDispose]() {
      await connector.close();
      await simulator.close();
    },
  };
}

/** The fault that work ends in. */
export async function faultOf(work: Promise<unknown>): Promise<ConnectorError> {
  const error = await work.then(
    () => new Error("it ended well"),
    (reason: unknown) => reason,
  );
  if (!isConnectorError(error)) throw error;
  return error;
}
