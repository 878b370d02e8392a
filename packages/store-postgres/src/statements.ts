import { channelOf, digestOf } from "./channel.ts";

/** The present version of the schema: how many files there are in `migrations`. */
export const schemaVersion = 1;

export interface Statement {
  readonly text: string;
  /** Where given, the statement may be prepared under it: what it does best does not depend on the values. */
  readonly name?: string;
}

export interface Statements {
  readonly check: Statement;
  readonly read: Statement;
  readonly create: Statement;
  readonly update: Statement;
  readonly remove: Statement;
  readonly due: Statement;
  readonly sweep: Statement;
  /** Notifies the channel of each digest that it binds. */
  readonly announce: Statement;
  list(selection: Selection, limit: number, now: number): Statement & { values: (string | number)[] };
}

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

/** For a schema's name as it stands in a statement. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/**
 * The statements, each of which does one operation whole: there is no transaction to hold a connection for, and nothing
 * that a transaction pooler would lose between two statements.
 */
export function statementsFor(schema: string | undefined): Statements {
  const table = (name: string) => (schema === undefined ? name : `${quoted(schema)}.${name}`);
  const records = table("linkwright_records");
  const item = "key, value, version";
  // One plan is the best for all values. The other statements are planned anew for theirs.
  const named = (text: string): Statement => ({ text, name: `linkwright_${digestOf(text).slice(0, 32)}` });
  const columns = "value = $2, version = $3, owner = $4, registration = $5, refs = $6, due_at = $7, expires_at = $8";
  const alive = (now: number) => `(expires_at IS NULL OR expires_at > $${now})`;

  return {
    check: {
      text: `
        SELECT max(version) AS version, current_setting('server_encoding') AS encoding
        FROM ${table("linkwright_migrations")}`,
    },
    read: named(`SELECT value, version FROM ${records} WHERE key = $1 AND ${alive(2)}`),
    // What has expired is not in the way of a new record.
    create: named(
      `INSERT INTO ${records} AS present (key, value, version, owner, registration, refs, due_at, expires_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
       ON CONFLICT (key) DO UPDATE SET ${columns} WHERE present.expires_at <= $9`,
    ),
    update: named(`UPDATE ${records} SET ${columns} WHERE key = $1 AND version = $10 AND ${alive(9)}`),
    remove: named(`DELETE FROM ${records} WHERE key = $1 AND version = $2 AND ${alive(3)}`),
    due: {
      text: `
        SELECT ${item}, due_at::text AS at FROM ${records}
        WHERE due_at <= $1 AND (due_at, key) > ($2, $3) AND ${alive(4)} ORDER BY due_at, key LIMIT $5`,
    },
    // Rows that another sweep or a writer holds are left to them.
    sweep: {
      text: `
        DELETE FROM ${records} WHERE key IN (
          SELECT key FROM ${records} WHERE expires_at <= $1 ORDER BY expires_at LIMIT 1000 FOR UPDATE SKIP LOCKED)`,
    },
    announce: named(`SELECT pg_notify('${channelOf(schema)}', digest) FROM unnest($1::text[]) AS digest`),

    list({ owner, registration, ref, from, isBehind, to }, limit, now) {
      const conditions: string[] = [];
      const values: (string | number)[] = [];
      const where = (condition: (parameter: string) => string, value: string | number | undefined): void => {
        if (value === undefined) return;
        values.push(value);
        conditions.push(condition(`$${values.length}`));
      };
      where((parameter) => `refs @> ARRAY[${parameter}]::text[]`, ref);
      where((parameter) => `owner = ${parameter}`, owner);
      where((parameter) => `registration = ${parameter}`, registration);
      where((parameter) => `key ${isBehind ? ">" : ">="} ${parameter}`, from);
      where((parameter) => `key < ${parameter}`, to);
      where((parameter) => `(expires_at IS NULL OR expires_at > ${parameter})`, now);
      values.push(limit);
      return {
        text: `SELECT ${item} FROM ${records} WHERE ${conditions.join(" AND ")} ORDER BY key LIMIT $${values.length}`,
        values,
      };
    },
  };
}
