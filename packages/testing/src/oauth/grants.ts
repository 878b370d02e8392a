import { createHash, randomBytes } from "node:crypto";
import type { Clock } from "@linkwright/core";
import type { Client } from "./clients.ts";
import { OAuthError } from "./error.ts";
import type { RefreshPolicy } from "./refresh-policy.ts";
import { createRefreshTokens } from "./refresh-tokens.ts";

/** What a user allowed a client: the family that every token of it belongs to. */
export interface Grant {
  readonly id: string;
  readonly clientId: string;
  readonly subject: string;
  readonly scope: readonly string[];
  /** What the provider notes beside it. */
  readonly details: Readonly<Record<string, string>>;
  /** Epoch milliseconds, as all times here. */
  readonly issuedAt: number;
  revokedAt?: number;
}

/** An access token that a simulator issued. Instants are epoch milliseconds. */
export interface AccessToken {
  readonly value: string;
  readonly clientId: string;
  /** Absent for the client's own token. */
  readonly grant?: Grant;
  readonly scope: readonly string[];
  readonly issuedAt: number;
  readonly expiresAt: number;
  revoked: boolean;
}

/** What one token request yields. */
export interface TokenSet {
  readonly accessToken: AccessToken;
  /** Absent where none goes into the answer. */
  readonly refreshToken?: string;
  /** Of the access token, in seconds from now. */
  readonly expiresIn: number;
}

/** What the server read of an authorization request and the user agreed to. */
export interface Consent {
  readonly client: Client;
  readonly redirectUri: string;
  readonly scope: readonly string[];
  readonly subject: string;
  readonly codeChallenge?: string;
  readonly details?: Readonly<Record<string, string>>;
}

/** Read at every use, so that a test can change them mid-life. */
export interface GrantSettings {
  /** Seconds. */
  accessTokenLifetime: number;
  /** Seconds. */
  codeLifetime: number;
  refresh: RefreshPolicy;
  /** `newest`: each new access token of a grant, or of a client, ends the one before it. */
  accessTokensValid: "all" | "newest";
  /** Whether access tokens live to their end although their grant was revoked. Default false. */
  accessTokensOutliveGrant?: boolean;
}

/** What a server counts that a client must not make it count. */
export interface GrantCounters {
  /** Spent refresh tokens presented outside a replay window. */
  readonly reuses: number;
  /** Spent refresh tokens answered within a replay window. */
  readonly replays: number;
  /** Codes presented again. */
  readonly codeReuses: number;
  /** Grants revoked because of a reuse. */
  readonly familiesRevoked: number;
  /** How often each refresh token was presented, by its value. */
  readonly presentations: ReadonlyMap<string, number>;
}

interface Code extends Consent {
  readonly expiresAt: number;
  grant?: Grant;
}

export type Grants = ReturnType<typeof createGrants>;

/** The token side of an authorization server, without the wire: codes, grants and tokens, by one clock. */
export function createGrants({
  clock,
  settings,
  mint = () => opaque("at"),
}: {
  readonly clock: Clock;
  readonly settings: GrantSettings;
  /** Writes an access token; the default one is opaque. */
  readonly mint?: (token: Omit<AccessToken, "value" | "revoked">) => string;
}) {
  const codes = new Map<string, Code>();
  const grants = new Map<string, Grant>();
  const accessTokens = new Map<string, AccessToken>();
  const newest = new Map<string, AccessToken>();
  const counters = {
    reuses: 0,
    replays: 0,
    codeReuses: 0,
    familiesRevoked: 0,
    presentations: new Map<string, number>(),
  };

  const family = (token: Pick<AccessToken, "grant" | "clientId">) => token.grant?.id ?? `client:${token.clientId}`;

  function issueAccessToken(
    clientId: string,
    scope: readonly string[],
    grant?: Grant,
    lifetime = settings.accessTokenLifetime,
  ): AccessToken {
    const issuedAt = clock.now();
    const claims = { clientId, scope, issuedAt, expiresAt: issuedAt + lifetime * 1000 };
    const bound = { ...claims, ...(grant && { grant }) };
    const token: AccessToken = { ...bound, value: mint(bound), revoked: false };
    accessTokens.set(token.value, token);
    newest.set(family(token), token);
    return token;
  }

  function revokeGrant(grant: Grant): void {
    grant.revokedAt ??= clock.now();
  }

  /** The token, where a resource would take it now. */
  function valid(value: string): AccessToken | undefined {
    const token = accessTokens.get(value);
    if (!token || token.revoked) return undefined;
    if (token.grant?.revokedAt !== undefined && !settings.accessTokensOutliveGrant) return undefined;
    if (clock.now() >= token.expiresAt) return undefined;
    if (settings.accessTokensValid === "newest" && newest.get(family(token)) !== token) return undefined;
    return token;
  }

  const tokenSet = (accessToken: AccessToken, refreshToken?: string): TokenSet => ({
    accessToken,
    expiresIn: Math.max(0, Math.ceil((accessToken.expiresAt - clock.now()) / 1000)),
    ...(refreshToken !== undefined && { refreshToken }),
  });

  const refreshTokens = createRefreshTokens({
    clock,
    settings,
    counters,
    issueAccessToken,
    revokeGrant,
    tokenSet,
    current: (grant) => valid(newest.get(grant.id)?.value ?? ""),
  });

  /** A grant with its first tokens, as if the user had just agreed. */
  function issue(consent: Pick<Consent, "client" | "scope" | "subject" | "details">): TokenSet & { grant: Grant } {
    const grant: Grant = {
      id: opaque("grant"),
      clientId: consent.client.clientId,
      subject: consent.subject,
      scope: consent.scope,
      details: consent.details ?? {},
      issuedAt: clock.now(),
    };
    grants.set(grant.id, grant);
    const accessToken = issueAccessToken(grant.clientId, grant.scope, grant);
    const refreshes = settings.refresh.kind !== "none" && consent.client.grantTypes.includes("refresh_token");
    return { ...tokenSet(accessToken, refreshes ? refreshTokens.issue(grant) : undefined), grant };
  }

  return {
    counters: counters as GrantCounters,
    grants: grants as ReadonlyMap<string, Grant>,
    issue,
    issueAccessToken,
    valid,
    /** The token whether or not it is still valid. */
    known: (value: string) => accessTokens.get(value),
    revokeGrant,
    refresh: refreshTokens.redeem,
    grantOfRefreshToken: refreshTokens.grantOf,

    issueCode(consent: Consent): string {
      const code = opaque("code");
      codes.set(code, { ...consent, expiresAt: clock.now() + settings.codeLifetime * 1000 });
      return code;
    },

    /** @throws OAuthError `invalid_grant`; a code that comes a second time also ends what the first time yielded. */
    redeemCode(
      client: Client,
      request: { readonly code: string; readonly redirectUri: string; readonly codeVerifier?: string },
    ): TokenSet {
      const code = codes.get(request.code);
      if (!code || code.client.clientId !== client.clientId) throw new OAuthError("invalid_grant", "Unknown code.");
      if (code.grant) {
        counters.codeReuses += 1;
        revokeGrant(code.grant);
        throw new OAuthError("invalid_grant", "The code was used before.");
      }
      if (clock.now() >= code.expiresAt) throw new OAuthError("invalid_grant", "The code has expired.");
      if (code.redirectUri !== request.redirectUri) {
        throw new OAuthError("invalid_grant", "redirect_uri differs from the authorization request's.");
      }
      if (client.pkce !== "ignored") verifyChallenge(code.codeChallenge, request.codeVerifier);
      const { grant, ...set } = issue(code);
      code.grant = grant;
      return set;
    },

    /** The user takes back what they allowed: every grant, or those of one subject. */
    revokeGrants(subject?: string): void {
      for (const grant of grants.values()) if (subject === undefined || grant.subject === subject) revokeGrant(grant);
    },

    /** Ends access tokens while their grants live on, as an emergency at the provider would. */
    revokeAccessTokens(of: (token: AccessToken) => boolean = () => true): void {
      for (const token of accessTokens.values()) if (of(token)) token.revoked = true;
    },

    /** The client's own token (RFC 6749 §4.4). */
    clientCredentials: (client: Client, scope: readonly string[], lifetime?: number): TokenSet =>
      tokenSet(issueAccessToken(client.clientId, scope, undefined, lifetime)),

    /** RFC 7009: a refresh token takes its grant along, an access token goes alone, an unknown one is no error. */
    revokeToken(client: Client, value: string): void {
      const grant = refreshTokens.grantOf(value);
      const accessToken = accessTokens.get(value);
      const owner = grant?.clientId ?? accessToken?.clientId;
      if (owner !== undefined && owner !== client.clientId) {
        throw new OAuthError("invalid_grant", "The token belongs to another client.");
      }
      if (grant) revokeGrant(grant);
      else if (accessToken) accessToken.revoked = true;
    },
  };
}

/** RFC 7636 §4.6. A verifier without a challenge is refused too, so that nobody strips PKCE unnoticed (RFC 9700 §4.8). */
function verifyChallenge(challenge: string | undefined, verifier: string | undefined): void {
  if (challenge === undefined && verifier === undefined) return;
  if (challenge === undefined)
    throw new OAuthError("invalid_grant", "A code_verifier, but there was no code_challenge.");
  if (verifier === undefined) throw new OAuthError("invalid_grant", "code_verifier is missing.");
  if (createHash("sha256").update(verifier).digest("base64url") !== challenge) {
    throw new OAuthError("invalid_grant", "code_verifier does not match the code_challenge.");
  }
}

/** An unguessable value that says what it is. */
export function opaque(kind: string): string {
  return `${kind}_${randomBytes(18).toString("base64url")}`;
}
