/** How a server renews: it issues no refresh token, keeps one for good, or replaces it at each use. Milliseconds throughout. */
export type RefreshPolicy = { readonly kind: "none" } | FixedRefresh | RotatingRefresh;

interface RefreshLimits {
  /** A refresh token that was not used for so long is dead. A refused try does not count as use. */
  readonly idleTimeout?: number;
  /** So long after the user's consent the grant ends, whatever its use. */
  readonly absoluteLifetime?: number;
  /** `same`: while the newest access token is still valid, a refresh answers with it again, and rotates nothing. Default `new`. */
  readonly earlyRefresh?: "new" | "same";
}

/** Refresh tokens that stay. */
export interface FixedRefresh extends RefreshLimits {
  readonly kind: "fixed";
  /** Whether the unchanged token is in the answer. Default: it is left out. */
  readonly echo?: boolean;
}

/** Refresh tokens that change with every use. */
export interface RotatingRefresh extends RefreshLimits {
  readonly kind: "rotating";
  /** Whether a spent token that is presented again revokes the whole grant (RFC 9700 §4.14.2). Default true. */
  readonly reuseDetection?: boolean;
  /** For so long after a rotation, the spent token is answered with the very same successors. Default 0. */
  readonly reuseGrace?: number;
  /** So many refreshes keep the token before rotation begins. Default 0. */
  readonly rotateAfter?: number;
}

/** A policy, or one of its kinds with nothing else said. */
export type RefreshPolicyOption = RefreshPolicy | RefreshPolicy["kind"];

export function refreshPolicy(option: RefreshPolicyOption): RefreshPolicy {
  return typeof option === "string" ? { kind: option } : option;
}
