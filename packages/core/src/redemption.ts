import { proofKeyOf } from "./bound-token.ts";
import type { HeldClaim } from "./claim.ts";
import { digest } from "./encoding.ts";
import { type FaultDetails, isConnectorError, located } from "./faults.ts";
import { TokenFailure, type TokenSet } from "./grants/token-endpoint.ts";
import { missed, withoutClaim } from "./lifecycle.ts";
import type { Grant, Row } from "./record.ts";
import type { Subject } from "./renewal.ts";
import type { StoredRow } from "./rows.ts";
import type { Runtime } from "./runtime.ts";
import type { Saves } from "./saves.ts";
import type { Secret } from "./secret.ts";
import { granted, type Received } from "./succession.ts";
import { type CacheEntry, cacheEntry } from "./token-cache.ts";
import { missOf, tokenError } from "./token-errors.ts";

/** Presents a claimed grant to its server and writes what comes of it. */
export interface Redemption {
  /**
   * @param tookOver - The claim is in place of one that lapsed.
   * @returns What memory now holds; `undefined` where the row has to be looked at again.
   */
  redeem(
    subject: Subject,
    claim: HeldClaim,
    grant: Grant | undefined,
    tookOver: boolean,
  ): Promise<CacheEntry | undefined>;
}

export interface RedemptionParts {
  readonly runtime: Runtime;
  readonly saves: Saves;
  /** Resolves when the row may have changed, at the latest after `delay` milliseconds. */
  changeOrPause(key: string, delay: number): Promise<void>;
}

export function createRedemption({ runtime, saves, changeOrPause }: RedemptionParts): Redemption {
  const { clock, timing, rows, cache, events } = runtime;

  async function redeem(
    subject: Subject,
    claim: HeldClaim,
    grant: Grant | undefined,
    tookOver: boolean,
  ): Promise<CacheEntry | undefined> {
    if (tookOver && subject.policy.rotates) {
      const lives = await outlived(subject, claim).catch(async (error: unknown) => {
        // Not given back: whoever comes next has to watch, too.
        await claim.stop();
        throw error;
      });
      if (lives) {
        await release(claim);
        return undefined;
      }
    }
    try {
      const tokens = await present(subject, claim, grant);
      await claim.stop();
      return await commit(subject, claim, grant, claim.presenting, tokens);
    } catch (error) {
      if (error instanceof TokenFailure) return await settle(subject, claim, grant, error);
      await release(claim);
      throw isConnectorError(error) ? located(error, placeOf(subject)) : error;
    } finally {
      await claim.stop();
    }
  }

  /**
   * Whether the holder whose lapsed claim was taken over lives after all. One that could not write, while others could read,
   * saves what it has as soon as it can; it is given half a claim's length for that.
   */
  async function outlived(subject: Subject, claim: HeldClaim): Promise<boolean> {
    const began = clock.monotonic();
    // Looking for longer would leave no time to ask in.
    const longest = timing.claimCap - timing.requestDeadline - timing.claimLength / 2;
    for (let since = began; clock.monotonic() - since < timing.claimLength / 2; ) {
      await changeOrPause(subject.key, timing.claimLength / 12);
      try {
        const now = await rows.read(subject.key);
        if (now?.row.generation !== claim.generation || now.row.claim?.holder !== claim.holder) return true;
      } catch (error) {
        // What cannot be looked at is not watched.
        since = clock.monotonic();
        if (since - began > longest) throw isConnectorError(error) ? located(error, placeOf(subject)) : error;
      }
    }
    return false;
  }

  /** One presentation, and a second one at once where our own answer was lost: only an answer settles what became of the token. */
  async function present(subject: Subject, claim: HeldClaim, grant: Grant | undefined): Promise<TokenSet> {
    const once = () => subject.redeem(grant?.refreshToken, () => claim.assure(), proofKeyOf(grant?.accessToken));
    try {
      return await once();
    } catch (first) {
      if (!(first instanceof TokenFailure) || first.phase !== "lost" || subject.policy.lostResponse !== "retry")
        throw first;
      try {
        return await once();
      } catch (second) {
        throw second instanceof TokenFailure ? afterLoss(second, subject.policy.rotates) : first;
      }
    }
  }

  async function commit(
    subject: Subject,
    claim: HeldClaim,
    before: Grant | undefined,
    presented: string | undefined,
    tokens: TokenSet,
  ): Promise<CacheEntry | undefined> {
    const { policy, key } = subject;
    const { accessToken } = tokens;
    const refreshToken = tokens.refreshToken ?? before?.refreshToken;
    const received: Received = {
      issuedAt: tokens.issuedAt,
      expiresAt: tokens.expiresAt,
      refreshExpiresAt: tokens.refreshExpiresAt,
      scope: tokens.scope,
      audience: subject.audience,
      fingerprint: await fingerprintOf(subject, presented, before?.refreshToken, refreshToken),
    };
    const { keep, stored, grant } = await saves.save({
      key,
      from: claim.stored,
      async transition(row) {
        const next = granted(row, claim, received, policy);
        // What else the grant holds is as it was when it was opened, unless somebody wrote to it meanwhile.
        const opened = async () => (row.grant === claim.sealed ? before : await rows.open({ key, row }));
        switch (next.keep) {
          case "received": {
            const held = await opened();
            const spare = next.spare ? held?.refreshToken : unused(held?.spare, before?.refreshToken);
            const tokens = accessTokens(subject, next.row, held, accessToken);
            const change = { ...tokens, ...optional("refreshToken", refreshToken), ...optional("spare", spare) };
            return { keep: next.keep, change: { row: next.row, grant: change } };
          }
          case "spare": {
            const current = await rows.open({ key, row });
            const change = current && { row: next.row, grant: { ...current, ...optional("spare", refreshToken) } };
            return { keep: next.keep, ...optional("change", change) };
          }
          case "row":
            return { keep: next.keep, ...(next.row !== row && { change: { row: next.row } }) };
          default:
            return { keep: next.keep };
        }
      },
      saved(keep, row) {
        if ((keep !== "received" && keep !== "written") || row.kind !== "connection") return;
        const expiresAt = optional("expiresAt", row.token?.expiresAt);
        events.emit("connection.renewed", { ...aboutRow(row, subject), ...expiresAt });
      },
    });
    if (stored && keep === "received") {
      const entry = cacheEntry(runtime, stored, grant);
      cache.set(key, entry);
      return entry;
    }
    // What was to be written and was not had no row to go to any more.
    const homeless = !stored && (keep === "received" || keep === "spare");
    if (homeless || keep === "nothing") await subject.abandon?.(tokens, claim.stored.row);
    return undefined;
  }

  /** Writes what an attempt without tokens means, and throws it; `undefined`: the row has moved on. */
  async function settle(
    subject: Subject,
    claim: HeldClaim,
    grant: Grant | undefined,
    first: TokenFailure,
  ): Promise<undefined> {
    const spare = await secondChance(subject, claim, grant, first);
    if (spare === "look") {
      await release(claim);
      return undefined;
    }
    const failure = spare ?? first;
    const miss = missOf(failure);
    await claim.stop();
    const now = clock.now();
    const changed = await rows
      .change(
        subject.key,
        (row) => {
          const next = missed(row, claim, miss, now, subject.policy, timing);
          return next && { row: next };
        },
        claim.stored,
      )
      .catch((error: unknown) => {
        if (isConnectorError(error))
          events.emit("store.failed", { ...placeOf(subject), during: "release", message: error.message });
        throw error;
      });
    if (!changed || changed.stored.row.generation !== claim.generation) return undefined;
    const { row } = changed.stored;
    // What is in memory learns of the pause, so that no caller knocks in vain.
    cache.set(subject.key, cacheEntry(runtime, changed.stored, grant));
    if (changed.written && row.kind === "connection") tellMiss(subject, claim.stored.row, row, failure);
    throw tokenError(failure, row, placeOf(subject), now);
  }

  function tellMiss(subject: Subject, before: Row, row: Row, { reading }: TokenFailure): void {
    const about = aboutRow(row, subject);
    if (row.state === "reauthorize") {
      events.emit("connection.reauthorization_required", { ...about, reason: row.reason ?? "revoked" });
      return;
    }
    if (row.doubt && !before.doubt) events.emit("connection.in_doubt", about);
    const kind = reading.kind === "configuration" || reading.kind === "protocol" ? reading.kind : "retry";
    events.emit("connection.renewal_failed", { ...about, kind, ...optional("retryAt", row.failure?.retryAt) });
  }

  /**
   * After a refusal of a token that rotates: whether somebody else's answer is there, or comes within a claim's length, or the
   * spare token works. The refusal is believed only after that.
   *
   * @returns `"look"`: the row has moved on. A failure: what became of the spare. `undefined`: the first failure stands.
   */
  async function secondChance(
    subject: Subject,
    claim: HeldClaim,
    grant: Grant | undefined,
    failure: TokenFailure,
  ): Promise<"look" | TokenFailure | undefined> {
    if (!subject.policy.rotates || missOf(failure).miss !== "refused") return undefined;
    const began = clock.monotonic();
    const until = began + (runtime.store.reach === "process" ? 0 : timing.claimLength);
    let last: StoredRow | undefined;
    while (!last || clock.monotonic() < until) {
      if (last) await changeOrPause(subject.key, 250);
      try {
        const now = await rows.read(subject.key);
        if (now?.row.generation !== claim.generation || now.row.state !== claim.stored.row.state) return "look";
        last = now;
      } catch (error) {
        // What cannot be looked at yet is looked at later: a refusal that is forgotten would be taken for a lost answer.
        if (clock.monotonic() - began > timing.claimCap) throw error;
        await changeOrPause(subject.key, 250);
      }
    }
    // A token that came second may have been put beside it since it was opened.
    const held = last.row.grant === claim.sealed ? grant : await rows.open(last);
    if (held?.spare === undefined) return undefined;
    const { spare, ...rest } = held;
    try {
      const tokens = await subject.redeem(spare, () => claim.assure(), proofKeyOf(held.accessToken));
      await commit(subject, claim, { ...rest, refreshToken: spare }, undefined, tokens);
      return "look";
    } catch (error) {
      if (!(error instanceof TokenFailure)) throw error;
      // Refused, too: what the first refusal says of the grant is true.
      return missOf(error).miss === "refused" ? undefined : error;
    }
  }

  /** Gives an unused claim back; where that fails it lapses by itself. */
  async function release(claim: HeldClaim): Promise<void> {
    await claim.stop();
    await rows
      .change(
        claim.stored.key,
        (row) => (row.claim?.holder === claim.holder ? { row: withoutClaim(row, claim.holder) } : undefined),
        claim.stored,
      )
      .catch(() => {});
  }

  return { redeem };
}

/** The fingerprint of the refresh token to hold: the one that was presented keeps what it had, without another digest. */
async function fingerprintOf(
  { policy }: Subject,
  presented: string | undefined,
  before: Secret | undefined,
  refreshToken: Secret | undefined,
): Promise<string | undefined> {
  if (policy.renewal !== "refresh" || refreshToken === undefined) return undefined;
  const same = refreshToken.reveal() === before?.reveal();
  return (same ? presented : undefined) ?? fingerprint(refreshToken);
}

/** A spare token, unless it is the one that was just presented. */
const unused = (spare: Secret | undefined, presented: Secret | undefined): Secret | undefined =>
  spare?.reveal() === presented?.reveal() ? undefined : spare;

/** The received access token in its place among those that the row still counts. */
function accessTokens(
  { audience }: Subject,
  row: Row,
  before: Grant | undefined,
  received: Secret,
): Pick<Grant, "accessToken" | "others"> {
  const others = Object.fromEntries(
    Object.entries({ ...before?.others, ...(audience !== undefined && { [audience]: received }) }).filter(
      ([name]) => row.others?.[name],
    ),
  );
  const accessToken = audience === undefined ? received : (before?.accessToken ?? received);
  return { accessToken, ...(Object.keys(others).length > 0 && { others }) };
}

/** A second presentation's failure, after the first one's answer was lost. */
function afterLoss(second: TokenFailure, rotates: boolean): TokenFailure {
  if (!rotates) return second;
  const refused = second.phase === "answered" && second.reading.kind === "reauthorize";
  return refused
    ? new TokenFailure("answered", { ...second.reading, reason: "rotation_lost" }, second.status)
    : new TokenFailure("lost", second.reading, second.status, second.retryAt);
}

/** A digest by which two tokens are told apart without showing either. */
export async function fingerprint(token: Secret): Promise<string> {
  return (await digest("token", token.reveal())).slice(0, 22);
}

/** Where something happened, for errors and events. */
export function placeOf({ registration, key }: Subject): FaultDetails {
  return {
    registration: registration.name,
    provider: registration.provider.id,
    ...(key.startsWith("connection:") && { connection: key.slice("connection:".length) }),
  };
}

export function aboutRow(row: Row, subject: Subject) {
  return { ...placeOf(subject), connection: row.id, owner: row.owner };
}

/** An object with one member, or none where there is no value: for options that may not be `undefined`. */
function optional<Name extends string, Value>(name: Name, value: Value | undefined): { [Key in Name]?: Value } {
  return (value === undefined ? {} : { [name]: value }) as { [Key in Name]?: Value };
}
