import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { freePort } from "../../testing/test/support/ports.ts";

/** A way to a server that can be cut, stalled and healed, while the server itself goes on. */
export class LoopbackProxy {
  readonly #target: { readonly host: string; readonly port: number };
  readonly #server: Server;
  readonly #pairs = new Set<readonly [client: Socket, server: Socket]>();
  #mode: "pass" | "stall" | "lose replies" = "pass";
  readonly #port: number;

  private constructor(target: { host: string; port: number }, port: number) {
    this.#target = target;
    this.#port = port;
    this.#server = createServer((client) => this.#accept(client));
  }

  static async to(address: string, defaultPort: number): Promise<LoopbackProxy> {
    const { hostname, port } = new URL(address);
    const proxy = new LoopbackProxy({ host: hostname, port: Number(port) || defaultPort }, await freePort());
    await proxy.#listen();
    return proxy;
  }

  /** The address that leads through here to what `address` leads to. */
  through(address: string): string {
    const url = new URL(address);
    url.hostname = "127.0.0.1";
    url.port = `${this.#port}`;
    return url.href;
  }

  get connections(): number {
    return this.#pairs.size;
  }

  /** Ends what is connected, and refuses connections until `heal`. */
  cut(): void {
    this.#server.close();
    this.#end();
  }

  /** From now on nothing comes through, either way, and nobody is told. */
  stall(): void {
    this.#mode = "stall";
  }

  /** What is connected now says nothing any more, not even that it ended; what connects from now on is served. */
  forget(): void {
    for (const sockets of this.#pairs) for (const socket of sockets) socket.pause();
  }

  /** Requests go through. The reply to the next one is kept back, and its connection is cut in its place. */
  loseReplies(): void {
    this.#mode = "lose replies";
  }

  /** Back to normal, for new connections; what had stalled is ended. */
  async heal(): Promise<void> {
    if (this.#mode === "stall") this.#end();
    this.#mode = "pass";
    if (!this.#server.listening) await this.#listen();
  }

  close(): void {
    this.cut();
  }

  async #listen(): Promise<void> {
    this.#server.listen(this.#port, "127.0.0.1");
    await once(this.#server, "listening");
  }

  #end(): void {
    for (const [client, server] of this.#pairs) {
      client.destroy();
      server.destroy();
    }
  }

  #accept(client: Socket): void {
    const server = connect(this.#target);
    const pair = [client, server] as const;
    this.#pairs.add(pair);
    const end = () => {
      this.#pairs.delete(pair);
      client.destroy();
      server.destroy();
    };
    for (const socket of pair) socket.on("error", end).on("close", end);
    client.on("data", (chunk) => {
      if (this.#mode !== "stall") server.write(chunk);
    });
    server.on("data", (chunk) => {
      if (this.#mode === "lose replies") end();
      else if (this.#mode !== "stall") client.write(chunk);
    });
  }
}
