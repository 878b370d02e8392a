import { aheadAt, renewable } from "./lifecycle.ts";
import type { Policy, Timing } from "./policy.ts";
import type { Row } from "./record.ts";
import { spread } from "./spread.ts";

/** When maintenance has something to do for a row. Pure, as `lifecycle.ts` is. */

/**
 * When maintenance should look at the row; `undefined`: never, unless something else changes it.
 *
 * @param keepFresh - Renew the access token ahead of its end, too.
 */
export function dueAt(row: Row, policy: Policy, timing: Timing, keepFresh: boolean): number | undefined {
  if (row.kind === "application" || row.state === "ended") return undefined;
  if (row.state === "pending" || row.state === "ending")
    return Math.max(row.claim?.until ?? 0, row.failure?.retryAt ?? row.since);
  const consent = consentDueAt(row, timing);
  if (row.state === "reauthorize") return consent;
  const renewal = renewAt(row, policy, timing, keepFresh);
  const possible = renewal && Math.max(renewal, row.claim?.until ?? 0, row.failure?.retryAt ?? 0);
  return earliest(possible, consent);
}

/** When the row should be renewed, whether anybody asks for it or not. */
export function renewAt(row: Row, policy: Policy, timing: Timing, keepFresh: boolean): number | undefined {
  const ahead = keepFresh && renewable(row, policy) ? aheadAt(row, timing) : undefined;
  return earliest(keepAliveAt(row, policy), ahead);
}

/** When the refresh token has to be used to stay alive: five sixths of its idle timeout, less a stable spread. */
export function keepAliveAt(row: Row, policy: Policy): number | undefined {
  if (policy.idleTimeout === undefined || !row.refresh || row.state !== "active") return undefined;
  return Math.floor(row.refresh.usedAt + policy.idleTimeout * (5 / 6 - spread(row.id) / 30));
}

function consentDueAt(row: Row, timing: Timing): number | undefined {
  if (!row.consent) return undefined;
  const { expiresAt, announced, checkAt = 0 } = row.consent;
  return announced ? Math.max(expiresAt, checkAt) : expiresAt - timing.consentNotice;
}

function earliest(...instants: readonly (number | undefined)[]): number | undefined {
  const known = instants.filter((instant) => instant !== undefined && Number.isFinite(instant)) as number[];
  return known.length === 0 ? undefined : Math.min(...known);
}
