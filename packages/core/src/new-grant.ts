import { accountTaken, claimAccount, keptAccount } from "./account-claim.ts";
import type { Callback } from "./callback.ts";
import { flowError } from "./callback.ts";
import { aboutRow, confirmConsent, grantMembers } from "./consents.ts";
import { disconnect } from "./disconnect.ts";
import { random } from "./encoding.ts";
import { ConnectorError, type FaultDetails, isConnectorError, located, quote } from "./faults.ts";
import type { FlowRecord, FlowSecrets } from "./flow-record.ts";
import { authorizationCodeGrant } from "./grants/authorization-code.ts";
import { TokenFailure, type TokenSet } from "./grants/token-endpoint.ts";
import type { GrantReading } from "./provider.ts";
import type { Row } from "./record.ts";
import { fingerprint } from "./redemption.ts";
import type { Registration } from "./registration.ts";
import type { Renewal } from "./renewal.ts";
import { letGo } from "./revocation.ts";
import type { Change, StoredRow } from "./rows.ts";
import { connectionKey, type Runtime } from "./runtime.ts";
import type { Secret } from "./secret.ts";
import { newRow } from "./subjects.ts";
import { connected } from "./succession.ts";
import { newGrantError } from "./token-errors.ts";

/** What a flow brings: tokens for a code, or word that the user came back from the provider's pages; and the row it makes. */

/** Redeems the callback's code, once. What never left is thrown as it is, a `TokenFailure` whose phase is `unsent`. */
export async function exchangeCode(
  runtime: Runtime,
  registration: Registration,
  flow: FlowRecord,
  secrets: FlowSecrets,
  { parameters }: Callback,
  place: FaultDetails,
): Promise<Row> {
  if (!parameters.get("code"))
    throw new ConnectorError({ kind: "protocol" }, "The callback carries neither a code nor an error.", place);
  let tokens: TokenSet;
  try {
    tokens = await authorizationCodeGrant(runtime, registration, {
      // Only what the grant needs: a provider's other parameters are its own.
      callback: pick(parameters, ["code", "iss", "state"]),
      state: secrets.state,
      redirectUri: flow.redirectUri,
      codeVerifier: secrets.codeVerifier,
      proofKey: secrets.proofKey,
    });
  } catch (error) {
    if (!(error instanceof TokenFailure) || error.phase === "unsent") throw error;
    if (error.reading.kind === "reauthorize")
      throw flowError(
        "expired",
        `The server refused the code (${error.reading.code ?? error.status}). Begin the authorization again.`,
        place,
      );
    const { fault, message, details } = newGrantError(error, place, runtime.clock.now());
    throw new ConnectorError(fault, `${message} The code may be spent: begin the authorization again.`, details);
  }
  return keepTokens(runtime, registration, flow, tokens, secrets);
}

/** Makes a connection of tokens that came, or puts them in place of the grant of the one that is connected again. */
export async function keepTokens(
  runtime: Runtime,
  registration: Registration,
  flow: GrantTarget,
  tokens: TokenSet,
  { parameters, kept }: Pick<FlowSecrets, "parameters" | "kept">,
): Promise<Row> {
  let reading: GrantReading = {};
  const abandon = async () => {
    // Some servers let all grants of an account share one fate: beside the one that is connected again, what came is dropped.
    if (flow.connection !== undefined) return;
    const row = newRow(runtime, registration, { kind: "connection", id: "", owner: flow.owner, scope: flow.scope });
    const { account, data } = reading;
    await letGo(
      runtime,
      registration,
      { ...row, ...(account !== undefined && { account }), data: { ...data } },
      tokens,
    );
  };
  try {
    const granted = registration.provider.connect?.granted;
    reading = (await granted?.(tokens.answer, parameters, await registration.context(), kept)) ?? {};
  } catch (error) {
    await abandon();
    const { name, provider } = registration;
    throw isConnectorError(error) ? located(error, { registration: name, provider: provider.id }) : error;
  }
  const { accessToken } = tokens;
  const scope = reading.scope ?? tokens.scope;
  // An answer that names no scope grants what was asked for (RFC 6749, section 5.1).
  const missing = scope ? (flow.requiredScope ?? []).filter((required) => !scope.includes(required)) : [];
  if (missing.length > 0) {
    await abandon();
    throw tooNarrow(registration, missing);
  }
  return writeGrant(runtime, registration, flow, {
    account: reading.account,
    apply: async (row, kept) => {
      const refreshToken = tokens.refreshToken ?? kept;
      const old = tokens.refreshToken === undefined && kept !== undefined ? row : undefined;
      const received = {
        issuedAt: tokens.issuedAt,
        expiresAt: tokens.expiresAt,
        refreshExpiresAt: old ? old.refresh?.expiresAt : refreshEnd(registration, tokens.issuedAt),
        fingerprint: refreshToken === undefined ? undefined : await fingerprint(refreshToken),
      };
      // A refresh token that ends whatever is done ends the grant: it is announced as the end of a consent is.
      const consentExpiresAt = Math.min(reading.consentExpiresAt ?? Infinity, received.refreshExpiresAt ?? Infinity);
      const granted = {
        ...reading,
        ...(scope && { scope }),
        ...(consentExpiresAt !== Infinity && { consentExpiresAt }),
      };
      const fresh = connected(anew(row, flow), received, "active", runtime.clock.now());
      const next = old ? { ...fresh, ...asItWas(old) } : fresh;
      return {
        row: { ...next, ...(await grantMembers(registration, granted, next)) },
        grant: { accessToken, ...(refreshToken !== undefined && { refreshToken }) },
      };
    },
    abandon,
  });
}

/** The row as a new grant finds it: what named the old one to a webhook would let the old one's end be taken for the new one's. */
function anew(row: Row, flow: GrantTarget): Row {
  return { ...row, refs: [], scope: { requested: flow.scope } };
}

/** Of a refresh token that is kept: it is as old as it was, and may be on its way to the server. */
const asItWas = ({ refresh, claim, doubt }: Row): Partial<Row> => ({
  ...(refresh && { refresh }),
  ...(claim && { claim }),
  ...(doubt && { doubt }),
});

const tooNarrow = ({ name, provider }: Registration, missing: readonly string[]): ConnectorError =>
  flowError(
    "scope",
    `The user did not grant what is required: ${quote(missing.join(" "))}. Begin again, and say what it is needed for.`,
    { registration: name, provider: provider.id },
  );

function refreshEnd({ provider }: Registration, issuedAt: number): number | undefined {
  const lifetime = provider.grants.refreshToken?.lifetime;
  return lifetime === undefined ? undefined : issuedAt + lifetime * 1000;
}

const pick = (from: URLSearchParams, names: readonly string[]) =>
  new URLSearchParams(names.flatMap((name) => from.getAll(name).map((value) => [name, value])));

/** The user came back from the provider's pages. That proves nothing: the connection is pending until the consent is listed. */
export async function returnedFromHosted(
  runtime: Runtime,
  renewal: Renewal,
  registration: Registration,
  flow: FlowRecord,
): Promise<Row> {
  const target = flow.connection === undefined ? undefined : await runtime.rows.read(connectionKey(flow.connection));
  const row = await writeGrant(runtime, registration, flow, {
    account: target?.row.account,
    apply: async (before) => {
      const next = connected(
        { ...anew(before, flow), data: { ...before.data, ...flow.data } },
        undefined,
        "pending",
        runtime.clock.now(),
      );
      const refs = registration.provider.connect?.pendingRefs?.(next.data) ?? [];
      const members = await grantMembers(registration, { refs }, next);
      const required = flow.requiredScope;
      return { row: { ...next, ...members, ...(required && { scope: { ...next.scope, required } }) } };
    },
  });
  const stored = await runtime.rows.read(connectionKey(row.id));
  if (!stored) return row;
  // Where the provider cannot be asked now, maintenance, a webhook or the next use asks.
  const confirmed = (await confirmConsent(runtime, renewal, registration, stored).catch(() => stored)).row;
  if (confirmed.state !== "ended" || confirmed.reason !== "scope") return confirmed;
  await disconnect(runtime, renewal, registration, stored.key);
  throw tooNarrow(registration, flow.requiredScope ?? []);
}

/** Whose grant it is, and where it goes. */
export type GrantTarget = Pick<FlowRecord, "registration" | "owner" | "scope" | "requiredScope" | "connection">;

interface GrantToWrite {
  readonly account: string | undefined;
  /** @param kept - The refresh token to keep where none came: of the same account and client. */
  apply(row: Row, kept: Secret | undefined): Promise<Change>;
  /** Lets go of what came, where it cannot be kept. */
  abandon?(): Promise<unknown>;
}

/** Writes a grant: into the connection that is connected again, where it is the same account, else into a new one. */
async function writeGrant(
  runtime: Runtime,
  registration: Registration,
  flow: GrantTarget,
  grant: GrantToWrite,
): Promise<Row> {
  const { rows, cache, events } = runtime;
  const claim = (id: string) =>
    claimAccount(runtime, registration, { id, owner: flow.owner, account: grant.account }).catch(async (error) => {
      // The other owner's grant could share the fate of what came: it is dropped, not revoked.
      const taken = isConnectorError(error) && error.fault.kind === "flow";
      if (!taken) await grant.abandon?.();
      throw error;
    });
  let written: StoredRow | undefined;
  if (flow.connection !== undefined) {
    await claim(flow.connection);
    const key = connectionKey(flow.connection);
    const changed = await persistently(() =>
      rows.change(key, async (row) => {
        const other = row.account !== undefined && grant.account !== undefined && row.account !== grant.account;
        if (row.owner !== flow.owner || row.registration !== flow.registration || row.state === "ending" || other)
          return undefined;
        // An old grant that cannot be opened is nothing to keep, and no reason to refuse the new one.
        const before = keeps(row, registration, grant)
          ? await rows.open({ key, row }).catch(() => undefined)
          : undefined;
        return grant.apply({ ...row, client: registration.provider.client.id }, before?.refreshToken);
      }),
    );
    if (changed?.written) written = changed.stored;
  }
  if (!written) {
    const id = random(16);
    await claim(id);
    const key = connectionKey(id);
    const row = newRow(runtime, registration, { kind: "connection", id, owner: flow.owner, scope: flow.scope });
    const change = await grant.apply(row, undefined);
    written = await persistently(async () => {
      const created = await rows.create(key, change);
      // Nobody else can know the id: an earlier try was written, and its acknowledgement lost.
      return created === "conflict" ? rows.read(key) : created;
    }).catch(async (error: unknown) => {
      await grant.abandon?.();
      throw error;
    });
    if (!written) throw new ConnectorError({ kind: "gone", reason: "disconnected" }, "The new connection is gone.");
  }
  if (!(await keptAccount(runtime, registration, written.row).catch(() => true))) {
    await rows.remove(written);
    throw accountTaken(registration);
  }
  cache.delete(written.key);
  events.emit(written.row.state === "pending" ? "connection.pending" : "connection.connected", aboutRow(written.row));
  return written.row;
}

/** Whether the old refresh token may go on: only where it is known to be of the same account, and given to the same client. */
function keeps(row: Row, { provider }: Registration, { account }: GrantToWrite): boolean {
  return (
    row.state === "active" && account !== undefined && row.account === account && row.client === provider.client.id
  );
}

/** A code is redeemed once: what it brought is saved with more than one try. */
async function persistently<T>(save: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await save();
    } catch (error) {
      if (tries === 2) throw error;
    }
  }
}
