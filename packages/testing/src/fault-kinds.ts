import { setTimeout as sleep } from "node:timers/promises";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import type { Exchange } from "./simulator.ts";

type None = Record<never, never>;

/** The faults by name, with what each can be told. Delays are real milliseconds: the network is real. */
export interface FaultSettings {
  /** The server handles the request (it rotates) and the connection is cut before a byte of the answer. */
  "lost-response": None;
  /** The connection is cut before the server looks at the request. */
  "refused-before": None;
  /**
   * Nothing is taken in: the server and its journal never learn of the request, and nothing is answered. (That the connection
   * itself stands is the operating system's doing.)
   */
  "stall-connect": None;
  /** Nothing is answered, the connection stays open. */
  "stall-headers": None;
  /** The server handles the request; its headers and one byte arrive, then nothing. */
  "stall-body": None;
  /** The server handles the request; its answer arrives a byte every `interval` ms (default 50). */
  drip: { readonly interval?: number };
  /** The real answer, `ms` later; the request is handled after the wait. */
  delay: { readonly ms: number };
  /** Another status, with the provider's own error body unless one is given. For bursts of 5xx: `times`. */
  status: {
    readonly status: number;
    readonly body?: unknown;
    readonly headers?: Readonly<Record<string, string>>;
  };
  /** 429, with `Retry-After` only where it is given: seconds, a date, or nonsense. */
  "rate-limited": { readonly retryAfter?: string };
  /** A page of something in between. Default status 502. */
  html: { readonly status?: number };
  /** `{"error"}` at status 200. */
  "error-in-200": { readonly error?: string };
  /** Points elsewhere: `location` (default `/redirected` of the same server), `status` (default 307). */
  redirect: { readonly location?: string; readonly status?: 301 | 302 | 303 | 307 | 308 };
  /** An answer that begins like a token response and goes on for `bytes` (default 32 MiB). */
  "huge-body": { readonly bytes?: number };
  /** A token response that breaks off in the middle of its JSON. */
  malformed: None;
  "omit-refresh-token": None;
  "null-refresh-token": None;
  "empty-refresh-token": None;
  /** Any answer: text as it is, anything else as JSON. */
  answer: {
    readonly body: unknown;
    readonly status?: number;
    readonly headers?: Readonly<Record<string, string>>;
  };
  /** The real answer's JSON, changed. */
  rewrite: { readonly rewrite: (answer: Record<string, unknown>) => unknown };
  /** An error that repeats what it received: body, `Authorization`, and the credentials inside it. Default status 400. */
  "echo-secrets": { readonly status?: number };
  /** Holds the request until the handle's `release()`: before it is handled, or with `handled` after. */
  latch: None;
}

/** The names of all faults. */
export type FaultName = keyof FaultSettings;

type Kind<O> = (exchange: Exchange, proceed: () => Promise<Response>, options: O) => Promise<Response>;

/** What each fault does: an answer of its own, a change to the real one, or something done to the socket. */
export const faultKinds: { readonly [N in FaultName]: Kind<FaultSettings[N]> } = {
  async "lost-response"(exchange, proceed) {
    await proceed();
    return cut(exchange);
  },
  "refused-before": async (exchange) => cut(exchange),
  // Seen to before the journal; see `unseen`.
  "stall-connect": async () => RESPONSE_ALREADY_SENT,
  "stall-headers": async () => RESPONSE_ALREADY_SENT,
  async "stall-body"(exchange, proceed) {
    const { head, body } = await read(await proceed());
    exchange.outgoing.writeHead(head.status, head.headers);
    exchange.outgoing.write(body.subarray(0, 1));
    return RESPONSE_ALREADY_SENT;
  },
  async drip(exchange, proceed, { interval = 50 }) {
    const { head, body } = await read(await proceed());
    const { outgoing } = exchange;
    outgoing.writeHead(head.status, head.headers);
    let sent = 0;
    const timer = setInterval(() => {
      outgoing.write(body.subarray(sent, sent + 1));
      sent += 1;
      if (sent >= body.length) outgoing.end();
    }, interval);
    outgoing.once("close", () => clearInterval(timer));
    return RESPONSE_ALREADY_SENT;
  },
  async delay(_exchange, proceed, { ms }) {
    await sleep(ms);
    return proceed();
  },
  async status(exchange, _proceed, { status, body, headers = {} }) {
    if (body !== undefined) return respond(body, status, headers);
    const refusal = exchange.refusal(status);
    return respond(refusal.body, status, { "content-type": refusal.contentType, ...headers });
  },
  async "rate-limited"(exchange, _proceed, { retryAfter }) {
    const refusal = exchange.refusal(429);
    return respond(refusal.body, 429, {
      "content-type": refusal.contentType,
      ...(retryAfter !== undefined && { "retry-after": retryAfter }),
    });
  },
  async html(_exchange, _proceed, { status = 502 }) {
    const page = `<!doctype html>\n<html><head><title>${status}</title></head><body><h1>${status}</h1><hr>gateway</body></html>\n`;
    return respond(page, status, { "content-type": "text/html; charset=utf-8" });
  },
  async "error-in-200"(_exchange, _proceed, { error = "invalid_grant" }) {
    return respond({ error, error_description: "An error in the dress of a success." }, 200);
  },
  async redirect(_exchange, _proceed, { location = "/redirected", status = 307 }) {
    return new Response(null, { status, headers: { location } });
  },
  async "huge-body"(_exchange, _proceed, { bytes = 32 * 1024 * 1024 }) {
    const chunk = Buffer.alloc(64 * 1024, "a");
    let left = bytes;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(Buffer.from('{"token_type":"Bearer","access_token":"')),
      pull(controller) {
        const size = Math.min(left, chunk.length);
        left -= size;
        if (size > 0) controller.enqueue(chunk.subarray(0, size));
        else controller.close();
      },
    });
    return new Response(body, { headers: { "content-type": "application/json" } });
  },
  async malformed() {
    return respond('{"token_type":"Bearer","access_token":"at_', 200, { "content-type": "application/json" });
  },
  "omit-refresh-token": (_exchange, proceed) => changed(proceed, ({ refresh_token: _, ...rest }) => rest),
  "null-refresh-token": (_exchange, proceed) => changed(proceed, (answer) => ({ ...answer, refresh_token: null })),
  "empty-refresh-token": (_exchange, proceed) => changed(proceed, (answer) => ({ ...answer, refresh_token: "" })),
  answer: async (_exchange, _proceed, { body, status = 200, headers = {} }) => respond(body, status, headers),
  rewrite: (_exchange, proceed, { rewrite }) => changed(proceed, rewrite),
  async "echo-secrets"({ entry }, _proceed, { status = 400 }) {
    const { authorization = "" } = entry.headers;
    const inside = authorization.startsWith("Basic ") ? Buffer.from(authorization.slice(6), "base64").toString() : "";
    return respond(
      {
        error: "invalid_request",
        error_description: `cannot read ${entry.body} (authorization: ${authorization} ${inside})`,
        received: entry.form ?? entry.json ?? entry.body,
      },
      status,
    );
  },
  // Held by whoever armed it; see `createFaults`.
  latch: (_exchange, proceed) => proceed(),
};

function cut({ incoming }: Exchange): Response {
  incoming.socket.destroy();
  return RESPONSE_ALREADY_SENT;
}

async function read(response: Response) {
  return {
    head: { status: response.status, headers: Object.fromEntries(response.headers) },
    body: Buffer.from(await response.arrayBuffer()),
  };
}

function respond(body: unknown, status: number, headers: Readonly<Record<string, string>> = {}): Response {
  const text = typeof body === "string" ? body : body === undefined ? null : JSON.stringify(body);
  const type = typeof body === "string" ? "text/plain;charset=UTF-8" : "application/json";
  return new Response(text, { status, headers: { "content-type": type, ...headers } });
}

/** The answer with its JSON changed; one that is an error, or no JSON object, passes untouched. */
async function changed(
  proceed: () => Promise<Response>,
  change: (answer: Record<string, unknown>) => unknown,
): Promise<Response> {
  const response = await proceed();
  if (!response.ok) return response;
  const headers = new Headers(response.headers);
  headers.delete("content-length");
  const answer = (await response.json()) as Record<string, unknown>;
  return new Response(JSON.stringify(change(answer)), { status: response.status, headers });
}
