import type { DatabaseSync, StatementSync } from "node:sqlite";

/** In every query that reads: what has expired is not there. Binds the present time. */
const alive = "(records.expires_at IS NULL OR records.expires_at > ?)";
const item = "records.key, records.value, records.version";

/** The statements with a fixed text. */
export const sql = {
  read: `SELECT value, version FROM records WHERE key = ? AND ${alive}`,
  insert: `
    INSERT INTO records (value, version, owner, registration, due_at, expires_at, key) VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (key) DO NOTHING`,
  update: `
    UPDATE records SET value = ?, version = ?, owner = ?, registration = ?, due_at = ?, expires_at = ?
    WHERE key = ? AND version = ? AND ${alive}`,
  remove: `DELETE FROM records WHERE key = ? AND version = ? AND ${alive}`,
  removeExpired: "DELETE FROM records WHERE key = ? AND expires_at <= ?",
  // The references as one JSON array; those that stay are not touched, so a heartbeat writes no index page for them.
  dropRefs: "DELETE FROM record_refs WHERE key = ? AND ref NOT IN (SELECT value FROM json_each(?))",
  addRefs: "INSERT OR IGNORE INTO record_refs (ref, key) SELECT value, ? FROM json_each(?)",
  sweep: "DELETE FROM records WHERE key IN (SELECT key FROM records WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)",
  due: `
    SELECT ${item}, due_at AS dueAt FROM records
    WHERE due_at <= ? AND (due_at, key) > (?, ?) AND ${alive} ORDER BY due_at, key LIMIT ?`,
  version: "SELECT version FROM records WHERE key = ?",
  // Another number whenever another connection has committed.
  changes: "PRAGMA data_version",
} as const;

/** The part of the records that a list names. */
export interface Selection {
  readonly owner: string | undefined;
  readonly registration: string | undefined;
  readonly ref: string | undefined;
  /** Keys from this one on, or on a later page from behind it. */
  readonly from: string;
  readonly isBehind: boolean;
  /** Keys before this one; `undefined` where there is no end. */
  readonly to: string | undefined;
}

/**
 * The query of a list, and what it binds. The narrowest member is looked up by its index, with the range of keys; a `+`
 * keeps the planner, which has no statistics, from taking a wider member's index and reading through half the file.
 */
export function listQuery(
  selection: Selection,
  now: number,
  limit: number,
): { text: string; values: (string | number)[] } {
  const { owner, registration, ref, from, to } = selection;
  const byRef = ref !== undefined;
  const key = byRef ? "record_refs.key" : "records.key";
  const conditions: string[] = [];
  const values: (string | number)[] = [];
  const where = (condition: string, value: string | number | undefined): void => {
    if (value === undefined) return;
    conditions.push(condition);
    values.push(value);
  };
  where("record_refs.ref = ?", ref);
  where(`${byRef ? "+" : ""}records.owner = ?`, owner);
  where(`${byRef || owner !== undefined ? "+" : ""}records.registration = ?`, registration);
  where(`${key} ${selection.isBehind ? ">" : ">="} ?`, from);
  where(`${key} < ?`, to);
  where(alive, now);
  values.push(limit);
  const source = byRef ? "record_refs CROSS JOIN records ON records.key = record_refs.key" : "records";
  return {
    text: `SELECT ${item} FROM ${source} WHERE ${conditions.join(" AND ")} ORDER BY ${key} LIMIT ?`,
    values,
  };
}

/** The statements of one connection, each prepared once. */
export class Statements {
  readonly #database: DatabaseSync;
  readonly #prepared = new Map<string, StatementSync>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  get(text: string): StatementSync {
    const statement = this.#prepared.get(text) ?? this.#database.prepare(text);
    this.#prepared.set(text, statement);
    return statement;
  }
}
