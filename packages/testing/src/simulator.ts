import type { IncomingMessage, ServerResponse } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { type VirtualClock, virtualClock } from "./clock.ts";
import { createFaults, type Faults } from "./faults.ts";
import { createJournal, type Journal, type JournalEntry } from "./journal.ts";
import { type LoopbackServer, listen } from "./server.ts";

/** What every simulator has. `await using` closes it. */
export interface Simulator extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`. */
  readonly origin: string;
  readonly journal: Journal;
  readonly faults: Faults;
  readonly clock: VirtualClock;
  /** Stops listening and cuts every open connection. May be called twice. */
  close(): Promise<void>;
}

/** What every simulator can be told. */
export interface SimulatorOptions {
  /** By which everything expires. Default: one that runs, from the present. */
  readonly clock?: VirtualClock;
  /** Default 0: a free one. */
  readonly port?: number;
  /** What answers below a path of every listener, past journal and faults: for who steers the simulator over HTTP. */
  readonly aside?: { readonly path: string; readonly fetch: (request: Request) => Response | Promise<Response> };
}

/** A request on its way through the faults. */
export interface Exchange {
  readonly entry: JournalEntry;
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  /** How this provider words an error of that status, where the request was sent to. */
  refusal(status: number): Refusal;
  /** Writes into the journal that a fault acted. */
  note(fault: string): void;
}

export interface Refusal {
  readonly body: unknown;
  readonly contentType: string;
}

/** What a provider is built from, once its addresses are known. */
export interface Frame {
  readonly origin: string;
  /** Of the second listener, where there is one; else the first one's. */
  readonly otherOrigin: string;
  readonly clock: VirtualClock;
  readonly journal: Journal;
  readonly faults: Faults;
}

type Serve = (request: Request) => Response | Promise<Response>;

/** One listener of a provider. Journal and faults are one for all of them. */
export interface Host {
  readonly port?: number;
  /** The origin that it stands for, where that is not the loopback address: what journal and app see in a request's URL. */
  readonly knownAs?: string;
  readonly app: (frame: Frame) => { readonly fetch: Serve };
}

export interface Simulation extends SimulatorOptions {
  /** Where faults act unless they name something else. */
  readonly isTokenRequest: (request: Pick<JournalEntry, "origin" | "path">) => boolean;
  /** Made in this order; `SimulatorOptions.port` is the first one's. */
  readonly hosts: readonly [Host, ...Host[]];
  /** How the provider words an error of that status at that path. */
  readonly refusal?: (status: number, path: string) => Refusal;
  /** Called before the listeners close. */
  readonly closing?: () => void;
}

const plainRefusal = (status: number): Refusal => ({
  body: { error: status === 503 ? "temporarily_unavailable" : status >= 500 ? "server_error" : "invalid_request" },
  contentType: "application/json",
});

/** A simulator that is open, and the loopback addresses of its hosts, in order. */
export type OpenSimulator = Simulator & Pick<Frame, "otherOrigin"> & { readonly origins: readonly string[] };

/** Puts a provider on loopback, with a journal in front of it and faults around it. */
export async function openSimulator(simulation: Simulation): Promise<OpenSimulator> {
  const clock = simulation.clock ?? virtualClock({ running: true });
  const journal = createJournal();
  const desk = createFaults(simulation.isTokenRequest);
  const { aside } = simulation;

  const listener = ({ knownAs }: Host, serve: () => Serve) =>
    getRequestListener(
      async (request, { incoming, outgoing }) => {
        const body = await request.text();
        const { method, headers } = request;
        const carries = body !== "" && method !== "GET" && method !== "HEAD";
        const again = (url: string) => new Request(url, { method, headers, ...(carries && { body }) });
        const { origin, pathname } = new URL(request.url);
        if (aside && pathname.startsWith(aside.path)) return aside.fetch(again(request.url));

        const url = knownAs === undefined ? request.url : knownAs + request.url.slice(origin.length);
        const entry: Writable<JournalEntry> = {
          ...describe(method, url, headers, body),
          at: clock.now(),
          connection: incoming.socket.remotePort ?? 0,
          faults: [],
        };
        if (desk.unseen(entry)) return RESPONSE_ALREADY_SENT;
        journal.write(entry);
        const exchange: Exchange = {
          entry,
          incoming: incoming as IncomingMessage,
          outgoing: outgoing as ServerResponse,
          refusal: (status) => (simulation.refusal ?? plainRefusal)(status, entry.path),
          note(fault) {
            entry.faults = [...entry.faults, fault];
          },
        };
        const response = await desk.around(exchange, async () => serve()(again(url)));
        if (response !== RESPONSE_ALREADY_SENT) entry.status = response.status;
        return response;
      },
      { overrideGlobalObjects: false },
    );

  const apps: Serve[] = [];
  const servers: LoopbackServer[] = [];
  const closeServers = () => Promise.all(servers.map((server) => server.close()));
  try {
    for (const [index, host] of simulation.hosts.entries()) {
      const handle = listener(host, () => apps[index] as Serve);
      const port = index === 0 ? (host.port ?? simulation.port) : host.port;
      servers.push(await listen((incoming, outgoing) => void handle(incoming, outgoing), port));
    }
  } catch (error) {
    await closeServers();
    throw error;
  }
  const origins = servers.map((server) => server.origin);
  const [origin = "", otherOrigin = origin] = origins;
  const frame: Frame = { origin, otherOrigin, clock, journal, faults: desk.faults };
  for (const { app } of simulation.hosts) apps.push(app(frame).fetch);

  const close = async () => {
    simulation.closing?.();
    desk.faults.clear();
    await closeServers();
  };
  return { origin, otherOrigin, origins, journal, faults: desk.faults, clock, close, [Symbol.asyncDispose]: close };
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

function describe(
  method: string,
  address: string,
  received: Headers,
  body: string,
): Omit<JournalEntry, "at" | "connection" | "faults"> {
  const url = new URL(address);
  const headers = Object.fromEntries(received);
  const type = headers["content-type"] ?? "";
  const form = type.startsWith("application/x-www-form-urlencoded")
    ? Object.fromEntries(new URLSearchParams(body))
    : undefined;
  const json = type.includes("json") ? parsed(body) : undefined;
  const grantType = form?.grant_type ?? member(json, "grant_type");
  return {
    method,
    origin: url.origin,
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    headers,
    body,
    ...(json !== undefined && { json }),
    ...(form !== undefined && { form }),
    ...(typeof grantType === "string" && { grantType }),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function member(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
