import type { Clock } from "./clock.ts";
import { aheadAt, type Situation } from "./lifecycle.ts";
import type { Grant, Row } from "./record.ts";
import type { StoredRow } from "./rows.ts";
import type { Runtime } from "./runtime.ts";
import type { Secret } from "./secret.ts";
import type { Version } from "./store.ts";

/** What memory keeps of a row: what is decided on, and what requests to the API need. */
export type RememberedRow = Situation & Pick<Row, "owner" | "registration" | "account" | "data">;

/** What memory holds of a row and its tokens: a cache, never the truth. */
export interface CacheEntry {
  readonly row: RememberedRow;
  readonly version: Version;
  readonly accessToken: Secret | undefined;
  /** Those for one resource, or less scope. */
  readonly others: Grant["others"];
  /** Until when the token is handed out without another look at anything: epoch milliseconds. */
  readonly quickUntil: number;
  /** Until when the row is believed, by the monotonic clock. */
  readonly freshUntil: number;
}

export function cacheEntry(
  { clock, timing, freshness }: Pick<Runtime, "clock" | "timing" | "freshness">,
  { row, version }: Pick<StoredRow, "row" | "version">,
  tokens: { readonly accessToken: Secret; readonly others?: Grant["others"] | undefined } | undefined,
): CacheEntry {
  const serves = row.state === "active" && row.token !== undefined && tokens !== undefined;
  return {
    row: remembered(row),
    version,
    accessToken: tokens?.accessToken,
    others: tokens?.others,
    quickUntil: serves ? Math.min(aheadAt(row, timing), clock.now() + freshness) : 0,
    freshUntil: clock.monotonic() + freshness,
  };
}

/** One for all, as memory is counted by the connection. That there is a refresh token is all that is remembered of it. */
const refreshable = {};
const noData = {};

function remembered(row: Row): RememberedRow {
  const { id, owner, registration, state, generation, data } = row;
  const { account, reason, claim, doubt, failure, token, others, refresh } = row;
  return {
    id,
    owner,
    registration,
    state,
    generation,
    data: Object.keys(data).length > 0 ? data : noData,
    ...(account !== undefined && { account }),
    ...(reason !== undefined && { reason }),
    ...(claim && { claim }),
    ...(doubt && { doubt }),
    ...(failure && { failure }),
    ...(token && { token }),
    ...(others && { others }),
    ...(refresh && { refresh: refreshable }),
  };
}

/** Where an entry stands; empty once it was deleted or forgotten. Whoever keeps a place looks nothing up. */
export interface CachePlace {
  entry: CacheEntry | undefined;
  /** The entry's own, so that the hot path has one step less to go. */
  accessToken: Secret | undefined;
  quickUntil: number;
}

/** The token that stands in a place, where it can be handed out as it is. */
export function quickToken(place: CachePlace | undefined, clock: Clock): string | undefined {
  return place?.accessToken !== undefined && clock.now() < place.quickUntil ? place.accessToken.reveal() : undefined;
}

/** A bounded map that forgets what was put in longest ago. */
export interface TokenCache {
  get(key: string): CacheEntry | undefined;
  place(key: string): CachePlace | undefined;
  set(key: string, entry: CacheEntry): void;
  delete(key: string): void;
}

export function createTokenCache(limit: number): TokenCache {
  const places = new Map<string, CachePlace>();
  function forget(key: string): void {
    const place = places.get(key);
    if (place) fill(place, undefined);
    places.delete(key);
  }
  return {
    get: (key) => places.get(key)?.entry,
    place: (key) => places.get(key),
    set(key, entry) {
      const place = fill(places.get(key) ?? { entry, accessToken: undefined, quickUntil: 0 }, entry);
      places.delete(key);
      places.set(key, place);
      if (places.size > limit) {
        const [oldest] = places.keys();
        if (oldest !== undefined) forget(oldest);
      }
    },
    delete: forget,
  };
}

function fill(place: CachePlace, entry: CacheEntry | undefined): CachePlace {
  place.entry = entry;
  place.accessToken = entry?.accessToken;
  place.quickUntil = entry?.quickUntil ?? 0;
  return place;
}
