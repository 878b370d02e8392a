import { ConnectorError } from "./faults.ts";
import type { Ask } from "./lifecycle.ts";
import type { ObtainOptions, Subject } from "./renewal.ts";
import type { CacheEntry } from "./token-cache.ts";

/** A renewal under way in this process, which others who want the same wait for. */
export interface Flight {
  readonly landing: Promise<CacheEntry>;
  readonly audience: string | undefined;
  readonly purpose: Ask["purpose"];
  /** Why the token at hand is not good enough, though it may be for another: it is refused or renewed ahead, or is to be valid for longer. */
  readonly refused: number | undefined;
  readonly minValidity: number | undefined;
  /** Whether it waits for others who renew. */
  readonly waits: boolean;
}

export function flightOf(
  landing: Promise<CacheEntry>,
  { audience }: Subject,
  { purpose = "use", wait = true, refused, minValidity }: ObtainOptions,
): Flight {
  return { landing, audience, purpose, refused, minValidity, waits: wait };
}

/** Whether a flight's end is not the answer to what is asked. */
export const differs = (flight: Flight, { audience }: Subject, { purpose = "use" }: ObtainOptions): boolean =>
  flight.audience !== audience || flight.purpose !== purpose;

/** Whether a flight was begun for want that is not the asker's: the token at hand may be good enough. */
export const wantsOther = ({ refused, minValidity }: Flight, options: ObtainOptions): boolean =>
  (refused !== undefined && refused !== options.refused) ||
  (minValidity !== undefined && minValidity !== options.minValidity);

/** Waits for shared work until the caller's own signal aborts; the work goes on. */
export function detachable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const abort = () => reject(aborted());
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

export function aborted(): ConnectorError {
  return new ConnectorError({ kind: "aborted" }, "The caller's signal aborted; work that others share goes on.");
}
