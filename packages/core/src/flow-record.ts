import { digest } from "./encoding.ts";
import { ConnectorError, describe } from "./faults.ts";
import { isObject, parseRecord } from "./record.ts";
import { storeCall } from "./rows.ts";
import type { Runtime } from "./runtime.ts";
import { unopenable } from "./seal.ts";
import type { Version } from "./store.ts";

/**
 * A user's authorization under way: a record of its own under a digest of its `state`, so that any number run side by side
 * and finish in any order on any machine. Instants are epoch milliseconds.
 */
export interface FlowRecord {
  readonly format: typeof flowFormat;
  readonly registration: string;
  readonly owner: string;
  /** Digest of the value that only the browser presents that began the flow. */
  readonly session: string;
  /** Where the code may be sent, as it was when the flow began (RFC 9700, section 4.4.2). */
  readonly issuer: string;
  readonly redirectUri: string;
  readonly cancelUri: string;
  readonly scope: readonly string[];
  /** Of `scope`, what must be granted. */
  readonly requiredScope?: readonly string[];
  /** The connection that is being connected again. */
  readonly connection?: string;
  readonly createdAt: number;
  readonly expiresAt: number;
  /** `taken`: a callback was there; kept until it expires, so that a second one is recognised. */
  readonly state: "open" | "taken";
  /** What the adapter's hosted session needs. */
  readonly data: Readonly<Record<string, string>>;
  /** Digest of the hosted session's handle. */
  readonly refs: readonly string[];
  /** Sealed {@link FlowSecrets}. */
  readonly secrets: string;
}

export interface FlowSecrets {
  /** The `state` itself, to be compared by the protocol library. */
  readonly state: string;
  readonly codeVerifier?: string;
  /** The key that the tokens will be bound to. */
  readonly proofKey?: string;
  /** What the provider's own request has to be matched with. */
  readonly kept?: Readonly<Record<string, string>>;
  /** The provider's own parameters of `connect`, checked. */
  readonly parameters: unknown;
}

export interface StoredFlow {
  readonly key: string;
  readonly flow: FlowRecord;
  readonly version: Version;
}

export const flowFormat = 1;

/** How long a flow is kept past its end, so that a callback that comes late is told so: an hour. */
const kept = 3_600_000;

/** The key of the flow that a `state` names. */
export const flowKey = async (state: string): Promise<string> => `flow:${await digest("state", state)}`;

const binding = (key: string) => ({ key, field: "flow" as const, format: flowFormat, generation: 0 });

function indexOf({ owner, registration, refs, expiresAt }: Omit<FlowRecord, "secrets">) {
  return { owner, registration, refs, dueAt: expiresAt + kept, expiresAt: expiresAt + kept };
}

export async function writeFlow(
  { store, seal, clock }: Runtime,
  key: string,
  flow: Omit<FlowRecord, "secrets">,
  secrets: FlowSecrets,
): Promise<void> {
  const record: FlowRecord = { ...flow, secrets: await seal.seal(JSON.stringify(secrets), binding(key)) };
  const written = await storeCall(clock, `writing of record ${key}`, () =>
    store.write(key, JSON.stringify(record), { ifVersion: "absent", index: indexOf(flow) }),
  );
  if (written === "conflict")
    throw new ConnectorError({ kind: "store" }, `Record ${key} is there already; begin the flow again.`);
}

export function parseFlow(key: string, value: string, version: Version): StoredFlow {
  try {
    const flow = parseRecord(value, flowFormat);
    const texts = [
      flow.registration,
      flow.owner,
      flow.session,
      flow.issuer,
      flow.redirectUri,
      flow.cancelUri,
      flow.secrets,
    ];
    if (
      !texts.every((text) => typeof text === "string") ||
      !Number.isFinite(flow.expiresAt) ||
      !Array.isArray(flow.scope) ||
      !Array.isArray(flow.refs) ||
      !isObject(flow.data)
    )
      throw new TypeError("members are missing or of the wrong type");
    return { key, flow: flow as unknown as FlowRecord, version };
  } catch (error) {
    throw new ConnectorError(
      { kind: "store" },
      `Record ${key} cannot be read: ${describe(error)}. It was left as it is.`,
    );
  }
}

/** Takes a flow, so that nobody else can: of any number of callbacks one gets the new version, the others `undefined`. */
export async function takeFlow(runtime: Runtime, { key, flow, version }: StoredFlow): Promise<Version | undefined> {
  return replaceFlow(runtime, key, { ...flow, state: "taken", data: {} }, version);
}

/** Undoes {@link takeFlow}. */
export async function reopenFlow(runtime: Runtime, { key, flow }: StoredFlow, taken: Version): Promise<void> {
  await replaceFlow(runtime, key, flow, taken);
}

async function replaceFlow(
  { store, clock }: Runtime,
  key: string,
  flow: FlowRecord,
  ifVersion: Version,
): Promise<Version | undefined> {
  const written = await storeCall(clock, `writing of record ${key}`, () =>
    store.write(key, JSON.stringify(flow), { ifVersion, index: indexOf(flow) }),
  );
  return written === "conflict" ? undefined : written;
}

export async function openFlow({ seal }: Runtime, { key, flow }: StoredFlow): Promise<FlowSecrets> {
  try {
    return JSON.parse(await seal.open(flow.secrets, binding(key))) as FlowSecrets;
  } catch (error) {
    throw unopenable(error, key);
  }
}
