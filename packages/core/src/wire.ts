import type { Clock } from "./clock.ts";
import { describe } from "./faults.ts";
import type { Answer } from "./provider.ts";

/**
 * The wire: one request that carries a credential, and its answer, within bounds of time and size. No redirect is followed
 * (RFC 9700, section 4.12): what was sent is meant for this server alone.
 */
export interface Exchange {
  readonly url: string;
  readonly method: string;
  readonly headers: Headers;
  readonly body?: string | URLSearchParams | undefined;
}

export interface ExchangeLimits {
  /** Milliseconds from the start to the last byte of the body. */
  readonly deadline: number;
  /** Bytes of the body. */
  readonly size: number;
}

/** Bytes of a token answer or a metadata document. */
export const answerSize = 256 * 1024;

/** No answer came, or not all of it. `unsent`: the request cannot have reached the server. */
export class WireFailure extends Error {
  readonly phase: "unsent" | "lost";
  readonly code: string | undefined;

  constructor(phase: "unsent" | "lost", message: string, code?: string) {
    super(message);
    this.phase = phase;
    this.code = code;
  }
}

export type Fetch = (input: string, init: RequestInit) => Promise<Response>;

export async function exchange(fetch: Fetch, clock: Clock, request: Exchange, limits: ExchangeLimits): Promise<Answer> {
  const stop = new AbortController();
  const late = clock.after(limits.deadline, () =>
    stop.abort(new WireFailure("lost", `no complete answer within ${limits.deadline / 1000} s`)),
  );
  try {
    const response = await fetch(request.url, {
      method: request.method,
      headers: request.headers,
      body: request.body ?? null,
      redirect: "manual",
      signal: stop.signal,
    });
    return await readAnswer(response, limits.size);
  } catch (error) {
    throw stop.signal.aborted ? stop.signal.reason : asWireFailure(error);
  } finally {
    late();
  }
}

/** Reads an answer whole, refusing one larger than `size` bytes. */
export async function readAnswer(response: Response, size: number): Promise<Answer> {
  const text = await readText(response, size);
  return {
    status: response.type === "opaqueredirect" ? 302 : response.status,
    headers: response.headers,
    mediaType: response.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase() ?? "",
    text,
    json: parseJson(text),
  };
}

async function readText(response: Response, size: number): Promise<string> {
  if (!response.body) return "";
  const reader = response.body.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.byteLength;
    if (length > size) {
      // Not awaited: of a body that was cloned, it settles only when the other half is let go, too.
      void reader.cancel().catch(() => {});
      throw new WireFailure("lost", `an answer of more than ${size} bytes`);
    }
    chunks.push(value);
  }
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return new TextDecoder().decode(bytes);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Codes of failures before the first byte left: names, connections, certificates, handshakes, and addresses that
 * `@linkwright/egress` refuses. Other failures of TLS (a record that cannot be read, an end in the middle) may come after the request.
 */
const unsentCode =
  /^(ECONNREFUSED|ENOTFOUND|EAI_|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT|CERT_|ERR_TLS_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|HOSTNAME_MISMATCH|ERR_PRIVATE_ADDRESS|ERR_SSL_(WRONG_VERSION_NUMBER|UNSUPPORTED_PROTOCOL|[\w/]+_ALERT_(HANDSHAKE_FAILURE|PROTOCOL_VERSION|INSUFFICIENT_SECURITY))$)/;

function asWireFailure(error: unknown): WireFailure {
  if (error instanceof WireFailure) return error;
  const code = codeOf(error);
  // Where the platform does not say what failed, the request may have arrived.
  return new WireFailure(code && unsentCode.test(code) ? "unsent" : "lost", code ?? describe(error), code);
}

function codeOf(error: unknown): string | undefined {
  for (let depth = 0, at = error; depth < 5 && typeof at === "object" && at !== null; depth++) {
    if ("code" in at && typeof at.code === "string") return at.code;
    if (at instanceof AggregateError) at = at.errors[0];
    else at = (at as { cause?: unknown }).cause;
  }
  return undefined;
}
