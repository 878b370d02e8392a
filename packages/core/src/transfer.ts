import { claimAccount } from "./account-claim.ts";
import { accessTokenOf, proofKeyOf } from "./bound-token.ts";
import { aboutRow, confirmConsent, grantMembers } from "./consents.ts";
import { isTokenText, random } from "./encoding.ts";
import { ConnectorError, misconfigured } from "./faults.ts";
import { knownEnd, type Row } from "./record.ts";
import { fingerprint } from "./redemption.ts";
import type { Registration } from "./registration.ts";
import type { Renewal } from "./renewal.ts";
import type { StoredRow } from "./rows.ts";
import { connectionKey, type Runtime } from "./runtime.ts";
import { Secret } from "./secret.ts";
import { newRow } from "./subjects.ts";
import { connected } from "./succession.ts";

/** Bringing grants in from another system, and taking them out. */

/**
 * A grant that another system holds; what `dangerouslyExportGrant` gave is one. Where the provider knows tokens of a user's own,
 * one of them is needed.
 */
export interface GrantImport {
  readonly owner: string;
  readonly refreshToken?: string | Secret | undefined;
  readonly accessToken?: string | Secret | undefined;
  /** The key that they are bound to, as its provider's `proof` writes it. */
  readonly proofKey?: string | Secret | undefined;
  /** When the access token ends: epoch milliseconds. Without it the token is renewed at its first use, if a refresh token can. */
  readonly expiresAt?: number | undefined;
  /** When the refresh token was last used: epoch milliseconds; now where left out. An idle timeout counts from it. */
  readonly usedAt?: number | undefined;
  /** When the consent ends: epoch milliseconds. */
  readonly consentExpiresAt?: number | undefined;
  readonly scope?: readonly string[] | undefined;
  /** Who the user is at the provider. */
  readonly account?: string | undefined;
  /** What the adapter keeps, by its own names. */
  readonly data?: Readonly<Record<string, string>> | undefined;
  /** What webhooks find it by, as an export of the same registration's name gives it. */
  readonly refs?: readonly string[] | undefined;
}

/** A grant in the clear. */
export interface ExportedGrant {
  readonly registration: string;
  readonly owner: string;
  readonly account?: string | undefined;
  readonly scope: readonly string[];
  readonly data: Readonly<Record<string, string>>;
  readonly accessToken?: Secret | undefined;
  readonly proofKey?: Secret | undefined;
  readonly refreshToken?: Secret | undefined;
  /** When the access token ends: epoch milliseconds. */
  readonly expiresAt?: number | undefined;
  /** When the refresh token was last used: epoch milliseconds. */
  readonly usedAt?: number | undefined;
  /** When the consent, or the refresh token whatever is done, ends: epoch milliseconds. */
  readonly consentExpiresAt?: number | undefined;
  /** Digests of the names that webhooks find the connection by. */
  readonly refs: readonly string[];
}

export async function importGrant(
  runtime: Runtime,
  renewal: Renewal,
  registration: Registration,
  given: GrantImport,
): Promise<Row> {
  const { name, provider } = registration;
  const hosted = provider.grants.hostedConsent !== undefined;
  checkImport(name, given, hosted);
  const now = runtime.clock.now();
  const id = random(16);
  const refreshToken = secretOf(given.refreshToken);
  const accessToken = secretOf(given.accessToken);
  const received = {
    issuedAt: given.usedAt ?? now,
    // Where a refresh token renews it, it need not be trusted.
    expiresAt: given.expiresAt ?? (refreshToken === undefined ? undefined : now),
    fingerprint: refreshToken === undefined ? undefined : await fingerprint(refreshToken),
  };
  const scope = given.scope ?? [];
  const base = newRow(runtime, registration, { kind: "connection", id, owner: given.owner, scope });
  const { token, ...rest } = connected(base, hosted ? undefined : received, hosted ? "pending" : "active", now);
  const row: Row = { ...rest, ...(accessToken !== undefined && token && { token }) };
  const reading = {
    ...(given.account !== undefined && { account: given.account }),
    ...(given.data && { data: given.data }),
    ...(given.scope && { scope }),
    ...(given.consentExpiresAt !== undefined && { consentExpiresAt: given.consentExpiresAt }),
    refs: provider.connect?.pendingRefs?.(given.data ?? {}) ?? [],
  };
  const members = await grantMembers(registration, reading, row);
  await claimAccount(runtime, registration, { id, owner: given.owner, account: given.account });
  const created = await runtime.rows.create(connectionKey(id), {
    row: { ...row, ...members, ...(given.refs && { refs: given.refs }) },
    ...(!hosted && {
      grant: {
        accessToken: accessTokenOf(accessToken?.reveal() ?? "", secretOf(given.proofKey)),
        ...(refreshToken !== undefined && { refreshToken }),
      },
    }),
  });
  if (created === "conflict")
    throw new ConnectorError({ kind: "store" }, "A new connection's id is taken; import it again.");
  runtime.events.emit(hosted ? "connection.pending" : "connection.connected", aboutRow(created.row));
  if (!hosted) return created.row;
  return (await confirmConsent(runtime, renewal, registration, created).catch(() => created)).row;
}

function checkImport(registration: string, given: GrantImport, hosted: boolean): void {
  const wrong = (what: string): never => {
    throw misconfigured(`import: ${what}`, { registration });
  };
  if (typeof given.owner !== "string" || given.owner === "") wrong("owner is missing; say whose connection it will be");
  for (const name of ["refreshToken", "accessToken", "proofKey"] as const) {
    const token = given[name];
    if (token !== undefined && (typeof textOf(token) !== "string" || textOf(token) === ""))
      wrong(`${name} is no token; leave it out or give its text`);
  }
  if (given.accessToken !== undefined && !isTokenText(textOf(given.accessToken) ?? ""))
    wrong("accessToken has characters that no header can carry; give it as the provider issued it");
  if (!hosted && given.refreshToken === undefined && given.accessToken === undefined)
    wrong("there is neither a refresh token nor an access token; give at least one");
  for (const name of ["expiresAt", "usedAt", "consentExpiresAt"] as const)
    if (given[name] !== undefined && !(Number.isFinite(given[name]) && given[name] > 1e11))
      wrong(`${name} is no instant in epoch milliseconds`);
  for (const name of ["scope", "refs"] as const) {
    const list = given[name];
    if (list !== undefined && !(Array.isArray(list) && list.every((item) => typeof item === "string")))
      wrong(`${name} is no list of texts`);
  }
}

const textOf = (token: string | Secret | undefined): string | undefined =>
  typeof token === "object" ? token.reveal() : token;

function secretOf(token: string | Secret | undefined): Secret | undefined {
  return typeof token === "string" ? new Secret(token) : token;
}

export async function exportGrant({ rows }: Runtime, stored: StoredRow): Promise<ExportedGrant> {
  const { row } = stored;
  const grant = await rows.open(stored);
  return {
    registration: row.registration,
    owner: row.owner,
    account: row.account,
    scope: row.scope.granted ?? row.scope.requested,
    data: row.data,
    accessToken: row.token ? grant?.accessToken : undefined,
    refreshToken: grant?.refreshToken,
    proofKey: proofKeyOf(grant?.accessToken),
    expiresAt: row.token?.expiresAt,
    usedAt: row.refresh?.usedAt,
    consentExpiresAt: knownEnd(row),
    refs: row.refs,
  };
}
