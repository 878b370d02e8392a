import { createClaimObserver, holdClaim } from "./claim.ts";
import { sleep } from "./clock.ts";
import { ConnectorError, isConnectorError, located, type ReauthorizeReason } from "./faults.ts";
import { aborted, detachable, differs, type Flight, flightOf, wantsOther } from "./flight.ts";
import type { TokenSet } from "./grants/token-endpoint.ts";
import {
  type Ask,
  claimed,
  type Decision,
  decide,
  marked,
  type Situation,
  unwatched,
  usable,
  type Watch,
} from "./lifecycle.ts";
import type { Policy } from "./policy.ts";
import type { Claim, Row } from "./record.ts";
import { aboutRow, createRedemption, placeOf } from "./redemption.ts";
import type { Registration } from "./registration.ts";
import type { StoredRow } from "./rows.ts";
import type { Runtime } from "./runtime.ts";
import { createSaves } from "./saves.ts";
import type { Secret } from "./secret.ts";
import { type CacheEntry, cacheEntry } from "./token-cache.ts";
import { refusal } from "./token-errors.ts";

/** Performs what `lifecycle.ts` decides: looks at the row, claims it, waits for others. `redemption.ts` does the rest. */
export interface Renewal {
  /** A token as asked, from memory where possible. Concurrent calls for one subject share the work. */
  obtain(subject: Subject, options?: ObtainOptions): Promise<TokenEntry>;
  /** Waits for renewals under way, whoever waits for them still; tries saves once more that have not succeeded, and then no more. */
  drain(): Promise<void>;
}

export type TokenEntry = CacheEntry & { readonly accessToken: Secret };

/** What tokens are wanted for. */
export interface Subject {
  readonly key: string;
  readonly registration: Registration;
  readonly policy: Policy;
  /** For what the token is, where it is not the default; see `audienceOf`. */
  readonly audience?: string;
  /** Asks the server for new tokens, bound to the key where there is one. */
  redeem(
    refreshToken: Secret | undefined,
    beforeSend: () => Promise<void>,
    proofKey: Secret | undefined,
  ): Promise<TokenSet>;
  /** The row to begin with, where none is there yet; absent where there must be one. */
  readonly initial?: () => Row;
  /** Lets go of tokens that came for a grant that is over. */
  readonly abandon?: (tokens: TokenSet, row: Row) => Promise<void>;
}

export interface ObtainOptions {
  /** `revoke`: in order to let go, also while the row is ending. */
  readonly purpose?: Ask["purpose"];
  /** Milliseconds. */
  readonly minValidity?: number | undefined;
  /** The generation whose token is not good enough: the API refused it, or it is to be renewed. */
  readonly refused?: number | undefined;
  /** Detaches this caller alone. */
  readonly signal?: AbortSignal | undefined;
  /** `false`: where somebody else is renewing, fail with `retry` in place of waiting. */
  readonly wait?: boolean;
  /** Called when this call itself won the claim, and is about to ask the server. */
  readonly claimed?: () => void;
}

/** How long a caller waits for somebody else's renewal: milliseconds. */
const longestWait = 30_000;

export function createRenewal(runtime: Runtime): Renewal {
  const { clock, timing, rows, cache, events } = runtime;
  const observer = createClaimObserver(runtime);
  const saves = createSaves(runtime);
  const { redeem } = createRedemption({ runtime, saves, changeOrPause });
  const flights = new Map<string, Flight>();

  async function obtain(subject: Subject, options: ObtainOptions = {}): Promise<TokenEntry> {
    const { key } = subject;
    for (;;) {
      if (options.signal?.aborted) throw aborted();
      const entry = cache.get(key);
      if (entry && clock.monotonic() < entry.freshUntil) {
        const decision = decideOn(subject, entry.row, options, unwatched);
        if (decision.do === "use" && tokenIn(entry, subject)) return handOut(subject, entry, decision, options);
      }
      const flight = flights.get(key);
      const other = flight !== undefined && differs(flight, subject, options);
      if (flight && (other || wantsOther(flight, options))) {
        // The token at hand may be good still: look at the row beside the renewal under way.
        const seen = await look(subject, options);
        if (seen && "entry" in seen) return withToken(seen.entry, subject);
      }
      if (flight && (other || (!flight.waits && options.wait !== false))) {
        // It may give up where this caller would not.
        await detachable(
          flight.landing.catch(() => {}),
          options.signal,
        );
        continue;
      }
      const landed = await detachable((flight ?? launch(subject, options)).landing, options.signal);
      const decision = decideOn(subject, landed.row, options, unwatched);
      // It came for a row that is being let go of, say.
      if (!flight && decision.do === "fail") throw refusal(decision.fault, landed.row, placeOf(subject));
      if (!flight || decision.do === "use") return handOut(subject, landed, decision, options);
    }
  }

  /** Hands out a token that serves, and sees to its renewal ahead of time. */
  async function handOut(
    subject: Subject,
    entry: CacheEntry,
    decision: Decision,
    options: ObtainOptions,
  ): Promise<TokenEntry> {
    if (decision.do === "use" && decision.ahead && !flights.has(subject.key)) {
      const landing = launch(subject, { refused: entry.row.generation, wait: false }).landing.catch(() => entry);
      // What goes wrong ahead of time is told by events, and met again when it counts.
      if (!runtime.ahead) return withToken(await detachable(landing, options.signal), subject);
      runtime.background(landing);
    }
    return withToken(entry, subject);
  }

  function launch(subject: Subject, options: ObtainOptions): Flight {
    const landing = fly(subject, options).finally(() => flights.delete(subject.key));
    const flight = flightOf(landing, subject, options);
    flights.set(subject.key, flight);
    return flight;
  }

  function decideOn(
    subject: Subject,
    row: Situation,
    { purpose = "use", minValidity, refused }: ObtainOptions,
    watch: Watch,
  ): Decision {
    const { audience, policy } = subject;
    return decide(row, { now: clock.now(), purpose, minValidity, refused, audience, watch }, policy, timing);
  }

  /** From reading the row to a token that serves, or the reason why there is none. */
  async function fly(subject: Subject, options: ObtainOptions): Promise<CacheEntry> {
    const began = clock.monotonic();
    for (let pause = 25; ; pause = Math.min(pause * 1.5, 250)) {
      const seen = await look(subject, options);
      if (!seen) {
        const entry = await begin(subject);
        if (entry) return entry;
        continue;
      }
      if ("entry" in seen) return seen.entry;
      const { stored, decision } = seen;
      switch (decision.do) {
        case "fail":
          if (decision.mark) await mark(subject, stored, decision.mark);
          throw refusal(decision.fault, stored.row, placeOf(subject));
        case "wait":
          if (clock.monotonic() - began > longestWait || (options.wait === false && isAlive(stored.row.claim)))
            throw busy(subject);
          await changeOrPause(subject.key, pause);
          break;
        case "claim": {
          const entry = await claim(subject, stored, decision.doubt, options);
          if (entry) return entry;
        }
      }
    }
  }

  /** Reads the row and decides; `undefined`: there is none, and one is to be begun. */
  async function look(
    subject: Subject,
    options: ObtainOptions,
  ): Promise<{ entry: CacheEntry } | { stored: StoredRow; decision: Exclude<Decision, { do: "use" }> } | undefined> {
    const { key } = subject;
    const unsaved = saves.pending(key);
    if (unsaved && !(await saves.attempt(key))) {
      const { audience } = subject;
      if (usable(unsaved.row, { now: clock.now(), ...options, audience }, timing)) return { entry: unsaved };
      throw new ConnectorError(
        { kind: "store" },
        "New tokens could not be saved yet; nothing is requested before they are. Try again.",
        placeOf(subject),
      );
    }
    let stored: StoredRow | undefined;
    try {
      stored = await rows.read(key);
      if (stored) {
        const decision = decideOn(subject, stored.row, options, observer.see(key, stored.row.claim));
        return decision.do === "use" ? { entry: await remember(key, stored) } : { stored, decision };
      }
    } catch (error) {
      return { entry: servedFromMemory(subject, options, error) };
    }
    if (subject.initial) return undefined;
    cache.delete(key);
    throw new ConnectorError(
      { kind: "gone", reason: "unknown" },
      "There is no such connection; it was disconnected or never was.",
      placeOf(subject),
    );
  }

  async function claim(
    subject: Subject,
    stored: StoredRow,
    doubt: Parameters<typeof claimed>[1]["doubt"],
    options: ObtainOptions,
  ): Promise<CacheEntry | undefined> {
    // Opened before the claim: a row whose secrets cannot be opened is left as it is.
    const grant = await rows.open(stored);
    const holder = crypto.randomUUID();
    const next = claimed(stored.row, { holder, now: clock.now(), doubt }, timing);
    const began = clock.monotonic();
    const changed = await rows.change(subject.key, (row) => (row === stored.row ? { row: next } : undefined), stored);
    if (!changed?.written) return undefined;
    if (next.doubt && !stored.row.doubt) events.emit("connection.in_doubt", aboutRow(next, subject));
    options.claimed?.();
    return redeem(subject, holdClaim(runtime, changed.stored, holder, began), grant, stored.row.claim !== undefined);
  }

  /** Creates the row with the claim in it: one write less. */
  async function begin(subject: Subject): Promise<CacheEntry | undefined> {
    const row = subject.initial?.();
    if (!row) return undefined;
    const holder = crypto.randomUUID();
    const began = clock.monotonic();
    const created = await rows.create(subject.key, { row: claimed(row, { holder, now: clock.now() }, timing) });
    return created === "conflict"
      ? undefined
      : redeem(subject, holdClaim(runtime, created, holder, began), undefined, false);
  }

  async function mark(subject: Subject, stored: StoredRow, reason: ReauthorizeReason): Promise<void> {
    const changed = await rows.change(
      subject.key,
      (row) => {
        const next = row.generation === stored.row.generation ? marked(row, reason, clock.now()) : undefined;
        return next && { row: next };
      },
      stored,
    );
    if (changed?.written)
      events.emit("connection.reauthorization_required", { ...aboutRow(changed.stored.row, subject), reason });
  }

  /** A failure of the store tells nothing of the grant: what memory holds is served as long as it is valid. */
  function servedFromMemory(subject: Subject, options: ObtainOptions, error: unknown): CacheEntry {
    if (!isConnectorError(error)) throw error;
    events.emit("store.failed", { ...placeOf(subject), during: "read", message: error.message });
    const entry = cache.get(subject.key);
    if (entry && tokenIn(entry, subject) && decideOn(subject, entry.row, options, unwatched).do === "use") return entry;
    throw located(error, placeOf(subject));
  }

  /** Puts a row into memory. It is opened only where it changed. */
  async function remember(key: string, stored: StoredRow): Promise<CacheEntry> {
    const known = cache.get(key);
    const tokens =
      known?.version === stored.version && known.accessToken ? (known as TokenEntry) : await rows.open(stored);
    const entry = cacheEntry(runtime, stored, tokens);
    cache.set(key, entry);
    return entry;
  }

  async function changeOrPause(key: string, delay: number): Promise<void> {
    const stop = new AbortController();
    const unwatch = runtime.store.watch?.(key, () => stop.abort());
    await sleep(clock, delay, stop.signal).catch(() => {});
    unwatch?.();
  }

  /** Whether a claim is young by its holder's clock. One that is not is watched, as nobody else may come by to see it lapse. */
  const isAlive = (claim: Claim | undefined): boolean => claim !== undefined && claim.until > clock.now();

  async function drain(): Promise<void> {
    while (flights.size > 0) await Promise.allSettled([...flights.values()].map(({ landing }) => landing));
    await saves.drain();
  }

  function busy(subject: Subject): ConnectorError {
    const retryAt = clock.now() + timing.claimLength;
    return new ConnectorError({ kind: "retry", retryAt }, "Another process is renewing. Try again.", placeOf(subject));
  }

  return { obtain, drain };
}

const tokenIn = (entry: CacheEntry, { audience }: Subject): Secret | undefined =>
  audience === undefined ? entry.accessToken : entry.others?.[audience];

function withToken(entry: CacheEntry, subject: Subject): TokenEntry {
  const accessToken = tokenIn(entry, subject);
  if (accessToken !== undefined)
    return accessToken === entry.accessToken ? (entry as TokenEntry) : { ...entry, accessToken };
  throw new ConnectorError({ kind: "store" }, `The record of connection ${entry.row.id} holds no token.`, {
    connection: entry.row.id,
  });
}
