import { connectionContext, disconnectContext } from "./context.ts";
import { digest } from "./encoding.ts";
import { type ReauthorizeReason, retryAtOf } from "./faults.ts";
import { ended, postponed, recheck, stillPending } from "./lifecycle.ts";
import type { ConsentReading, GrantReading } from "./provider.ts";
import type { Row } from "./record.ts";
import type { Registration } from "./registration.ts";
import type { Renewal } from "./renewal.ts";
import type { StoredRow } from "./rows.ts";
import type { Runtime } from "./runtime.ts";

/** How long until a consent is looked at again that goes on beyond its end: an hour. */
const recheckPause = 3_600_000;

/**
 * Asks the provider how a connection's consent stands, and writes the answer.
 *
 * @throws {ConnectorError} where the provider could not be asked; the row is then due again later.
 */
export async function confirmConsent(
  runtime: Runtime,
  renewal: Renewal,
  registration: Registration,
  stored: StoredRow,
  hint?: Readonly<Record<string, string>>,
): Promise<StoredRow> {
  const { rows, cache, clock, timing, events } = runtime;
  const confirm = registration.provider.connect?.confirm;
  const { granted: grant, state, failure } = stored.row;
  /** Whether the row is of the grant that was asked about. */
  const same = (row: Row) => row.granted.generation === grant.generation && row.state === state;
  /** Whether another was told to wait meanwhile: that counts once. */
  const waits = (row: Row) => row.state === "pending" && row.failure?.count !== failure?.count;
  if (!confirm || !(state === "pending" || state === "active")) return stored;
  let reading: ConsentReading;
  try {
    reading = await confirm(connectionContext(runtime, renewal, registration, stored.row, "use"), hint);
  } catch (error) {
    const later = (row: Row) =>
      row.state === "pending"
        ? postponed(row, clock.now(), timing, retryAtOf(error))
        : recheck(row, clock.now() + recheckPause);
    await rows.change(stored.key, (row) => (same(row) && !waits(row) ? { row: later(row) } : undefined), stored);
    throw error;
  }
  const now = clock.now();
  const granted = reading.consent === "active" ? await grantMembers(registration, reading, stored.row) : {};
  const changed = await rows.change(
    stored.key,
    (row) => {
      if (!same(row) || (reading.consent === "pending" && waits(row))) return undefined;
      const next = confirmed(row, reading.consent, granted);
      return next && { row: next };
    },
    stored,
  );

  function confirmed(row: Row, consent: ConsentReading["consent"], members: Partial<Row>): Row | undefined {
    if (consent === "ended") return ended(row, "consent_ended", now);
    const known = { ...row, ...members };
    if (consent === "active" && state === "pending" && tooNarrow(known)) return ended(known, "scope", now);
    if (consent === "pending")
      return state === "pending" ? stillPending(row, now, timing) : recheck(row, now + recheckPause);
    const { failure: _failure, ...rest } = row;
    const active: Row = { ...rest, ...members, ...(state === "pending" && { state: "active", since: now }) };
    return active.consent && active.consent.expiresAt <= now ? recheck(active, now + recheckPause) : active;
  }

  if (!changed?.written) return changed?.stored ?? stored;
  cache.delete(stored.key);
  const { row } = changed.stored;
  if (state === "pending" && row.state === "active") events.emit("connection.connected", aboutRow(row));
  if (row.state !== "ended") return changed.stored;
  tellEnded(runtime, row);
  // A consent without what was required serves nobody. Where letting go of it fails now, disconnecting tries again.
  if (row.reason === "scope")
    await registration.provider.disconnect?.(disconnectContext(runtime, renewal, registration, row)).catch(() => {});
  return changed.stored;
}

/** Whether required scope was left out. Where the provider does not say what it granted, it is what was asked for. */
const tooNarrow = ({ scope: { required = [], granted } }: Row): boolean =>
  granted !== undefined && required.some((scope) => !granted.includes(scope));

/** What a reading tells of a grant, as members of the row. */
export async function grantMembers(registration: Registration, reading: GrantReading, row: Row): Promise<Partial<Row>> {
  const refs = reading.refs && (await Promise.all(reading.refs.map((ref) => refDigest(registration, ref))));
  const consent = reading.consentExpiresAt;
  return {
    ...(reading.account !== undefined && { account: reading.account }),
    data: { ...row.data, ...reading.data },
    ...(refs && { refs }),
    ...(reading.scope && { scope: { ...row.scope, granted: reading.scope } }),
    ...(consent !== undefined && consent !== row.consent?.expiresAt && { consent: { expiresAt: consent } }),
  };
}

/** The digest that stands in the index for a name by which webhooks find a connection. */
export const refDigest = (registration: Registration, ref: string): Promise<string> =>
  digest("ref", registration.name, ref);

/** Ends a connection because of what was learned elsewhere. Beats a renewal in flight; done twice, it is done once. */
export async function endConnection(
  runtime: Runtime,
  stored: StoredRow,
  reason: ReauthorizeReason,
  givenUp = false,
): Promise<void> {
  const changed = await runtime.rows.change(
    stored.key,
    (row) => {
      // A grant that the user gave since then is another one.
      if (row.granted.generation !== stored.row.granted.generation) return undefined;
      const next = ended(row, reason, runtime.clock.now(), givenUp);
      return next && { row: next };
    },
    stored,
  );
  if (!changed?.written) return;
  runtime.cache.delete(stored.key);
  tellEnded(runtime, changed.stored.row);
}

function tellEnded(runtime: Runtime, row: Row): void {
  runtime.events.emit("connection.ended", { ...aboutRow(row), reason: row.reason ?? "consent_ended" });
}

export function aboutRow(row: Row) {
  return { registration: row.registration, provider: row.provider, connection: row.id, owner: row.owner };
}
