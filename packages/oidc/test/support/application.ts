import {
  allowInsecureLoopback,
  type ConnectorError,
  createConnector,
  keyring,
  memoryStore,
  type Store,
} from "@linkwright/core";
import { type VirtualClock, virtualClock } from "@linkwright/testing";
import { quiet } from "../../../testing/test/support/ciphers.ts";
import { type OidcOptions, oidc } from "../../src/index.ts";

export const session = "an-unguessable-session-value";
export const owner = "user_1";
export const key = new Uint8Array(32).fill(7);

/** A request as it left, and its answer. */
export interface Sent {
  readonly url: URL;
  readonly method: string;
  readonly headers: Headers;
  readonly form: URLSearchParams;
  readonly status: number;
  readonly answer: Readonly<Record<string, unknown>>;
  readonly answerHeaders: Headers;
}

export type Transport = (input: string, init: RequestInit) => Promise<Response>;

/** Writes down what passes through a transport. */
export function watched(sent: Sent[], transport: Transport = fetch): Transport {
  return async (input, init) => {
    const response = await transport(input, init);
    const text = await response.clone().text();
    sent.push({
      url: new URL(input),
      method: init.method ?? "GET",
      headers: new Headers(init.headers),
      form: new URLSearchParams(init.body instanceof URLSearchParams ? init.body : ""),
      status: response.status,
      answer: text.startsWith("{") ? JSON.parse(text) : {},
      answerHeaders: response.headers,
    });
    return response;
  };
}

export interface ApplicationOptions {
  readonly store?: Store;
  readonly clock?: VirtualClock;
  readonly transport?: Transport;
}

/** An application with one registration, and what it sends. */
export function application<const Options extends OidcOptions>(options: Options, more: ApplicationOptions = {}) {
  // The server's time is the machine's; ours is moved past the end of its tokens.
  const clock = more.clock ?? virtualClock({ start: Date.now() });
  const sent: Sent[] = [];
  const transport = watched(sent, more.transport);
  let underWay = 0;
  const connector = createConnector({
    providers: { bank: oidc(options) },
    store: more.store ?? memoryStore({ clock }),
    concurrency: "one-process",
    keys: keyring([{ id: "test", key }]),
    clock,
    async fetch(input, init) {
      underWay++;
      return transport(input, init).finally(() => underWay--);
    },
    [allowInsecureLoopback]: true,
  });
  return {
    connector,
    bank: connector.providers.bank,
    clock,
    sent,
    /** Requests to one path, such as the token endpoint. */
    to: (path: string) => sent.filter(({ url }) => url.pathname === path),
    complete: (url: string) => connector.complete(url, { session }),
    /** Moves the clock until it is so, for 15 minutes at most; never while a request or a cipher is under way. */
    async pass(until: () => boolean) {
      for (let passed = 0; !until() && passed < 900; ) {
        await quiet(5);
        if (underWay > 0) continue;
        await clock.advance(1_000);
        passed++;
      }
      await quiet(5);
    },
  };
}

/** The fault that `work` ends with; fails where it succeeds. */
export async function faultOf(work: Promise<unknown>) {
  try {
    await work;
  } catch (error) {
    const { fault, message, details } = error as ConnectorError;
    if (!fault) throw error;
    return { ...fault, message, details };
  }
  throw new Error("it succeeded");
}
