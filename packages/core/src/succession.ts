import { type Held, tokenFor, withoutClaim } from "./lifecycle.ts";
import type { Policy } from "./policy.ts";
import type { Row } from "./record.ts";

/** What tokens that came mean for the row: pure, like `lifecycle.ts`. */

/** A set of tokens that the server answered, without the tokens. */
export interface Received {
  /** When the request was sent. */
  readonly issuedAt: number;
  readonly expiresAt?: number | undefined;
  /** Fingerprint of the refresh token to hold from now on: the new one, or the old one where none came. */
  readonly fingerprint?: string | undefined;
  readonly refreshExpiresAt?: number | undefined;
  /** Granted scope, where the answer names it. */
  readonly scope?: readonly string[] | undefined;
  /** For what the access token is, where it is not the default. */
  readonly audience?: string | undefined;
}

export type Grantable =
  /** These tokens are the row's now. */
  | {
      readonly keep: "received";
      readonly row: Row /** The replaced refresh token stays as spare. */;
      readonly spare: boolean;
    }
  /** They were written before; only the acknowledgement was lost. */
  | { readonly keep: "written" }
  /** The row's tokens stand; the received refresh token stays beside them. */
  | { readonly keep: "spare"; readonly row: Row }
  /** The row's tokens stand; these are dropped. */
  | { readonly keep: "row"; readonly row: Row }
  /** The grant they belong to is over, and no other took its place: they are revoked. */
  | { readonly keep: "nothing" };

/**
 * The row after tokens came: by lineage, whatever became of the claim meanwhile. Another's claim stands: what it presents may be
 * on its way to the server, and nothing newer may be presented before.
 */
export function granted(claimed: Row, held: Held, received: Received, policy: Policy): Grantable {
  const row = withoutClaim(claimed, held.holder);
  // What was presented is what the row holds, whichever generation it counts: this is its successor.
  const successor = policy.rotates && held.presenting !== undefined && held.presenting === row.refresh?.fingerprint;
  // A grant that replaced this one may share its fate at the server: nothing of it is revoked.
  if (held.generation < row.granted.generation && !successor) return { keep: "row", row };
  if (row.state === "ended") return { keep: "nothing" };
  const sibling = row.lineage?.generation === held.generation ? row.lineage : undefined;
  if (sibling?.claim === held.number) return { keep: "written" };
  if (row.generation === held.generation || successor)
    return { keep: "received", row: succeeded(row, held, received), spare: false };
  return policy.rotates ? besides(row, held, received, sibling?.claim) : latest(row, held, received);
}

/**
 * That generation was succeeded by another claim on it: the answer to the later claim stands, the other is kept as spare.
 *
 * @param sibling - Number of the claim whose answer stands, where it was on the same generation.
 */
function besides(row: Row, held: Held, received: Received, sibling: number | undefined): Grantable {
  // The same answer once more, by a server that forgives.
  if (received.fingerprint === row.refresh?.fingerprint) return { keep: "row", row };
  // What the row holds may be on its way to the server, and must not be replaced meanwhile.
  const later = sibling !== undefined && held.number > sibling && row.claim === undefined;
  return later ? { keep: "received", row: succeeded(row, held, received), spare: true } : { keep: "spare", row };
}

/** With a refresh token that stays, the access token that lives longer. */
function latest(row: Row, held: Held, received: Received): Grantable {
  const end = (at: number | undefined) => at ?? Number.POSITIVE_INFINITY;
  const known = tokenFor(row, received.audience);
  return !known || end(received.expiresAt) > end(known.expiresAt)
    ? { keep: "received", row: succeeded(row, held, received), spare: false }
    : { keep: "row", row };
}

function succeeded(row: Row, held: Held, received: Received): Row {
  const {
    doubt: _doubt,
    failure: _failure,
    suspected: _suspected,
    reason: _reason,
    token: _token,
    others: _others,
    ...rest
  } = row;
  const healed = row.state === "reauthorize";
  return {
    ...rest,
    ...(row.state === "ending" && row.reason && { reason: row.reason }),
    state: healed ? "active" : row.state,
    since: healed ? received.issuedAt : row.since,
    generation: row.generation + 1,
    claims: 0,
    lineage: { generation: held.generation, claim: held.number },
    ...accessTokens(row, received),
    ...(received.fingerprint !== undefined && {
      refresh: {
        fingerprint: received.fingerprint,
        usedAt: received.issuedAt,
        ...expiry(received.refreshExpiresAt ?? row.refresh?.expiresAt),
      },
    }),
    // What a part of the grant was answered with tells nothing of all of it.
    scope: received.scope && received.audience === undefined ? { ...row.scope, granted: received.scope } : row.scope,
  };
}

/** The received token in its place; the others stay as long as they are good. */
function accessTokens(row: Row, received: Received): Pick<Row, "token" | "others"> {
  const { audience, issuedAt } = received;
  const others = Object.fromEntries(
    Object.entries(row.others ?? {}).filter(([, { expiresAt }]) => expiresAt === undefined || expiresAt > issuedAt),
  );
  if (audience !== undefined) others[audience] = { ...times(received), generation: row.generation + 1 };
  const token = audience === undefined ? times(received) : row.token && { generation: row.generation, ...row.token };
  return { ...(token && { token }), ...(Object.keys(others).length > 0 && { others }) };
}

function times(received: Received): NonNullable<Row["token"]> {
  return { issuedAt: received.issuedAt, ...expiry(received.expiresAt) };
}

const expiry = (at: number | undefined): { expiresAt?: number } => (at === undefined ? {} : { expiresAt: at });

/** The row with a new grant from the user, whatever it held before. */
export function connected(row: Row, received: Received | undefined, state: "active" | "pending", now: number): Row {
  const {
    claim: _claim,
    doubt: _doubt,
    failure: _failure,
    suspected: _suspected,
    reason: _reason,
    lineage: _lineage,
    ...rest
  } = row;
  const { token: _token, others: _others, refresh: _refresh, consent: _consent, ...base } = rest;
  const generation = row.generation + 1;
  return {
    ...base,
    state,
    since: now,
    generation,
    granted: { generation, at: now },
    claims: 0,
    ...(received && { token: times(received) }),
    ...(received?.fingerprint !== undefined && {
      refresh: { fingerprint: received.fingerprint, usedAt: received.issuedAt, ...expiry(received.refreshExpiresAt) },
    }),
  };
}
