import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A way to a server on loopback that can be cut or stalled while the server itself goes on. */
export interface Proxy {
  readonly port: number;
  /** Ends what is connected; whoever connects is turned away until `heal`. */
  cut(): void;
  /** Nothing comes through any more, either way, and nobody is told. What was connected then stays so, and dead, after `heal`. */
  stall(): void;
  heal(): void;
  close(): Promise<void>;
}

export async function proxyTo(target: { readonly host: string; readonly port: number }): Promise<Proxy> {
  let mode: "pass" | "cut" | "stall" = "pass";
  const sockets = new Set<Socket>();
  const dead = new WeakSet<Socket>();
  const server = createServer((client) => {
    if (mode === "cut") return void client.destroy();
    const upstream = connect(target);
    const end = () => {
      for (const socket of [client, upstream]) {
        sockets.delete(socket);
        socket.destroy();
      }
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true).on("error", end).on("close", end);
    }
    if (mode === "stall") dead.add(client);
    client.on("data", (chunk) => !dead.has(client) && upstream.write(chunk));
    upstream.on("data", (chunk) => !dead.has(client) && client.write(chunk));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const endAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      mode = "cut";
      endAll();
    },
    stall() {
      mode = "stall";
      for (const socket of sockets) dead.add(socket);
    },
    heal() {
      mode = "pass";
    },
    async close() {
      mode = "cut";
      endAll();
      server.close();
      await once(server, "close");
    },
  };
}
