import type { AuthorizationServer, Client, TokenEndpointRequestOptions, TokenEndpointResponse } from "oauth4webapi";
import { accessTokenOf } from "../bound-token.ts";
import { readTokenFault, sanitised } from "../classification.ts";
import { createDeadline } from "../deadline.ts";
import { isTokenText } from "../encoding.ts";
import { describe, isConnectorError, quote, retryAtOf } from "../faults.ts";
import { mendPause, retryAfter } from "../gates.ts";
import { type Protocol, protocol } from "../protocol.ts";
import type { Answer, FaultReading } from "../provider.ts";
import { isObject } from "../record.ts";
import type { Registration } from "../registration.ts";
import type { Runtime } from "../runtime.ts";
import { Secret } from "../secret.ts";
import { answerSize, exchange, WireFailure } from "../wire.ts";

/** Tokens as a server answered them, checked. */
export interface TokenSet {
  readonly accessToken: Secret;
  readonly refreshToken?: Secret;
  /** When the request was sent: epoch milliseconds. */
  readonly issuedAt: number;
  /** Epoch milliseconds; absent where neither the answer nor the provider names a lifetime. */
  readonly expiresAt?: number;
  readonly refreshExpiresAt?: number;
  /** Granted scope, where the answer names it. */
  readonly scope?: readonly string[];
  /** The members of the answer, for the provider's own reading. */
  readonly answer: Readonly<Record<string, unknown>>;
}

/** A token request that brought no tokens. Internal: callers see a `ConnectorError`. */
export class TokenFailure extends Error {
  /** `unsent`: nothing left. `lost`: an answer may have been lost. `answered`. `garbled`: a success that could not be read. */
  readonly phase: "unsent" | "lost" | "answered" | "garbled";
  readonly reading: FaultReading;
  readonly status: number | undefined;
  readonly retryAt: number | undefined;

  constructor(phase: TokenFailure["phase"], reading: FaultReading, status?: number, retryAt?: number) {
    super(reading.description ?? reading.code ?? phase);
    this.phase = phase;
    this.reading = reading;
    this.status = status;
    this.retryAt = retryAt;
  }
}

export interface TokenRequestContext {
  readonly oauth: Protocol;
  readonly as: AuthorizationServer;
  readonly client: Client;
  readonly options: TokenEndpointRequestOptions;
}

/** Errors that say nothing of the client's other requests. */
const ofThisRequest = new Set([
  "access_denied",
  "invalid_grant",
  "invalid_request",
  "invalid_scope",
  "invalid_target",
  "unsupported_grant_type",
]);

/**
 * One request to the token endpoint, in the provider's dialect on the wire and in the RFC's on this side.
 *
 * @param send - Makes the standard request.
 * @param process - Validates the standard answer.
 * @param beforeSend - Called last before the first byte; throws where the right to send has passed.
 * @param proofKey - The key that the grant is bound to; a new one is made where the provider binds and there is none.
 */
export async function requestTokens(
  runtime: Runtime,
  registration: Registration,
  grantType: string,
  send: (context: TokenRequestContext) => Promise<Response>,
  process: (context: TokenRequestContext, response: Response) => Promise<TokenEndpointResponse>,
  beforeSend?: () => Promise<void>,
  proofKey?: Secret,
): Promise<TokenSet> {
  const { provider } = registration;
  const { proof } = provider;
  const { clock, gates } = runtime;
  let as: AuthorizationServer;
  try {
    as = await registration.server();
  } catch (error) {
    // When this process may ask for the document again says nothing of others, which may have it: not for the row.
    const kind = retryAtOf(error) === undefined ? "configuration" : "retry";
    throw new TokenFailure("unsent", { kind, description: describe(error) });
  }
  const endpoint = as.token_endpoint ?? "";
  const gate = gates.closed(endpoint, provider.client.id);
  if (gate)
    throw new TokenFailure(
      "unsent",
      { kind: gate.kind, ...(gate.code !== undefined && { code: gate.code }), description: "requests are held back" },
      undefined,
      gate.until,
    );

  const key = proof && (proofKey ?? new Secret(await proof.create()));
  const preparation = createDeadline(clock, runtime.timing.requestDeadline, "the client's secret or key was not there");
  let again = false;
  let sent = false;
  let issuedAt = clock.now();
  let members: Readonly<Record<string, unknown>> = {};
  const oauth = await protocol();
  const context: TokenRequestContext = {
    oauth,
    as,
    client: registration.client,
    options: {
      [oauth.allowInsecureRequests]: runtime.insecureLoopback,
      [oauth.customFetch]: async (url, init) => {
        const standard = { url, headers: new Headers(init.headers), body: init.body as URLSearchParams };
        const request = provider.dialect?.request?.(standard) ?? standard;
        const proven = { method: "POST", url: request.url };
        if (proof && key) addHeaders(request.headers, await proof.headers(key.reveal(), proven));
        preparation.met();
        await beforeSend?.();
        sent = true;
        issuedAt = clock.now();
        const answer = await exchange(
          registration.fetch,
          clock,
          { method: "POST", ...request },
          { deadline: runtime.timing.requestDeadline, size: answerSize },
        );
        // Refused before what it carries was looked at (RFC 9449, section 8): as if it had not been sent.
        if (proof?.again(proven, answer) && !again) {
          again = true;
          sent = false;
          return Response.error();
        }
        members = readMembers(runtime, registration, grantType, answer, () => secretsIn(standard));
        const { id_token: _own, ...standardMembers } = members;
        return readAlready(standardMembers);
      },
    },
  };
  try {
    let response = await preparation.of(send(context));
    // Made anew from the beginning: a client assertion serves once.
    if (response.type === "error") response = await preparation.of(send(context));
    const token = await process(context, response);
    if (token.token_type !== (proof?.tokenType ?? "bearer").toLowerCase())
      throw new TokenFailure("garbled", {
        kind: "protocol",
        description: `a token of type ${quote(token.token_type, 40)} where ${proof?.tokenType ?? "Bearer"} was asked for`,
      });
    gates.open(endpoint, provider.client.id, issuedAt);
    runtime.incidents.resolved(registration);
    const expiresAt = token.expires_in ?? provider.accessToken?.lifetime;
    return {
      accessToken: accessTokenOf(token.access_token, key),
      issuedAt,
      answer: members,
      ...(token.refresh_token !== undefined && { refreshToken: new Secret(token.refresh_token) }),
      ...(expiresAt !== undefined && { expiresAt: issuedAt + expiresAt * 1000 }),
      ...(token.scope !== undefined && { scope: token.scope.split(" ").filter((scope) => scope !== "") }),
    };
  } catch (error) {
    if (error instanceof WireFailure)
      throw new TokenFailure(error.phase, {
        kind: "retry",
        description: error.message,
        ...(error.code !== undefined && { code: error.code }),
      });
    if (isConnectorError(error)) throw error;
    // Before anything left: a client's secret that could not be had, for example.
    if (!sent) throw new TokenFailure("unsent", { kind: "retry", description: describe(error) });
    if (!(error instanceof TokenFailure)) {
      // What the validation says may quote the body; its name alone does not.
      const name = error instanceof Error && "code" in error ? String(error.code) : "invalid answer";
      throw new TokenFailure(
        "garbled",
        { kind: "protocol", code: name, description: "the answer is not a token answer (RFC 6749, section 5.1)" },
        200,
      );
    }
    if (error.phase === "answered") {
      const { kind, code } = error.reading;
      if (kind === "configuration") {
        if (!ofThisRequest.has(code ?? ""))
          gates.close(endpoint, provider.client.id, { until: clock.now() + mendPause, kind, code });
        runtime.incidents.opened(registration, error.reading, error.status);
      } else if (kind === "retry" && error.retryAt !== undefined)
        gates.close(endpoint, provider.client.id, { until: error.retryAt, kind, code });
    }
    throw error;
  }
}

export function addHeaders(headers: Headers, more: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(more)) headers.set(name, value);
}

/** A response whose body was read already, so that it is not written and parsed once more. */
function readAlready(members: object): Response {
  // Defined, not assigned: some servers put a Response of their own in the platform's place, whose methods are read-only.
  return Object.defineProperty(new Response(null), "json", { value: async () => ({ ...members }) });
}

/** The answer's members under the RFC's names, with what servers get wrong put right or left out. */
function readMembers(
  runtime: Runtime,
  registration: Registration,
  grantType: string,
  answer: Answer,
  secrets: () => readonly string[],
): Record<string, unknown> {
  const { provider } = registration;
  const fault = readTokenFault(answer, grantType, provider.dialect);
  if (fault) {
    const throttled = answer.status === 429 || answer.status === 503;
    throw new TokenFailure(
      "answered",
      sanitised(fault, secrets()),
      answer.status,
      throttled ? retryAfter(answer.headers, runtime.clock.now()) : undefined,
    );
  }
  const body = provider.dialect?.response?.(answer, grantType) ?? answer.json;
  if (!isObject(body) || typeof body.access_token !== "string" || !isTokenText(body.access_token))
    throw new TokenFailure(
      "garbled",
      { kind: "protocol", description: "a success without an access token" },
      answer.status,
    );
  const { expires_in, refresh_token, scope, token_type, ...rest } = body;
  const lifetime = readLifetime(expires_in);
  if (lifetime === undefined && expires_in !== undefined)
    runtime.warn(registration, "the token answer's expires_in is not a lifetime; the provider's default is used");
  return {
    ...rest,
    ...(lifetime !== undefined
      ? { expires_in: lifetime }
      : expires_in !== undefined && provider.accessToken?.lifetime === undefined && { expires_in: floorLifetime }),
    ...(typeof refresh_token === "string" && refresh_token !== "" && { refresh_token }),
    ...(scope !== undefined && scope !== null && { scope: readScope(scope).join(" ") }),
    token_type: token_type ?? provider.accessToken?.type,
  };
}

/** Seconds for which a token is used whose answer names an impossible lifetime, where the provider declares none. */
const floorLifetime = 60;

/** A lifetime in seconds: a positive number of at most ten years, also as a string of digits. */
function readLifetime(value: unknown): number | undefined {
  const seconds = typeof value === "string" && /^\d{1,12}$/.test(value) ? Number(value) : value;
  return typeof seconds === "number" && seconds > 0 && seconds <= 315_360_000 ? seconds : undefined;
}

/** Scope in whatever form as a list without repetitions. */
function readScope(value: unknown): string[] {
  const parts = Array.isArray(value) ? value.map(String) : typeof value === "string" ? value.split(/[\s,]+/) : [];
  return [...new Set(parts.filter((part) => part !== ""))];
}

/** What a request carries that its answer must not be quoted with. */
function secretsIn({ headers, body }: { readonly headers: Headers; readonly body: URLSearchParams }): string[] {
  const names = [
    "client_secret",
    "refresh_token",
    "code",
    "code_verifier",
    "client_assertion",
    "device_code",
    "subject_token",
    "actor_token",
    "assertion",
  ];
  const secrets = names.map((name) => body.get(name)).filter((value) => value !== null);
  const basic = /^Basic (.+)$/.exec(headers.get("authorization") ?? "")?.[1];
  if (basic === undefined) return secrets;
  const password = atob(basic).split(":")[1] ?? "";
  return [...secrets, basic, password, decodeURIComponent(password.replaceAll("+", " "))];
}
