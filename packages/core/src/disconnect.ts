import { releaseAccount } from "./account-claim.ts";
import { aboutRow } from "./consents.ts";
import { disconnectContext } from "./context.ts";
import { isConnectorError } from "./faults.ts";
import { ending, postponed } from "./lifecycle.ts";
import type { Revocation } from "./provider.ts";
import type { Registration } from "./registration.ts";
import type { Renewal } from "./renewal.ts";
import { revokeStored } from "./revocation.ts";
import type { StoredRow } from "./rows.ts";
import type { Runtime } from "./runtime.ts";

/** What disconnecting did. */
export interface DisconnectReport {
  /** `true`: the connection is forgotten. `false`: something may live on at the provider; disconnect again, or let maintenance do it. */
  readonly disconnected: boolean;
  readonly revocations: readonly Revocation[];
}

/** Stops handing out, lets go of the grant as the provider allows, and forgets the row when that is settled. */
export async function disconnect(
  runtime: Runtime,
  renewal: Renewal,
  registration: Registration,
  key: string,
): Promise<DisconnectReport> {
  const { rows, clock, timing, cache, events } = runtime;
  const began = await rows.change(key, (row) =>
    row.state === "ending" ? undefined : { row: ending(row, clock.now()) },
  );
  cache.delete(key);
  if (!began) return { disconnected: true, revocations: [] };
  let revocations: readonly Revocation[] = [];
  let released: LetGo["released"] | undefined;
  for (let stored: StoredRow | undefined = began.stored; stored; stored = await rows.read(key)) {
    // A renewal that was under way may have brought newer tokens meanwhile; they are let go of too. A provider's own way ends
    // the grant as a whole, and may itself have renewed in order to.
    if (released === undefined || (released !== "whole" && stored.row.generation !== released)) {
      const done = await revoke(runtime, renewal, registration, stored);
      revocations = done.revocations;
      if (revocations.some(({ result }) => result === "failed")) {
        const postponement = await rows.change(key, (row) => ({ row: postponed(row, clock.now(), timing) }));
        // Where there is no row any more, another process has let go of it.
        return { disconnected: postponement === undefined, revocations };
      }
      released = done.released;
    }
    if (await rows.remove(stored)) break;
  }
  cache.delete(key);
  // Where that fails, the claim lapses by itself: no connection stands behind it.
  await releaseAccount(runtime, registration, began.stored.row).catch(() => {});
  events.emit("connection.disconnected", aboutRow(began.stored.row));
  return { disconnected: true, revocations };
}

interface LetGo {
  readonly revocations: readonly Revocation[];
  /** The generation whose tokens were revoked; `whole`: the grant, whatever tokens there are. */
  readonly released: number | "whole";
}

async function revoke(
  runtime: Runtime,
  renewal: Renewal,
  registration: Registration,
  stored: StoredRow,
): Promise<LetGo> {
  const { provider } = registration;
  if (!provider.disconnect)
    return {
      revocations: await revokeStored(runtime, registration, stored),
      released: stored.row.generation,
    };
  let released: LetGo["released"] = "whole";
  const context = disconnectContext(runtime, renewal, registration, stored.row, (generation) => {
    released = generation;
  });
  try {
    const revocations = await provider.disconnect(context);
    return { revocations, released };
  } catch (error) {
    const dead = isConnectorError(error) && (error.fault.kind === "reauthorize" || error.fault.kind === "gone");
    return { revocations: [{ what: "grant", result: dead ? "already_gone" : "failed" }], released };
  }
}
