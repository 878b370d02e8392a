import { accessTokenOf, proofKeyOf } from "./bound-token.ts";
import type { ReauthorizeReason } from "./faults.ts";
import { Secret } from "./secret.ts";

/**
 * The row: everything about one connection, or one token of the application's own, in one record. All of it is plain but
 * `grant`, which is sealed, so that status can be read and claims kept alive without opening anything.
 *
 * Instants are epoch milliseconds.
 */
export interface Row {
  readonly format: typeof rowFormat;
  /** `connection`: what a user granted. `application`: a token that the application got for itself. */
  readonly kind: "connection" | "application";
  readonly id: string;
  readonly registration: string;
  readonly provider: string;
  /** The `client_id` that the grant was given to. */
  readonly client: string;
  /** Whose it is, in the application's own terms; empty for the application's tokens. */
  readonly owner: string;
  readonly createdAt: number;

  /** Ours, one higher with every new set of tokens; 0 before the first. */
  readonly generation: number;
  /** When the present grant began, and with which generation. What an older grant still brings is not written. */
  readonly granted: { readonly generation: number; readonly at: number };
  /** How often the present generation was claimed. */
  readonly claims: number;
  /** From which generation, and by which claim on it, the present tokens came. */
  readonly lineage?: { readonly generation: number; readonly claim: number };

  readonly state: RowState;
  /** Why, where the state needs a reason. */
  readonly reason?: ReauthorizeReason;
  /** Since when the row is in this state. */
  readonly since: number;

  readonly claim?: Claim;
  readonly doubt?: Doubt;
  /** Set by a first refusal that is not to be believed alone. */
  readonly suspected?: number;
  readonly failure?: Failure;

  /** The access token's times; the token itself is in `grant`. */
  readonly token?: TokenTimes;
  /** The same of access tokens for one resource, or less scope, by {@link audienceOf}. */
  readonly others?: Readonly<Record<string, TokenTimes>>;
  readonly refresh?: RefreshTimes;
  readonly scope: {
    readonly requested: readonly string[];
    readonly granted?: readonly string[];
    /** What a consent that is pending still must grant. */
    readonly required?: readonly string[];
  };
  /** Who the user is at the provider. */
  readonly account?: string;
  /** The adapter's own. */
  readonly data: Readonly<Record<string, string>>;
  /** Digests by which a webhook finds the row. */
  readonly refs: readonly string[];
  readonly consent?: Consent;

  /** The sealed {@link Grant}. */
  readonly grant?: string;
}

export const rowFormat = 1;

/**
 * `pending`: the user came back, the provider has not confirmed. `active`. `reauthorize`: only the user can revive it.
 * `ending`: being disconnected; nothing is handed out. `ended`: over, by the user or the bank.
 */
export type RowState = "pending" | "active" | "reauthorize" | "ending" | "ended";

/** The consent behind the grant. */
export interface Consent {
  readonly expiresAt: number;
  /** Its end was told of. */
  readonly announced?: boolean;
  /** When to look again, once its end has passed. */
  readonly checkAt?: number;
}

/** The right to renew, and the journal of who is renewing. */
export interface Claim {
  /** Random per claim. */
  readonly holder: string;
  /** Counts the claims on one generation, from 1. */
  readonly number: number;
  /** Grows while the holder lives. Others judge a lapse by watching it, with their own clock. */
  readonly beat: number;
  /** When it is over by the holder's wall clock, for the index alone. */
  readonly until: number;
  /** Fingerprint of the refresh token that is presented. */
  readonly presenting?: string;
}

/** A refresh token was presented and no answer is known: it may have been used up. */
export interface Doubt {
  readonly since: number;
  readonly cause: "lapsed_claim" | "lost_answer" | "server_error";
}

/** The last attempt failed without telling anything of the grant. */
export interface Failure {
  readonly at: number;
  readonly count: number;
  /** No attempt before this. */
  readonly retryAt: number;
  readonly code?: string;
}

export interface TokenTimes {
  /** When the request for it was sent; its lifetime counts from here. */
  readonly issuedAt: number;
  /** Absent: unknown, used until refused. */
  readonly expiresAt?: number;
  /** The generation that it came with; the row's own where left out. */
  readonly generation?: number;
}

export interface RefreshTimes {
  readonly fingerprint: string;
  /** When it was last received or successfully used. */
  readonly usedAt: number;
  readonly expiresAt?: number;
}

/** What is sealed. */
export interface Grant {
  readonly accessToken: Secret;
  /** Access tokens for one resource, or less scope, by {@link audienceOf}. */
  readonly others?: Readonly<Record<string, Secret>>;
  readonly refreshToken?: Secret;
  /** A refresh token from an answer that came second; tried once before the user is asked. */
  readonly spare?: Secret;
}

/** A grant as the text that is sealed. */
export function grantText({ accessToken, others, refreshToken, spare }: Grant): string {
  return JSON.stringify({
    accessToken: accessToken.reveal(),
    others: others && Object.fromEntries(Object.entries(others).map(([name, token]) => [name, token.reveal()])),
    proofKey: proofKeyOf(accessToken)?.reveal(),
    refreshToken: refreshToken?.reveal(),
    spare: spare?.reveal(),
  });
}

/** Reads what {@link grantText} wrote. */
export function parseGrant(text: string): Grant {
  const grant: unknown = JSON.parse(text);
  if (!isObject(grant) || typeof grant.accessToken !== "string") throw new TypeError("no access token in it");
  const proofKey = typeof grant.proofKey === "string" ? new Secret(grant.proofKey) : undefined;
  return {
    accessToken: accessTokenOf(grant.accessToken, proofKey),
    ...(isObject(grant.others) && { others: parseOthers(grant.others, proofKey) }),
    ...(typeof grant.refreshToken === "string" && { refreshToken: new Secret(grant.refreshToken) }),
    ...(typeof grant.spare === "string" && { spare: new Secret(grant.spare) }),
  };
}

function parseOthers(others: Record<string, unknown>, proofKey: Secret | undefined): Record<string, Secret> {
  const tokens = Object.entries(others).filter((entry): entry is [string, string] => typeof entry[1] === "string");
  return Object.fromEntries(tokens.map(([name, token]) => [name, accessTokenOf(token, proofKey)]));
}

/** What an access token is for, where that is not the default: one resource (RFC 8707), a scope of its own. */
export interface Audience {
  readonly resource?: string | undefined;
  readonly scope?: readonly string[] | undefined;
}

/** An audience as a name; `undefined` for the default. */
export function audienceOf({ resource, scope }: Audience): string | undefined {
  return resource === undefined && scope === undefined
    ? undefined
    : JSON.stringify([resource ?? null, [...new Set(scope)].sort()]);
}

/** Reads a row, keeping members that it does not know. */
export function parseRow(text: string): Row {
  const row = parseRecord(text, rowFormat);
  if (
    (row.kind !== "connection" && row.kind !== "application") ||
    !strings(row.id, row.registration, row.provider, row.client, row.owner) ||
    !numbers(row.createdAt, row.generation, row.claims, row.since) ||
    !isObject(row.granted) ||
    !numbers(row.granted.generation, row.granted.at) ||
    !["pending", "active", "reauthorize", "ending", "ended"].includes(row.state as string) ||
    !isObject(row.scope) ||
    !Array.isArray(row.scope.requested) ||
    !isObject(row.data) ||
    !Array.isArray(row.refs) ||
    !(row.grant === undefined || typeof row.grant === "string") ||
    !(row.token === undefined || (isObject(row.token) && numbers(row.token.issuedAt))) ||
    !(row.others === undefined || isObject(row.others)) ||
    !(
      row.refresh === undefined ||
      (isObject(row.refresh) && strings(row.refresh.fingerprint) && numbers(row.refresh.usedAt))
    ) ||
    !(
      row.claim === undefined ||
      (isObject(row.claim) && strings(row.claim.holder) && numbers(row.claim.beat, row.claim.number))
    )
  )
    throw new TypeError("members are missing or of the wrong type");
  return row as unknown as Row;
}

/** Reads a record's text as an object of the given format. Every kind of record names its format. */
export function parseRecord(text: string, format: number): Record<string, unknown> {
  let record: unknown;
  try {
    record = JSON.parse(text);
  } catch {
    throw new TypeError("not JSON");
  }
  if (!isObject(record)) throw new TypeError("not an object");
  if (typeof record.format !== "number") throw new TypeError("no format version");
  if (record.format > format)
    throw new TypeError(
      `format ${record.format} is newer than this release reads (${format}); upgrade @linkwright/core`,
    );
  if (record.format < format) throw new TypeError(`format ${record.format} is unknown`);
  return record;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const strings = (...values: readonly unknown[]): boolean => values.every((value) => typeof value === "string");
const numbers = (...values: readonly unknown[]): boolean => values.every((value) => Number.isFinite(value));

/** When the consent ends, or the refresh token whatever is done: epoch milliseconds; `undefined` where nobody said. */
export const knownEnd = ({ consent, refresh }: Pick<Row, "consent" | "refresh">): number | undefined =>
  consent?.expiresAt ?? refresh?.expiresAt;
