import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { type IncomingHttpHeaders, request } from "node:http";

/** A request as no browser would send it: to one interface, with a `Host`, a method or a target of the test's own. */
export function rawRequest(
  port: number,
  options: { address?: string; host?: string; method?: string; target?: string; headers?: Record<string, string> } = {},
): Promise<{ status: number; headers: IncomingHttpHeaders; text: string }> {
  const { address = "127.0.0.1", host = `localhost:${port}`, method = "GET", target = "/callback", headers } = options;
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: address, port, method, path: target, headers: { ...headers, host }, agent: false },
      (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (part: string) => {
          text += part;
        });
        response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
      },
    );
    sent.on("error", reject).end();
  });
}

/** Resolves when a server of this process has read the next request that came to the port. */
export function requestReceived(port: number): Promise<void> {
  const channel = "http.server.request.start";
  return new Promise((resolve) => {
    const listener = (message: unknown) => {
      const { socket } = message as { readonly socket: { readonly localPort?: number } };
      if (socket.localPort !== port) return;
      unsubscribe(channel, listener);
      resolve();
    };
    subscribe(channel, listener);
  });
}
