import type { AnyProvider } from "@linkwright/core";
import { callback } from "./callback.ts";
import { connections } from "./connections.ts";
import { disconnect } from "./disconnect.ts";
import { failureAnswer, Refusal } from "./failure.ts";
import type { HandlerOptions } from "./options.ts";
import type { Failed } from "./outcome.ts";
import { createSite, type Site } from "./site.ts";
import { start } from "./start.ts";
import { answer, type Visit } from "./visit.ts";
import { webhook } from "./webhook.ts";

/**
 * Answers a Web-standard request; never rejects. `context` is handed to `owner` as it is: where a framework keeps who is signed
 * in beside the request, give it that.
 */
export type Handler<Context = unknown> = unknown extends Context
  ? (request: Request, context?: unknown) => Promise<Response>
  : (request: Request, context: Context) => Promise<Response>;

/** One function for all, and each by itself for an application's own routes. */
export interface Handlers<Context = unknown> {
  /** All of them, by the paths below `basePath` and the redirect URIs' own; 404 for any other path. */
  readonly handler: Handler<Context>;
  /** `POST {basePath}/start/{registration}`. The path's last segment names the registration, wherever it is mounted. */
  readonly start: Handler<Context>;
  /** `GET` and `POST` at each redirect URI, cancel URIs included. */
  readonly callback: Handler<Context>;
  /** `POST {basePath}/webhook/{registration}`. The last segment names the registration. */
  readonly webhook: Handler<Context>;
  /** `POST {basePath}/disconnect/{id}`. The last segment is the connection's id. */
  readonly disconnect: Handler<Context>;
  /** `GET {basePath}/connections`. */
  readonly connections: Handler<Context>;
}

/**
 * Request handlers for whatever a browser and a provider have to ask of a connector.
 *
 * @throws {ConnectorError} `configuration`, naming the option and the remedy.
 *
 * @example
 * ```ts
 * const links = createHandlers({
 *   connector,
 *   origin: "https://app.example",
 *   owner: async (request) => (await signedIn(request))?.userId,
 *   start: { flinks: ({ form }) => ({ providerId: Number(form.get("bank")) }) },
 * });
 * const response = await links.handler(request);
 * ```
 */
export function createHandlers<const Providers extends Readonly<Record<string, AnyProvider>>, Context = unknown>(
  options: HandlerOptions<Providers, Context>,
): Handlers<Context> {
  const site = createSite(options);
  const room =
    (during: Failed["during"], work: (site: Site, visit: Visit) => Promise<Response>) =>
    (request: Request, context?: unknown) =>
      answer(site, during, request, context, (visit) => work(site, visit));
  const rooms = {
    start: room("start", start),
    callback: room("callback", callback),
    webhook: (request: Request) => webhook(site, request),
    disconnect: room("disconnect", disconnect),
    connections: room("connections", connections),
  };

  /** A redirect URI may lie anywhere, so they are looked for first. */
  async function handler(request: Request, context?: unknown): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (site.redirectUriAt(pathname) !== undefined) return rooms.callback(request, context);
    if (pathname.startsWith(`${site.basePath}/`)) {
      const [name = "", ...rest] = pathname.slice(site.basePath.length + 1).split("/");
      if (name === "connections" && rest.length === 0) return rooms.connections(request, context);
      if ((name === "start" || name === "disconnect" || name === "webhook") && rest.length === 1)
        return rooms[name](request, context);
    }
    return failureAnswer(request, new Refusal("not_found"));
  }
  return { handler, ...rooms } as Handlers<Context>;
}
