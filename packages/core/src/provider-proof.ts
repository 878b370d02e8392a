import type { Secret } from "./secret.ts";

/**
 * Proof that whoever presents a token holds the key that it is bound to (RFC 9449). Core keeps the key sealed with the grant;
 * what a proof looks like is the provider's.
 */
export interface ProofDefinition {
  /** `token_type` of tokens that are bound; a token of another type is refused. */
  readonly tokenType: string;
  /** A new key as text. */
  readonly create: () => Promise<string>;
  /** What a request carries: to the API, with `accessToken`, its Authorization, too. */
  readonly headers: (key: string, request: ProofRequest) => Promise<Readonly<Record<string, string>>>;
  /** Learns from every answer. `true`: the request was refused unread for want of what is known now; it is sent once more. */
  readonly again: (request: ProofRequest, answer: ProofAnswer) => boolean;
}

/** A request that a proof of possession is for. */
export interface ProofRequest {
  readonly method: string;
  readonly url: string;
  /** At the API; absent at the authorization server. */
  readonly accessToken?: Secret;
}

/** An answer that may ask for another proof. */
export interface ProofAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** The body as JSON, of an answer of the authorization server. */
  readonly json?: unknown;
}
