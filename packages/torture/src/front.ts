import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { attemptHeader, workerHeader } from "./attempts.ts";

/** One presentation of a refresh token, as seen in front of the server. Instants are epoch milliseconds. */
export interface Presentation {
  readonly number: number;
  readonly token: string;
  /** The process that sent it. */
  readonly worker: string;
  /** Which of its requests it is, by that process's own count. */
  readonly attempt: number;
  readonly at: number;
  /** The fault that the server was told to commit. */
  fault?: string;
  /** What the server answered; absent where it did not. */
  status?: number;
  /** The refresh token to hold from then on, where the answer names one. */
  successor?: string;
  accessToken?: string;
  /** When the whole answer had left for a caller that was still there. */
  deliveredAt?: number;
  /** When the exchange broke off without an answer for the caller. */
  brokenAt?: number;
}

/**
 * Stands between the processes and the authorization server and writes down who presented what, what was answered, and
 * whether the answer got out: what a server alone does not know.
 */
export interface Front extends AsyncDisposable {
  readonly origin: string;
  readonly presentations: readonly Presentation[];
  /** The grant that a refresh token belongs to, by its number. */
  grantOf(token: string): number | undefined;
  /** Told of every presentation as it arrives; `over` resolves when it was answered or broke off. */
  onPresentation(listener: PresentationListener): void;
  /** The code that is redeemed next begins the grant with this number. */
  expect(grant: number): void;
  /** Notes what the server was told to do to the request with this number. */
  noteFault(number: number, fault: string): void;
}

export type PresentationListener = (presentation: Presentation, over: Promise<void>) => void;

/** The header by which the server's faults find their presentation again. */
export const numberHeader = "x-presentation";

export async function openFront(target: string): Promise<Front> {
  const presentations: Presentation[] = [];
  const grants = new Map<string, number>();
  const listeners: PresentationListener[] = [];
  let linking = 0;

  async function serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const body = await text(incoming);
    const form = new URLSearchParams(body);
    const over = Promise.withResolvers<void>();
    const presentation = form.get("grant_type") === "refresh_token" ? arrived(incoming, form, over.promise) : undefined;
    const settle = () => {
      if (presentation && outgoing.writableFinished) presentation.deliveredAt ??= Date.now();
      else if (presentation) presentation.brokenAt ??= Date.now();
      over.resolve();
    };
    outgoing.once("finish", settle).once("close", settle);
    try {
      // Never given up by us: a server does not notice that nobody waits for its answer any more.
      const response = await fetch(target + (incoming.url ?? "/"), {
        method: incoming.method ?? "GET",
        headers: forwarded(incoming, presentation),
        redirect: "manual",
        ...(body !== "" && { body }),
      });
      const answer = await response.text();
      if (form.has("grant_type")) learn(presentation, form, response.status, answer);
      const location = response.headers.get("location");
      outgoing.writeHead(response.status, {
        "content-type": response.headers.get("content-type") ?? "text/plain",
        ...(location !== null && { location }),
      });
      outgoing.end(answer);
    } catch {
      if (presentation) presentation.brokenAt ??= Date.now();
      outgoing.destroy();
    }
  }

  function arrived(incoming: IncomingMessage, form: URLSearchParams, over: Promise<void>): Presentation {
    const presentation: Presentation = {
      number: presentations.length,
      token: form.get("refresh_token") ?? "",
      worker: String(incoming.headers[workerHeader] ?? "?"),
      attempt: Number(incoming.headers[attemptHeader]),
      at: Date.now(),
    };
    presentations.push(presentation);
    for (const listener of listeners) listener(presentation, over);
    return presentation;
  }

  function learn(presentation: Presentation | undefined, form: URLSearchParams, status: number, answer: string): void {
    const tokens = status === 200 ? (JSON.parse(answer) as { access_token?: string; refresh_token?: string }) : {};
    const { access_token, refresh_token } = tokens;
    if (presentation) {
      presentation.status = status;
      if (access_token !== undefined) presentation.accessToken = access_token;
      if (refresh_token !== undefined) presentation.successor = refresh_token;
    }
    const grant = presentation ? grants.get(presentation.token) : linking;
    if (refresh_token === undefined || grant === undefined) return;
    if (presentation || form.get("grant_type") === "authorization_code") grants.set(refresh_token, grant);
  }

  const server = createServer({ keepAliveTimeout: 600_000, requestTimeout: 0 }, (incoming, outgoing) => {
    serve(incoming, outgoing).catch(() => outgoing.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    presentations,
    grantOf: (token) => grants.get(token),
    onPresentation: (listener) => void listeners.push(listener),
    expect(grant) {
      linking = grant;
    },
    noteFault(number, fault) {
      const presentation = presentations[number];
      if (presentation) presentation.fault = fault;
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

function forwarded(incoming: IncomingMessage, presentation: Presentation | undefined): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headers))
    if (typeof value === "string" && !["host", "connection", "content-length", "transfer-encoding"].includes(name))
      headers.set(name, value);
  if (presentation) headers.set(numberHeader, `${presentation.number}`);
  return headers;
}

async function text(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
