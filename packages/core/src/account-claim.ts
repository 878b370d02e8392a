import { flowError } from "./callback.ts";
import { digest } from "./encoding.ts";
import { ConnectorError, describe, misconfigured } from "./faults.ts";
import { isObject, parseRecord, type Row } from "./record.ts";
import type { Registration } from "./registration.ts";
import { storeCall } from "./rows.ts";
import { connectionKey, type Runtime } from "./runtime.ts";
import type { Version } from "./store.ts";

/**
 * Which owner an account at a provider belongs to, where the application allows one alone (`oneOwnerPerAccount`): a record
 * of its own under a digest of registration and account. It is claimed by compare-and-set before a connection is written, so
 * that of two owners at once, in whatever processes, one gets it.
 */
interface AccountClaim {
  readonly owner: string;
  /** The connections it was claimed for, and when: epoch milliseconds. */
  readonly connections: Readonly<Record<string, number>>;
}

const claimFormat = 1;

/** For how long a claim counts whose connection is not there: it may be about to be written. 10 minutes. */
const grace = 600_000;

const underRule = ({ oneOwnerPerAccount }: Runtime, { name }: Registration): boolean => oneOwnerPerAccount.has(name);

/**
 * Claims an account for a connection of an owner, where the rule is on.
 *
 * @throws {ConnectorError} `flow`, reason `account`, where another owner has it; `configuration` where the provider did not say
 *   whose account it is.
 */
export async function claimAccount(
  runtime: Runtime,
  registration: Registration,
  { id, owner, account }: { readonly id: string; readonly owner: string; readonly account: string | undefined },
): Promise<void> {
  if (!underRule(runtime, registration)) return;
  const { name, provider } = registration;
  if (account === undefined)
    throw misconfigured(
      `Registration "${name}": it is not known whose account this is, so it cannot be kept to one owner; take "${name}" out of oneOwnerPerAccount`,
      { registration: name, provider: provider.id },
    );
  await changeClaim(runtime, registration, account, (claim, standing) => {
    if (claim && claim.owner !== owner && Object.keys(standing).length > 0) throw accountTaken(registration);
    return { owner, connections: { ...(claim?.owner === owner && standing), [id]: runtime.clock.now() } };
  });
}

/** Whether the connection still has its account: a holder that lay frozen between claim and connection may have lost it. */
export async function keptAccount(runtime: Runtime, registration: Registration, row: Row): Promise<boolean> {
  if (!underRule(runtime, registration) || row.account === undefined) return true;
  return (await readClaim(runtime, await claimKey(registration, row.account)))?.claim.owner === row.owner;
}

/** Frees an account after a connection of it is gone, unless its owner has another. */
export async function releaseAccount(runtime: Runtime, registration: Registration, row: Row): Promise<void> {
  if (!underRule(runtime, registration) || row.account === undefined) return;
  await changeClaim(runtime, registration, row.account, (claim, { [row.id]: _gone, ...others }) =>
    claim?.owner === row.owner ? { owner: claim.owner, connections: others } : undefined,
  );
}

export const accountTaken = ({ name, provider }: Registration): ConnectorError =>
  flowError(
    "account",
    "This account is connected for another owner already. Disconnect it there, or connect another account.",
    { registration: name, provider: provider.id },
  );

/**
 * Applies a change to a claim, reading anew as often as another writer was first. One without connections is removed.
 *
 * @param change - Gets the claim and those of its connections that stand; `undefined` leaves it as it is.
 */
async function changeClaim(
  runtime: Runtime,
  registration: Registration,
  account: string,
  change: (claim: AccountClaim | undefined, standing: AccountClaim["connections"]) => AccountClaim | undefined,
): Promise<void> {
  const { store, clock } = runtime;
  const key = await claimKey(registration, account);
  for (let attempt = 0; attempt < 100; attempt++) {
    const found = await readClaim(runtime, key);
    const next = change(found?.claim, found ? await standing(runtime, found.claim, account) : {});
    if (!next) return;
    if (Object.keys(next.connections).length === 0) {
      const { version } = found ?? {};
      if (version === undefined) return;
      if (await storeCall(clock, `removing of record ${key}`, () => store.remove(key, { ifVersion: version }))) return;
      continue;
    }
    const options = {
      ifVersion: found?.version ?? "absent",
      index: { owner: next.owner, registration: registration.name },
    };
    const value = JSON.stringify({ format: claimFormat, ...next });
    const written = await storeCall(clock, `writing of record ${key}`, () => store.write(key, value, options));
    if (written !== "conflict") return;
  }
  throw new ConnectorError({ kind: "store" }, `Record ${key} changed 100 times before this write; try again.`);
}

/** The connections that stand, in whatever state: one that is over can be connected again. */
async function standing(
  { rows, clock }: Runtime,
  { owner, connections }: AccountClaim,
  account: string,
): Promise<AccountClaim["connections"]> {
  const found = await Promise.all(
    Object.entries(connections).map(async ([id, at]) => {
      if (clock.now() - at < grace) return [[id, at] as const];
      const stored = await rows.read(connectionKey(id));
      return stored?.row.owner === owner && stored.row.account === account ? [[id, at] as const] : [];
    }),
  );
  return Object.fromEntries(found.flat());
}

const claimKey = async ({ name }: Registration, account: string): Promise<string> =>
  `account:${await digest("account", name, account)}`;

async function readClaim(
  { store, clock }: Runtime,
  key: string,
): Promise<{ readonly claim: AccountClaim; readonly version: Version } | undefined> {
  const found = await storeCall(clock, `reading of record ${key}`, () => store.read(key));
  if (!found) return undefined;
  try {
    const { owner, connections } = parseRecord(found.value, claimFormat);
    if (typeof owner !== "string" || !isObject(connections)) throw new TypeError("members are missing");
    return { claim: { owner, connections: connections as AccountClaim["connections"] }, version: found.version };
  } catch (error) {
    throw new ConnectorError(
      { kind: "store" },
      `Record ${key} cannot be read: ${describe(error)}. It was left as it is.`,
    );
  }
}
