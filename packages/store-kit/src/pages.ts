import type { Page } from "@linkwright/core";

/** A row of a query, with the columns that an item needs. */
interface Row {
  readonly [column: string]: unknown;
}

/**
 * A page of the rows, which are one more than `limit` where another page follows.
 *
 * @param cursorOf - What the cursor behind a row is.
 */
export function pageOf(rows: readonly Row[], limit: number, cursorOf: (row: Row) => string): Page {
  const items = rows.slice(0, limit).map((row) => ({
    key: String(row.key),
    value: String(row.value),
    version: String(row.version),
  }));
  const last = rows[limit - 1];
  return last && rows.length > limit ? { items, cursor: cursorOf(last) } : { items };
}

/** The cursor behind a due record, for {@link placeOf}. */
export function dueCursor(dueAt: unknown, key: unknown): string {
  return `${dueAt} ${key}`;
}

/**
 * The place that a cursor of due records names; before all of them where there is none.
 *
 * @throws TypeError where it is of another make.
 */
export function placeOf(cursor: string | undefined): [dueAt: number, key: string] {
  if (cursor === undefined) return [Number.NEGATIVE_INFINITY, ""];
  const [, at, key] = /^(\S+) (.*)$/s.exec(cursor) ?? [];
  if (key === undefined || !Number.isFinite(Number(at))) {
    throw new TypeError("cursor is not from a page of due records.");
  }
  return [Number(at), key];
}

/**
 * The least text above every text that begins with `prefix`, in the order of UTF-8 bytes; `undefined` where there is none.
 * With it a prefix is a range of an index, and no character of it means anything but itself.
 */
export function endOfPrefix(prefix: string): string | undefined {
  const points = [...prefix].map((character) => character.codePointAt(0) as number);
  while (points.at(-1) === 0x10ffff) points.pop();
  const last = points.pop();
  if (last === undefined) return undefined;
  // The surrogates are no characters, and UTF-8 has none.
  return String.fromCodePoint(...points, last === 0xd7ff ? 0xe000 : last + 1);
}
