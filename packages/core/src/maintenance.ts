import { aboutRow, confirmConsent } from "./consents.ts";
import { disconnect } from "./disconnect.ts";
import { renewAt } from "./due.ts";
import { tell } from "./events.ts";
import { type FaultKind, isConnectorError, misconfigured } from "./faults.ts";
import { recheck } from "./lifecycle.ts";
import { createPace, type Pace } from "./pace.ts";
import type { Registration } from "./registration.ts";
import type { Renewal } from "./renewal.ts";
import { type StoredRow, storeCall } from "./rows.ts";
import type { Runtime } from "./runtime.ts";
import type { StoredItem } from "./store.ts";
import { connectionSubject } from "./subjects.ts";

/** One sweep over what is due: safe on any number of machines at once, since each step is a compare-and-set on one row. */
export interface MaintainOptions {
  /** Stops the sweep between two records. */
  readonly signal?: AbortSignal;
  readonly budget?: {
    /** Records to look at, at most; without those that cannot be opened, or not be asked for as configured here. */
    readonly records?: number;
    /** Time to take, at most: milliseconds. */
    readonly milliseconds?: number;
  };
  /** Renewals per second and registration, all processes on the store together; 10 by default, 1 at least. */
  readonly rate?: number;
  /** Records looked at side by side; 8 by default. */
  readonly concurrency?: number;
  readonly onOutcome?: (outcome: Outcome) => unknown;
}

/** What became of one record. */
export interface Outcome {
  /**
   * `renewed`: it has a new token. `announced`: its consent ends soon. `confirmed`: the provider was asked how the consent
   * stands. `disconnected`: a disconnect that had failed is done. `removed`: a leftover is gone. `failed`: see `kind`; it is
   * due again later. `nothing`: somebody else sees to it.
   */
  readonly did: "renewed" | "announced" | "confirmed" | "disconnected" | "removed" | "failed" | "nothing";
  readonly connection?: string;
  readonly registration?: string;
  readonly kind?: FaultKind;
}

export interface Report {
  readonly outcomes: Readonly<Record<Outcome["did"], number>>;
  /** `false`: the budget or the signal ended the sweep before everything due was looked at. */
  readonly complete: boolean;
}

export async function maintain(runtime: Runtime, renewal: Renewal, options: MaintainOptions = {}): Promise<Report> {
  const { clock, store } = runtime;
  const { signal, budget, onOutcome, rate = 10, concurrency = 8 } = options;
  if (!(rate >= 1)) throw misconfigured("maintain: rate is less than 1; give renewals per second");
  const sweep: Sweep = { pace: createPace(runtime, rate), signal, looked: 0 };
  const most = budget?.records ?? Number.POSITIVE_INFINITY;
  const outcomes = { renewed: 0, announced: 0, confirmed: 0, disconnected: 0, removed: 0, failed: 0, nothing: 0 };
  const began = clock.monotonic();
  const before = clock.now();
  let complete = true;

  function mayGoOn(): boolean {
    const within =
      sweep.looked < most && clock.monotonic() - began < (budget?.milliseconds ?? Number.POSITIVE_INFINITY);
    if (!within || signal?.aborted) complete = false;
    return complete;
  }

  async function work(items: Iterator<StoredItem>): Promise<void> {
    for (let next = items.next(); !next.done && mayGoOn(); next = items.next()) {
      sweep.looked++;
      const outcome = await attend(runtime, renewal, sweep, next.value);
      if (!outcome) {
        complete = false;
        return;
      }
      outcomes[outcome.did]++;
      tell(onOutcome, outcome);
    }
  }

  let cursor: string | undefined;
  do {
    if (signal?.aborted) return { outcomes, complete: false };
    const query = { limit: 100, ...(cursor !== undefined && { cursor }) };
    const page = await storeCall(clock, "listing of due records", () => store.due(before, query));
    const items = page.items[Symbol.iterator]();
    await Promise.all(Array.from({ length: Math.max(1, Math.min(concurrency, most)) }, () => work(items)));
    cursor = page.cursor;
  } while (cursor !== undefined && complete);
  return { outcomes, complete };
}

interface Sweep {
  readonly pace: Pace;
  readonly signal: AbortSignal | undefined;
  /** Records that count towards the budget. What is passed over does not: what is due behind it has to be reached. */
  looked: number;
}

/** @returns `undefined` where the sweep was ended while the record waited for its turn. */
async function attend(
  runtime: Runtime,
  renewal: Renewal,
  sweep: Sweep,
  item: StoredItem,
): Promise<Outcome | undefined> {
  let place: Pick<Outcome, "connection" | "registration"> = {};
  try {
    if (!item.key.startsWith("connection:")) {
      const { key, version } = item;
      const remove = () => runtime.store.remove(key, { ifVersion: version });
      return { did: (await storeCall(runtime.clock, `removing of record ${key}`, remove)) ? "removed" : "nothing" };
    }
    const stored = runtime.rows.parse(item);
    place = { connection: stored.row.id, registration: stored.row.registration };
    return { ...place, did: await attendConnection(runtime, renewal, sweep, stored) };
  } catch (error) {
    if (sweep.signal?.aborted && error === sweep.signal.reason) return undefined;
    const kind = isConnectorError(error) ? error.fault.kind : undefined;
    // What cannot be read, opened or asked for is due still, and must not keep others from their turn.
    if (kind === "store" || kind === "configuration") sweep.looked--;
    return { ...place, did: "failed", ...(kind && { kind }) };
  }
}

async function attendConnection(
  runtime: Runtime,
  renewal: Renewal,
  sweep: Sweep,
  stored: StoredRow,
): Promise<Outcome["did"]> {
  const { row } = stored;
  const now = runtime.clock.now();
  const registration = runtime.registrations.get(row.registration);
  if (!registration) {
    sweep.looked--;
    return "nothing"; // Another application on the same store looks after it.
  }
  if (row.state === "pending") {
    await confirmConsent(runtime, renewal, registration, stored);
    return "confirmed";
  }
  if (row.state === "ending")
    return (await disconnect(runtime, renewal, registration, stored.key)).disconnected ? "disconnected" : "failed";
  const at = renewAt(row, registration.connectionPolicy, runtime.timing, runtime.keepFresh);
  if (row.state === "active" && at !== undefined && at <= now)
    return renew(runtime, renewal, sweep, registration, stored);
  if (row.consent && !row.consent.announced) return announce(runtime, stored);
  if (!row.consent || row.consent.expiresAt > now) return "nothing";
  if (registration.provider.connect?.confirm && row.state === "active") {
    await confirmConsent(runtime, renewal, registration, stored);
    return "confirmed";
  }
  // Nobody can be asked; the API says so when the consent is over.
  await runtime.rows.change(stored.key, (current) => ({ row: recheck(current, now + 86_400_000) }), stored);
  return "nothing";
}

/** Renews a row that is due still: the page it came from may be older than what other sweepers have done since. */
async function renew(
  runtime: Runtime,
  renewal: Renewal,
  sweep: Sweep,
  registration: Registration,
  { key, version, row }: StoredRow,
): Promise<Outcome["did"]> {
  if (await isRefused(runtime, registration))
    throw misconfigured("the server refuses the client, so that nothing was asked for this connection");
  if ((await runtime.rows.read(key))?.version !== version) return "nothing";
  await sweep.pace.take(registration.name, sweep.signal);
  let ours = false;
  const claimed = () => {
    ours = true;
  };
  try {
    const subject = connectionSubject(runtime, registration, row.id);
    await renewal.obtain(subject, { refused: row.generation, wait: false, claimed });
  } catch (error) {
    if (ours || !isConnectorError(error) || error.fault.kind !== "retry") throw error;
  }
  return ours ? "renewed" : "nothing";
}

/** Whether the server refused the client a moment ago: its other connections would learn nothing else. */
async function isRefused({ gates }: Runtime, { server, provider }: Registration): Promise<boolean> {
  const metadata = await server().catch(() => undefined);
  return gates.closed(metadata?.token_endpoint ?? "", provider.client.id)?.kind === "configuration";
}

/** Tells once that a consent ends soon. */
async function announce(runtime: Runtime, stored: StoredRow): Promise<Outcome["did"]> {
  const changed = await runtime.rows.change(
    stored.key,
    (row) =>
      row.consent && !row.consent.announced
        ? { row: { ...row, consent: { ...row.consent, announced: true } } }
        : undefined,
    stored,
  );
  const consent = changed?.stored.row.consent;
  if (!changed?.written || !consent) return "nothing";
  runtime.events.emit("connection.expiring", { ...aboutRow(changed.stored.row), expiresAt: consent.expiresAt });
  return "announced";
}
