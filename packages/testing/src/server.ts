import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";

/** A listener on the loopback interface. */
export interface LoopbackServer {
  /** `http://127.0.0.1:PORT`, without a slash at the end. */
  readonly origin: string;
  readonly port: number;
  /** Stops listening and cuts every open connection, stalled ones too. May be called twice. */
  close(): Promise<void>;
}

/**
 * Listens on 127.0.0.1 alone.
 *
 * @param port - 0 takes a free one.
 * @throws Where the port is taken.
 */
export async function listen(listener: RequestListener, port = 0): Promise<LoopbackServer> {
  // A client that reuses an idle connection just as the server drops it sees a reset that no test asked for.
  const server = createServer({ keepAliveTimeout: 600_000, requestTimeout: 0 }, listener);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    // A thousand callers at once are a test here, not an attack.
    server.listen({ port, host: "127.0.0.1", backlog: 4096 }, () => {
      server.off("error", reject);
      resolve();
    });
  });
  const address = server.address() as AddressInfo;

  let closing: Promise<void> | undefined;
  return {
    origin: `http://127.0.0.1:${address.port}`,
    port: address.port,
    close() {
      closing ??= new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      return closing;
    },
  };
}
