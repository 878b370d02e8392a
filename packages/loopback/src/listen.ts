import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type FaultDetails, misconfigured } from "@linkwright/core";
import type { LoopbackAddress } from "./address.ts";

/** What waits on loopback. */
export interface Listening {
  /** Stops listening and cuts every open connection. */
  close(): Promise<void>;
}

/** Codes may be long (RFC 6749, section 4.1.2 sets no limit); Node's own bound for a request's head is 16 KiB. */
const maxHeaderSize = 65_536;

/**
 * Listens where the address says: on loopback alone, and on every interface that the browser may take. One that is taken by
 * another process fails the whole, since that process would be sent the code.
 *
 * @throws {ConnectorError} `configuration`, with the system's code in `details.code`.
 */
export async function listen(
  address: LoopbackAddress,
  listener: RequestListener,
  place: FaultDetails,
): Promise<Listening> {
  const servers: Server[] = [];
  const close = async () => {
    await Promise.all(servers.map(closed));
  };
  try {
    for (const host of address.interfaces) {
      const server = createServer({ maxHeaderSize }, listener);
      if (await opened(server, host, address.port)) servers.push(server);
    }
    if (servers.length === 0) throw Object.assign(new Error("no interface"), { code: "EADDRNOTAVAIL" });
  } catch (error) {
    await close();
    throw unavailable(address, (error as NodeJS.ErrnoException).code ?? "unknown", place);
  }
  return { close };
}

/** Whether the server listens; `false` where the machine has no such interface. */
function opened(server: Server, host: string, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRNOTAVAIL" || error.code === "EAFNOSUPPORT") resolve(false);
      else reject(error);
    });
    server.listen({ port, host, exclusive: true }, () => resolve(true));
  });
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: "the port is in use, by another sign-in perhaps",
  EACCES: "this user may not listen on that port",
  EADDRNOTAVAIL: "this machine has no such interface",
};

function unavailable({ origin }: LoopbackAddress, code: string, place: FaultDetails) {
  return misconfigured(
    `Cannot listen on ${origin}: ${reasons[code] ?? code}. Free the port, or register another redirect URI and give the provider that`,
    { ...place, code },
  );
}

/**
 * A port that is free on loopback now, for providers that let the port of a redirect URI on loopback vary (RFC 8252, section
 * 7.3). Ask for it before the connector is made.
 *
 * @example
 * ```ts
 * const redirectUri = `http://127.0.0.1:${await freeLoopbackPort()}/callback`;
 * ```
 */
export async function freeLoopbackPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen({ port: 0, host: "127.0.0.1" }, resolve);
  });
  const { port } = server.address() as AddressInfo;
  await closed(server);
  return port;
}
