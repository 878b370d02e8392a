import { type Clock, within } from "./clock.ts";
import { ConnectorError, describe, isConnectorError } from "./faults.ts";
import { type Grant, grantText, parseGrant, parseRow, type Row, rowFormat } from "./record.ts";
import { type Seal, unopenable } from "./seal.ts";
import type { Index, Store, StoredItem, Version } from "./store.ts";

/** A row with the key it stands under and the version it was read or written at. */
export interface StoredRow {
  readonly key: string;
  readonly row: Row;
  readonly version: Version;
}

/** A row to write; with `grant`, new secrets to seal into it. */
export interface Change {
  readonly row: Row;
  readonly grant?: Grant;
}

/** Reading and changing rows: parsing, sealing, indexing and the compare-and-set loop. Every failure is a `store` fault. */
export interface Rows {
  read(key: string): Promise<StoredRow | undefined>;
  /** Writes a row where none is; `"conflict"` where one came first. */
  create(key: string, change: Change): Promise<StoredRow | "conflict">;
  /**
   * Applies a pure transition and writes its outcome, reading anew as often as another writer was first.
   *
   * @param from - The row as last seen; read first where left out.
   * @returns The written row; the row as it stands where the transition gave `undefined`; `undefined` where there is none.
   */
  change(
    key: string,
    transition: (row: Row) => Change | undefined | Promise<Change | undefined>,
    from?: StoredRow,
  ): Promise<{ readonly stored: StoredRow; readonly written: boolean } | undefined>;
  remove(stored: StoredRow): Promise<boolean>;
  /** The row's secrets; `undefined` where it has none. */
  open(stored: Pick<StoredRow, "key" | "row">): Promise<Grant | undefined>;
  parse(item: StoredItem): StoredRow;
}

/** The longest a store may take over one operation, in milliseconds. */
const storeDeadline = 10_000;

export function createRows(store: Store, seal: Seal, clock: Clock, indexOf: (row: Row) => Index): Rows {
  const guarded = <T>(key: string, what: string, operation: () => Promise<T>): Promise<T> =>
    storeCall(clock, `${what} of record ${key}`, operation);

  async function serialised(key: string, { row, grant }: Change): Promise<{ row: Row; value: string }> {
    if (!grant) return { row, value: JSON.stringify(row) };
    try {
      const sealed = { ...row, grant: await seal.seal(grantText(grant), binding(key, row)) };
      return { row: sealed, value: JSON.stringify(sealed) };
    } catch (error) {
      throw new ConnectorError({ kind: "store" }, `The secrets of record ${key} cannot be sealed: ${describe(error)}.`);
    }
  }

  async function write(key: string, change: Change, ifVersion: Version | "absent"): Promise<StoredRow | "conflict"> {
    const { row, value } = await serialised(key, change);
    const version = await guarded(key, "writing", () => store.write(key, value, { ifVersion, index: indexOf(row) }));
    return version === "conflict" ? version : { key, row, version };
  }

  const rows: Rows = {
    async read(key) {
      const found = await guarded(key, "reading", () => store.read(key));
      return found && rows.parse({ key, ...found });
    },
    create: (key, change) => write(key, change, "absent"),
    async change(key, transition, from) {
      let stored = from ?? (await rows.read(key));
      for (let attempt = 0; attempt < 100; attempt++) {
        if (!stored) return undefined;
        const change = await transition(stored.row);
        if (!change) return { stored, written: false };
        const written = await write(key, change, stored.version);
        if (written !== "conflict") return { stored: written, written: true };
        stored = await rows.read(key);
      }
      throw new ConnectorError({ kind: "store" }, `Record ${key} changed 100 times before this write; try again.`);
    },
    remove: ({ key, version }) => guarded(key, "removing", () => store.remove(key, { ifVersion: version })),
    async open({ key, row }) {
      if (row.grant === undefined) return undefined;
      try {
        return parseGrant(await seal.open(row.grant, binding(key, row)));
      } catch (error) {
        throw unopenable(error, key);
      }
    },
    parse({ key, value, version }) {
      try {
        return { key, row: parseRow(value), version };
      } catch (error) {
        throw new ConnectorError(
          { kind: "store" },
          `Record ${key} cannot be read: ${describe(error)}. It was left as it is.`,
        );
      }
    },
  };
  return rows;
}

const binding = (key: string, row: Row) => ({
  key,
  field: "grant" as const,
  format: rowFormat,
  generation: row.generation,
});

/** Calls a store within its deadline; whatever it throws, and its silence, becomes a `store` fault. */
export async function storeCall<T>(clock: Clock, what: string, operation: () => Promise<T>): Promise<T> {
  try {
    return await within(clock, storeDeadline, operation());
  } catch (error) {
    if (isConnectorError(error)) throw error;
    throw new ConnectorError(
      { kind: "store" },
      `The store failed at ${what}: ${describe(error)}. Nothing was concluded from it; try again.`,
    );
  }
}
