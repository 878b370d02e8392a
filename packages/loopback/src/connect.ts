import { randomBytes } from "node:crypto";
import {
  type Clock,
  type Connection,
  ConnectorError,
  type FaultDetails,
  type Flow,
  misconfigured,
  systemClock,
} from "@linkwright/core";
import { loopbackAddress } from "./address.ts";
import { openBrowser, printUrl } from "./browser.ts";
import { listen } from "./listen.ts";
import { createReception, type Reception } from "./reception.ts";

/** A connector, as far as it is needed here. */
export interface LoopbackConnector {
  readonly providers: object;
  complete(callback: string, options: { readonly session: string }): Promise<Connection>;
}

/** The handle of a registration whose provider knows users. */
export interface LoopbackProvider {
  connect(request: never): Promise<Flow>;
}

/** What `connect` of that provider takes, without `session`, which is made here. */
export type LoopbackRequest<P extends LoopbackProvider> = WithoutSession<Parameters<P["connect"]>[0]>;

type WithoutSession<Request> = Request extends unknown ? Omit<Request, "session"> : never;

/** How long to wait for the user, and how to show them the address. */
export interface LoopbackOptions {
  /** Milliseconds to wait for the user; 5 minutes. Never longer than the flow lasts. */
  readonly timeout?: number;
  /** Ends the waiting, unless the user has come back already. */
  readonly signal?: AbortSignal;
  /** Opens the address in a browser; the user's own where left out, none where `false`. */
  readonly open?: ((url: string) => unknown) | false;
  /**
   * Shows the address to the user, who may have no browser on this machine; on standard error where left out. Where it fails the
   * waiting goes on, unless `open` is `false`.
   */
  readonly onUrl?: (url: string) => void;
  /** The application's name, for the page at the end. */
  readonly application?: string;
  /** For tests. */
  readonly clock?: Clock;
}

/**
 * Connects a user's account from a program on their own machine (RFC 8252): listens at the provider's redirect URI, sends the
 * user's browser to the provider, completes the flow when it comes back, shows a page, and stops listening.
 *
 * The redirect URI is the registered one, `http://localhost:PORT/...` or a loopback address in its place, port included. What
 * else comes there meanwhile is refused and changes nothing: other paths, other hosts, callbacks of other flows. The same
 * callback again is answered with the same page.
 *
 * @param request - As the provider's own `connect` takes it, without `session`.
 * @returns The connection, when the browser has its page.
 * @throws {ConnectorError} What `connect` and `complete` throw, with `cancelled` where the user said no among it;
 * `configuration` where the redirect URI is not on loopback or its port cannot be had (`details.code`: `EADDRINUSE`);
 * `flow` with the reason `expired` where nobody came back in time; `aborted`.
 *
 * @example
 * ```ts
 * const connection = await connectThroughLoopback(connector, connector.providers.books, { owner: "me" });
 * ```
 */
export async function connectThroughLoopback<P extends LoopbackProvider>(
  connector: LoopbackConnector,
  provider: P,
  request: LoopbackRequest<P>,
  options: LoopbackOptions = {},
): Promise<Connection> {
  const { clock = systemClock, timeout = 300_000, application, open = openBrowser, onUrl = printUrl } = options;
  if (!(timeout > 0)) throw misconfigured("connectThroughLoopback: timeout must be a number of milliseconds above 0");
  const place = placeOf(connector, provider);
  const session = randomBytes(32).toString("base64url");
  const { promise: outcome, resolve, reject } = Promise.withResolvers<Connection>();
  let over = false;
  let reception: Reception | undefined;
  const interrupt = (error: unknown) => {
    // Who has come back is not sent away: the code is being redeemed, and the connection would be nobody's.
    if (!reception?.received()) reject(error);
  };
  const late = () => interrupt(tooLate(place));
  const undo: (() => unknown)[] = [
    onAbort(options.signal, () => interrupt(new ConnectorError({ kind: "aborted" }, "Aborted by the caller.", place))),
    clock.after(timeout, late),
  ];

  const begin = async () => {
    if (over) return;
    const flow = await provider.connect({ ...request, session } as never);
    const address = loopbackAddress(flow.redirectUri, place);
    const complete = (url: string) => connector.complete(url, { session });
    reception = createReception({ address, flow, application, complete, settle: resolve });
    if (over) return;
    const listening = await listen(address, reception.listener, place);
    undo.push(listening.close, clock.after(flow.expiresAt - clock.now(), late));
    if (over) return listening.close();
    // Whom no browser is opened for has nothing else.
    void (async () => onUrl(flow.url))().catch((error: unknown) => open === false && interrupt(error));
    if (open !== false) void (async () => open(flow.url))().catch(() => {});
  };

  begin().catch(reject);
  try {
    return await outcome;
  } finally {
    over = true;
    for (const each of undo) await each();
  }
}

/** @returns Stops listening to the signal. */
function onAbort(signal: AbortSignal | undefined, abort: () => void): () => void {
  if (signal?.aborted) abort();
  signal?.addEventListener("abort", abort, { once: true });
  return () => signal?.removeEventListener("abort", abort);
}

const tooLate = (place: FaultDetails) =>
  new ConnectorError(
    { kind: "flow", reason: "expired" },
    "Nobody came back from the browser in time. Begin the authorization again.",
    place,
  );

/** The name that the application gave the provider. */
function placeOf({ providers }: LoopbackConnector, provider: LoopbackProvider): FaultDetails {
  const [registration] = Object.entries(providers).find(([, handle]) => handle === provider) ?? [];
  return registration === undefined ? {} : { registration };
}
