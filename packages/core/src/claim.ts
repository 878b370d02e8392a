import { within } from "./clock.ts";
import { ConnectorError } from "./faults.ts";
import { extended, type Held, unwatched, type Watch } from "./lifecycle.ts";
import type { Claim, Row } from "./record.ts";
import type { StoredRow } from "./rows.ts";
import type { Runtime } from "./runtime.ts";

/** A claim of ours, kept alive by a beat while it is held. */
export interface HeldClaim extends Held {
  /** The row as last written or seen by us. */
  readonly stored: StoredRow;
  /** The row's secrets as they were when it was claimed, sealed. */
  readonly sealed: string | undefined;
  /**
   * Makes sure that half a claim's length remains since the last acknowledged beat. Called right before a refresh token is
   * sent: whoever was paused must not present what somebody else may be presenting.
   *
   * @throws {ConnectorError} `retry` where the claim is another's by now, or the token was succeeded.
   */
  assure(): Promise<void>;
  /** Ends the beat. */
  stop(): Promise<void>;
}

/** @param began - When its writing began, by the monotonic clock: whoever watches may have seen it from then on. */
export function holdClaim(runtime: Runtime, claimedRow: StoredRow, holder: string, began: number): HeldClaim {
  const { clock, timing, rows } = runtime;
  const claim = claimedRow.row.claim as Claim;
  let stored = claimedRow;
  let acknowledged = began;
  let lost = false;
  let stopped = false;
  let beating: Promise<void> = Promise.resolve();
  let cancel = () => {};

  async function beat(): Promise<void> {
    const sent = clock.monotonic();
    try {
      const extend = (row: Row) => {
        const next = extended(row, holder, clock.now(), timing);
        return next && { row: next };
      };
      const changed = await within(clock, timing.claimLength / 3, rows.change(stored.key, extend, stored));
      if (changed) stored = changed.stored;
      if (changed?.written) acknowledged = sent;
      else lost = true;
    } catch {
      // A beat that could not be written is a beat missed: the next one, or the lapse, tells.
    }
  }

  function next(): void {
    cancel = clock.after(timing.claimLength / 3, () => {
      if (stopped || lost || clock.monotonic() - began > timing.claimCap) return;
      beating = beat().then(next);
    });
  }
  next();

  /** Whether nobody else can be presenting the token, nor have presented it. */
  function safe(): boolean {
    const succeeded = stored.row.generation !== claimedRow.row.generation;
    return !lost && !succeeded && clock.monotonic() - acknowledged <= timing.claimLength / 2;
  }

  return {
    holder,
    generation: claimedRow.row.generation,
    number: claim.number,
    presenting: claim.presenting,
    sealed: claimedRow.row.grant,
    get stored() {
      return stored;
    },
    async assure() {
      if (clock.monotonic() - began + timing.requestDeadline > timing.claimCap) lost = true;
      if (safe()) return;
      if (!lost) {
        beating = beat();
        await beating;
      }
      if (!safe())
        throw new ConnectorError(
          { kind: "retry", retryAt: clock.now() + timing.claimLength },
          "Another process is renewing this connection.",
        );
    },
    async stop() {
      stopped = true;
      cancel();
      await beating;
    },
  };
}

/** How far clocks of two machines may be apart: milliseconds. */
const clockSkew = 300_000;

/**
 * Watches others' claims by one's own monotonic clock, since theirs may be set wrong. Only that a claim is older than clocks can
 * be apart is taken from what it says itself, for processes that do not live long enough to see it.
 */
export interface ClaimObserver {
  /** Notes the claim as it was just read. */
  see(key: string, claim: Claim | undefined): Watch;
}

interface Observation {
  readonly holder: string;
  readonly beat: number;
  /** When this beat was first seen. */
  readonly since: number;
  /** Since when it has been looked at without a gap. */
  readonly from: number;
  readonly last: number;
}

export function createClaimObserver({ clock, timing }: Pick<Runtime, "clock" | "timing">): ClaimObserver {
  const seen = new Map<string, Observation>();
  return {
    see(key, claim) {
      if (!claim) {
        seen.delete(key);
        return unwatched;
      }
      const now = clock.monotonic();
      const known = seen.get(key);
      const same = known?.holder === claim.holder && known.beat === claim.beat ? known : undefined;
      const gap = same === undefined || now - same.last > timing.claimLength / 2;
      const since = same?.since ?? now;
      const from = gap ? now : (same?.from ?? now);
      seen.set(key, { holder: claim.holder, beat: claim.beat, since, from, last: now });
      const overdue = clock.now() - claim.until - clockSkew;
      return { silence: Math.max(now - since, overdue), watched: now - from };
    },
  };
}
