import { proofKeyOf } from "./bound-token.ts";
import { apiError, readApiFault, sanitised } from "./classification.ts";
import { within } from "./clock.ts";
import { ConnectorError, type FaultDetails, isConnectorError, located, misconfigured } from "./faults.ts";
import { retryAfter } from "./gates.ts";
import { addHeaders } from "./grants/token-endpoint.ts";
import { isLoopback } from "./hosts.ts";
import type { Answer, ApiCall, ApiRequest, FaultReading } from "./provider.ts";
import type { CallRequest, ConnectionView } from "./provider-context.ts";
import type { Audience, Row } from "./record.ts";
import type { Registration } from "./registration.ts";
import type { ObtainOptions } from "./renewal.ts";
import type { Runtime } from "./runtime.ts";
import type { Secret } from "./secret.ts";
import { readAnswer } from "./wire.ts";

/** Where requests get their token, and what is done when the API says that the grant is over. */
export interface Bearer {
  obtain(options: ObtainOptions & Audience): Promise<Obtained>;
  /** `false` for a credential that nothing renews. */
  readonly renewable: boolean;
  /** Whose token it is. */
  readonly of: ApiCall["bearer"];
  /** The API said so of what it was asked with, and confirmed it where the provider asks for that. */
  over?(reading: FaultReading, token: Obtained): Promise<void>;
}

export interface Obtained {
  readonly accessToken: Secret;
  /** To name when it is refused. */
  readonly generation: number;
  /** Generation of the connection that the token was handed out for, where it is the application's. */
  readonly leaning?: number;
  /** The record that it is kept in. */
  readonly key?: string;
}

/** Authenticated requests to one provider's API. */
export interface ApiClient {
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>;
  call(path: string, request?: CallRequest): Promise<unknown>;
}

/** Bytes of an error answer, and of an answer that is read whole. */
const errorSize = 256 * 1024;
const callSize = 16 * 1024 * 1024;

export function createApiClient(
  runtime: Runtime,
  registration: Registration,
  bearer: Bearer,
  view?: ConnectionView,
): ApiClient {
  const { api, proof } = registration.provider;
  /** Answers to requests that were refused unread: they tell nothing of the token. */
  const unread = new WeakSet<Response>();
  const place: FaultDetails = {
    registration: registration.name,
    provider: registration.provider.id,
    ...(view && { connection: view.id }),
  };

  async function fetchWithToken(
    input: string | URL | Request,
    init: RequestInit = {},
  ): Promise<{ response: Response; token: Secret }> {
    if (!api)
      throw new ConnectorError(
        { kind: "configuration" },
        `Registration "${registration.name}" declares no API; use accessToken() and send the request yourself.`,
        place,
      );
    const given = input instanceof Request ? input : undefined;
    const url = new URL(input instanceof Request ? input.url : input, api.base);
    checkOrigin(url);
    const method = (init.method ?? given?.method ?? "GET").toUpperCase();
    const body = init.body ?? given?.body ?? null;
    const headers = new Headers(init.headers ?? given?.headers);
    const asked: ApiRequest = {
      method,
      url,
      headers,
      body: typeof body === "string" ? body : undefined,
      hasBody: body !== null,
    };
    const request = completed(asked);
    checkOrigin(request.url);
    const signal = init.signal ?? given?.signal;

    const send = (token: Secret): Promise<Response> =>
      sendWith(token, request, {
        ...(given && { redirect: given.redirect, cache: given.cache, keepalive: given.keepalive }),
        ...init,
        body: request.body ?? body,
        signal: signal ?? null,
        ...(isReadOnce(body) && { duplex: "half" }),
      } as RequestInit);

    const token = await bearer.obtain({ signal: signal ?? undefined });
    const response = await send(token.accessToken);
    const made: ApiCall = { method, url: request.url, bearer: bearer.of };
    const reading = await readingOf(response, made);
    if (reading?.kind === "reauthorize") await believed(reading, token, signal);
    if (reading?.kind !== "stale_token" || !bearer.renewable) return { response, token: token.accessToken };
    const renewal = bearer.obtain({ signal: signal ?? undefined, refused: token.generation });
    if (isReadOnce(body)) {
      // It was read and cannot be sent again. The caller gets the refusal, and a good token at the next call.
      await renewal.catch(() => {});
      return { response, token: token.accessToken };
    }
    const renewed = await renewal;
    await response.body?.cancel().catch(() => {});
    const second = await send(renewed.accessToken);
    const again = await readingOf(second, made);
    if (again?.kind === "reauthorize") await believed(again, renewed, signal);
    return { response: second, token: renewed.accessToken };
  }

  /** With what every call to this provider needs. */
  function completed(asked: ApiRequest): ApiRequest {
    try {
      return api?.request?.(asked, view) ?? asked;
    } catch (error) {
      throw isConnectorError(error) ? located(error, place) : error;
    }
  }

  /** Sends a request with its token, and with proof where the token is bound to a key. */
  async function sendWith(token: Secret, { method, url, headers }: ApiRequest, init: RequestInit): Promise<Response> {
    const key = proofKeyOf(token);
    const proven = { method, url: url.href, accessToken: token };
    const once = async (): Promise<Response> => {
      const authorized = new Headers(headers);
      // In the header alone: a URL ends up in logs (RFC 6750, section 5.3).
      setBearer(authorized, token);
      if (proof && key) addHeaders(authorized, await proof.headers(key.reveal(), proven));
      const response = await registration.fetch(url.href, { ...init, method, headers: authorized });
      if (key && proof?.again(proven, response)) unread.add(response);
      return response;
    };
    const response = await once();
    if (!unread.has(response) || isReadOnce(init.body)) return response;
    await response.body?.cancel().catch(() => {});
    return once();
  }

  function setBearer(headers: Headers, token: Secret): void {
    try {
      headers.set("authorization", `Bearer ${token.reveal()}`);
    } catch {
      // What the platform says of it quotes it.
      throw misconfigured(
        "The token has characters that no header can carry. Give it as the provider issued it.",
        place,
      );
    }
  }

  /** The token goes to the provider's own origins alone (RFC 9700, section 4.10.2). */
  function checkOrigin(url: URL): void {
    const origins = api?.origins ?? [api?.base ?? ""];
    const known = origins.some((origin: string) => new URL(origin).origin === url.origin);
    const secure = url.protocol === "https:" || (runtime.insecureLoopback && isLoopback(url));
    if (!known || !secure)
      throw new ConnectorError(
        { kind: "permission" },
        `The token may not be sent to ${url.origin}; it belongs to ${origins.join(", ")}.`,
        place,
      );
  }

  async function readingOf(response: Response, made: ApiCall): Promise<FaultReading | undefined> {
    if (response.status < 400 || unread.has(response)) return undefined;
    // A body that cannot be read, or not within bounds, leaves what status and headers tell.
    const { status, headers } = response;
    const answer = await inTime(readAnswer(response.clone(), errorSize)).catch(() =>
      readAnswer(new Response(null, { status, headers }), 0),
    );
    return readApiFault(answer, api, made);
  }

  const inTime = <T>(work: Promise<T>): Promise<T> => within(runtime.clock, runtime.timing.requestDeadline, work);

  /** Ends the connection, where every place that the reading names says the same. */
  async function believed(
    reading: FaultReading,
    token: Obtained,
    signal: AbortSignal | null | undefined,
  ): Promise<void> {
    if (!bearer.over) return;
    for (const path of reading.confirmAt ?? []) {
      const second = await inTime(probe(path, token.accessToken, signal)).catch(() => undefined);
      if (second?.kind !== "reauthorize" || second.code !== reading.code) return;
    }
    await bearer.over(reading, token);
  }

  async function probe(
    path: string,
    token: Secret,
    signal: AbortSignal | null | undefined,
  ): Promise<FaultReading | undefined> {
    const url = new URL(path, api?.base);
    checkOrigin(url);
    const asked: ApiRequest = { method: "GET", url, headers: new Headers(), hasBody: false };
    const request = completed(asked);
    const response = await sendWith(token, request, { signal: signal ?? null });
    return readingOf(response, { method: "GET", url: request.url, bearer: bearer.of });
  }

  async function call(path: string, request: CallRequest = {}): Promise<unknown> {
    const url = new URL(path, api?.base);
    for (const [name, value] of Object.entries(request.query ?? {}))
      if (value !== undefined) url.searchParams.set(name, String(value));
    const headers = new Headers({ accept: "application/json", ...request.headers });
    const init: RequestInit = { method: request.method ?? "GET", headers };
    if (request.json !== undefined) {
      headers.set("content-type", "application/json");
      init.body = JSON.stringify(request.json);
    }
    let answer: Answer;
    let token: Secret;
    const { callDeadline } = runtime.timing;
    const stop = new AbortController();
    const late = runtime.clock.after(callDeadline, () => stop.abort());
    try {
      const sent = await fetchWithToken(url, { ...init, signal: stop.signal });
      token = sent.token;
      answer = await readAnswer(sent.response, callSize);
    } catch (error) {
      // What the grant or its store says counts, also where it was said late.
      if (error instanceof ConnectorError && error.fault.kind !== "aborted") throw error;
      const retryAt = runtime.clock.now() + 1000;
      const what = stop.signal.aborted ? `did not answer within ${callDeadline / 1000} s` : "could not be reached";
      throw new ConnectorError({ kind: "retry", retryAt }, `The API at ${url.origin} ${what}. Try again.`, place);
    } finally {
      late();
    }
    const made: ApiCall = { method: init.method ?? "GET", url, bearer: bearer.of };
    const reading = readApiFault(answer, api, made);
    const now = runtime.clock.now();
    if (reading)
      throw apiError(
        sanitised(reading, [token.reveal()]),
        answer.status,
        place,
        retryAfter(answer.headers, now) ?? now + 1000,
      );
    if (answer.text.trim() === "") return undefined;
    if (answer.json === undefined)
      throw new ConnectorError(
        { kind: "protocol" },
        `The API at ${url.origin} answered ${answer.status} with ${answer.mediaType || "no media type"} in place of JSON. Check the API's base URL.`,
        {
          ...place,
          status: answer.status,
        },
      );
    return answer.json;
  }

  return { fetch: async (input, init) => (await fetchWithToken(input, init)).response, call };
}

/** Whether a body is gone once it was sent: streams, and what Node takes for one. */
const isReadOnce = (body: unknown): boolean =>
  body instanceof ReadableStream || (typeof body === "object" && body !== null && Symbol.asyncIterator in body);

/** What is plain to see of a row. */
export function viewOf({
  id,
  owner,
  registration,
  account,
  data,
}: Pick<Row, "id" | "owner" | "registration" | "account" | "data">): ConnectionView {
  return { id, owner, registration, account, data };
}
