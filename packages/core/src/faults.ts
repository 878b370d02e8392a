/**
 * What can go wrong, from the caller's side: a closed set of kinds, each of which says what to do next.
 *
 * | kind | what the caller does |
 * |---|---|
 * | `reauthorize` | asks the user to connect again; `reason` says why |
 * | `retry` | tries again at `retryAt` (epoch milliseconds), not earlier |
 * | `configuration` | nothing; the operator or the calling code must change something |
 * | `permission` | does without: the grant is alive and does not cover this |
 * | `flow` | starts the authorization anew; `reason` says what was wrong with this one |
 * | `gone` | forgets what `reason` says is gone: the connection, or what was asked for |
 * | `protocol` | reports: the server broke its contract |
 * | `store` | tries again when the store works; nothing was lost and nothing was concluded |
 * | `cancelled` | nothing: the user said no |
 * | `aborted` | nothing: the caller's own signal |
 */
export type Fault =
  | { readonly kind: "reauthorize"; readonly reason: ReauthorizeReason }
  | { readonly kind: "retry"; readonly retryAt: number }
  | { readonly kind: "configuration" }
  | { readonly kind: "permission" }
  | { readonly kind: "flow"; readonly reason: FlowReason }
  | { readonly kind: "gone"; readonly reason: GoneReason }
  | { readonly kind: "protocol" }
  | { readonly kind: "store" }
  | { readonly kind: "cancelled" }
  | { readonly kind: "aborted" };

/** What to do about a failure, in one word. */
export type FaultKind = Fault["kind"];

/**
 * Why the user has to connect again: the grant was `revoked`; it `expired` and nothing renews it; its refresh token lay
 * unused for too long (`idle_timeout`); the consent behind it ended (`consent_ended`); an answer with a new refresh token
 * was lost on the way (`rotation_lost`); or a required `scope` was not granted.
 */
export type ReauthorizeReason = "revoked" | "expired" | "idle_timeout" | "consent_ended" | "rotation_lost" | "scope";

/**
 * Why an authorization cannot be finished: no flow fits the callback (`unknown_state`); it took too long, or the code did
 * (`expired`); the callback was there before (`used`); another browser session brought it (`wrong_browser`), or another server
 * (`issuer`); the user left out some of the required `scope`; or the `account` is another owner's.
 */
export type FlowReason = "unknown_state" | "expired" | "used" | "wrong_browser" | "issuer" | "scope" | "account";

/**
 * What is gone: the connection was `disconnected`; there is none of that id and owner (`unknown`); or the API does not know
 * what was asked of it (`not_found`), and the connection stands.
 */
export type GoneReason = "disconnected" | "unknown" | "not_found";

/** What is known of a fault besides its kind. Texts from a server are quoted, bounded and cleaned. */
export interface FaultDetails {
  /** The provider's id. */
  readonly provider?: string;
  /** The name the application gave the provider. */
  readonly registration?: string;
  /** The connection's id. */
  readonly connection?: string;
  /** The provider's own code for it, or the OAuth `error` (RFC 6749, section 5.2). */
  readonly code?: string;
  /** The HTTP status that the server answered with. */
  readonly status?: number;
  /** Handles by which the provider's support finds the request, by header or member name. */
  readonly support?: Readonly<Record<string, string>>;
}

const brand = Symbol.for("@linkwright/ConnectorError");

/**
 * The one error of the framework. Its message tells what to do; `fault` is for code to branch on.
 *
 * @example
 * ```ts
 * try {
 *   await connection.accessToken();
 * } catch (error) {
 *   if (isConnectorError(error) && error.fault.kind === "reauthorize") return askToReconnect(error.fault.reason);
 *   throw error;
 * }
 * ```
 */
export class ConnectorError extends Error {
  override readonly name = "ConnectorError";
  readonly fault: Fault;
  readonly details: FaultDetails;
  readonly [brand] = true;

  constructor(fault: Fault, message: string, details: FaultDetails = {}) {
    super(message);
    this.fault = fault;
    this.details = details;
  }

  toJSON(): object {
    return { name: this.name, message: this.message, fault: this.fault, details: this.details };
  }
}

/** Whether `error` is a {@link ConnectorError}, also one from another copy of this package. */
export function isConnectorError(error: unknown): error is ConnectorError {
  return typeof error === "object" && error !== null && (error as { [brand]?: unknown })[brand] === true;
}

/** When it may be tried again, where the error says so: epoch milliseconds. */
export function retryAtOf(error: unknown): number | undefined {
  return isConnectorError(error) && error.fault.kind === "retry" ? error.fault.retryAt : undefined;
}

/** The same error with more known about where it happened; what it already says of itself stands. */
export function located(error: ConnectorError, details: FaultDetails): ConnectorError {
  const known = { ...details, ...error.details };
  return new ConnectorError(error.fault, locatedMessage(error, known), known);
}

function locatedMessage(error: ConnectorError, details: FaultDetails): string {
  const place = [
    details.registration && `registration "${quote(details.registration, 60)}"`,
    details.connection && `connection ${quote(details.connection, 60)}`,
  ].filter((part) => part && !error.message.includes(part));
  return place.length === 0 ? error.message : `${error.message} (${place.join(", ")})`;
}

/** Bad configuration: the message names the option and the remedy. */
export function misconfigured(message: string, details?: FaultDetails): ConnectorError {
  return new ConnectorError({ kind: "configuration" }, message, details);
}

/**
 * Text from outside, made safe to show: control and direction characters removed, bounded, and each of `secrets` blotted out,
 * since some servers echo what they were sent.
 */
export function quote(text: string, limit = 200, secrets: readonly string[] = []): string {
  let clean = text;
  for (const secret of secrets) {
    if (secret.length < 4) continue;
    // As it is, and as it stands in a form (RFC 6749, appendix B), in a URL and in JSON.
    const form = new URLSearchParams({ "": secret }).toString().slice(1);
    for (const written of new Set([secret, form, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)]))
      clean = clean.replaceAll(written, "[secret]");
  }
  clean = clean.slice(0, 16_384);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
  clean = clean.replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202f\u2066-\u2069\ufeff]+/g, " ").trim();
  return clean.length > limit ? `${clean.slice(0, limit)}…` : clean;
}

/** A short name of an unknown error for a message: its code or its class and text, bounded. */
export function describe(error: unknown, secrets: readonly string[] = []): string {
  if (!(error instanceof Error)) return quote(String(error), 120, secrets);
  const code = "code" in error && typeof error.code === "string" ? ` ${error.code}` : "";
  return quote(`${error.name}${code}: ${error.message}`, 200, secrets);
}
