import type { Clock } from "@linkwright/core";
import type { Client } from "./clients.ts";
import { OAuthError } from "./error.ts";
import { type AccessToken, type Grant, type GrantSettings, opaque, type TokenSet } from "./grants.ts";
import type { RotatingRefresh } from "./refresh-policy.ts";

interface RefreshToken {
  readonly value: string;
  readonly grant: Grant;
  /** When it was issued, or last redeemed with success. */
  lastUsedAt: number;
  /** What it was exchanged for; such a token is spent. */
  successor?: { readonly at: number; readonly accessToken: AccessToken; readonly refreshToken: string };
}

interface Surroundings {
  readonly clock: Clock;
  readonly settings: GrantSettings;
  readonly counters: { reuses: number; replays: number; familiesRevoked: number; presentations: Map<string, number> };
  readonly issueAccessToken: (clientId: string, scope: readonly string[], grant: Grant) => AccessToken;
  readonly revokeGrant: (grant: Grant) => void;
  readonly tokenSet: (accessToken: AccessToken, refreshToken?: string) => TokenSet;
  /** The grant's newest access token, while it is valid. */
  readonly current: (grant: Grant) => AccessToken | undefined;
}

/** The refresh tokens of a server, under whatever policy it has at the moment of use. */
export function createRefreshTokens(surroundings: Surroundings) {
  const { clock, settings, counters, issueAccessToken, revokeGrant, tokenSet, current } = surroundings;
  const tokens = new Map<string, RefreshToken>();
  const refreshes = new Map<string, number>();

  function issue(grant: Grant): string {
    const value = opaque("rt");
    tokens.set(value, { value, grant, lastUsedAt: clock.now() });
    return value;
  }

  /** A spent token, again: the same successors within the window, else the end of the family. */
  function again(
    token: RefreshToken,
    successor: NonNullable<RefreshToken["successor"]>,
    policy: RotatingRefresh,
  ): TokenSet {
    const alive = token.grant.revokedAt === undefined;
    if (alive && policy.reuseGrace && clock.now() - successor.at <= policy.reuseGrace) {
      counters.replays += 1;
      return tokenSet(successor.accessToken, successor.refreshToken);
    }
    counters.reuses += 1;
    if (alive && policy.reuseDetection !== false) {
      counters.familiesRevoked += 1;
      revokeGrant(token.grant);
    }
    throw new OAuthError("invalid_grant", "The refresh token was used before.");
  }

  return {
    issue,
    grantOf: (value: string) => tokens.get(value)?.grant,

    /**
     * Redeems a refresh token (RFC 6749 §6).
     *
     * @param scope - Asked for; within what was granted. Narrows the access token, not the grant.
     * @throws OAuthError `invalid_grant`, `invalid_scope`.
     */
    redeem(client: Client, value: string, scope?: readonly string[]): TokenSet {
      counters.presentations.set(value, (counters.presentations.get(value) ?? 0) + 1);
      const token = tokens.get(value);
      const policy = settings.refresh;
      if (!token || token.grant.clientId !== client.clientId || policy.kind === "none") {
        throw new OAuthError("invalid_grant", "Unknown refresh token.");
      }
      const { grant, successor } = token;
      if (successor) return again(token, successor, policy.kind === "rotating" ? policy : { kind: "rotating" });
      if (grant.revokedAt !== undefined) throw new OAuthError("invalid_grant", "The grant was revoked.");
      const now = clock.now();
      if (policy.idleTimeout !== undefined && now - token.lastUsedAt > policy.idleTimeout) {
        throw new OAuthError("invalid_grant", "The refresh token was not used for too long.");
      }
      if (policy.absoluteLifetime !== undefined && now - grant.issuedAt > policy.absoluteLifetime) {
        throw new OAuthError("invalid_grant", "The grant has reached its end.");
      }
      if (scope?.some((one) => !grant.scope.includes(one))) {
        throw new OAuthError("invalid_scope", "More than was granted.");
      }

      const unchanged = policy.kind === "fixed" && policy.echo ? value : undefined;
      const early = policy.earlyRefresh === "same" && !scope ? current(grant) : undefined;
      token.lastUsedAt = now;
      if (early) return tokenSet(early, unchanged);

      const count = (refreshes.get(grant.id) ?? 0) + 1;
      refreshes.set(grant.id, count);
      const accessToken = issueAccessToken(client.clientId, scope ?? grant.scope, grant);
      if (policy.kind === "fixed" || count <= (policy.rotateAfter ?? 0)) return tokenSet(accessToken, unchanged);
      const refreshToken = issue(grant);
      token.successor = { at: now, accessToken, refreshToken };
      return tokenSet(accessToken, refreshToken);
    },
  };
}
