/** The terms in which `lifecycle.ts` decides. */

/** How a provider's tokens live: its definition in the terms of this file. Milliseconds. */
export interface Policy {
  /** How a new access token is had: with the refresh token, by asking anew, or not at all. */
  readonly renewal: "refresh" | "mint" | "none";
  /** Whether the refresh token may be used up by being presented. */
  readonly rotates: boolean;
  /** For how long the server accepts a rotated refresh token again. */
  readonly reuseGrace?: number | undefined;
  readonly lostResponse: "retry" | "reauthorize";
  readonly idleTimeout?: number | undefined;
}

/** Lengths of the protocol, in milliseconds. */
export interface Timing {
  /** How long a claim stands without a beat. */
  readonly claimLength: number;
  /** How long it stands at most, with beats. Longer than any request may take. */
  readonly claimCap: number;
  /** How long one request to a token endpoint may take. Two of them fit under the cap. */
  readonly requestDeadline: number;
  /** How long a provider's own function waits for an answer of its API, tokens included. */
  readonly callDeadline: number;
  /** How long a claim that lapsed is left alone where its holder may have used up the refresh token. */
  readonly doubtWait: number;
  /** Validity that a token is handed out with, unless the caller asks for more; at most 5 % of its lifetime. */
  readonly minValidity: number;
  /** Before its end from which on a token is renewed ahead; at most 10 % of its lifetime. */
  readonly renewAhead: number;
  /** First and longest pause between attempts that fail. */
  readonly backoff: { readonly first: number; readonly longest: number };
  /** How long before its end a consent is announced as ending. */
  readonly consentNotice: number;
}

/** Lengths that suit every provider known. Milliseconds. */
export const defaultTiming: Timing = {
  claimLength: 6_000,
  claimCap: 40_000,
  requestDeadline: 15_000,
  callDeadline: 60_000,
  doubtWait: 60_000,
  minValidity: 10_000,
  renewAhead: 300_000,
  backoff: { first: 1_000, longest: 300_000 },
  consentNotice: 7 * 86_400_000,
};
