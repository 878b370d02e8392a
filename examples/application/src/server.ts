import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";

type Handler = (request: Request) => Response | Promise<Response>;

export interface Listener {
  readonly port: number;
  /** Requests are answered 503 until this was called. */
  answerWith(handler: Handler): void;
  /** Stops listening and cuts open connections. May be called twice. */
  close(): Promise<void>;
}

export interface ListenOptions {
  /** 0 takes a free one. */
  readonly port: number;
  /** Default: this machine alone. */
  readonly hostname?: string | undefined;
}

/** Listens first and learns what to answer later: what is served may need to know its own port. */
export async function listen({ port, hostname = "127.0.0.1" }: ListenOptions): Promise<Listener> {
  let handler: Handler = () => new Response("Starting.\n", { status: 503 });
  const server = createAdaptorServer({
    fetch: (request: Request) => handler(request),
    // Another server of this process may count on the platform's own Request and Response.
    overrideGlobalObjects: false,
  }) as Server;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, hostname, () => {
      server.off("error", reject);
      resolve();
    });
  });
  let closing: Promise<void> | undefined;
  return {
    port: (server.address() as AddressInfo).port,
    answerWith(next) {
      handler = next;
    },
    close() {
      closing ??= new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      return closing;
    },
  };
}
