import { resolve } from "node:path";

/**
 * The file that `path` names, as an absolute path: made so at once, so that a later change of the working directory does
 * not open another file.
 *
 * @throws TypeError where `path` is not a file's path. SQLite itself would take such a value without a word: an empty one
 * for a temporary database, a URI for a file of that name in the working directory.
 */
export function filePath(path: unknown): string {
  if (typeof path !== "string" || path.trim() === "") {
    throw new TypeError(
      'sqliteStore: option "path" must name the file to keep the data in, as in sqliteStore("linkwright.db"). ' +
        "Is an environment variable unset?",
    );
  }
  if (path.includes("\0")) throw new TypeError('sqliteStore: option "path" must not contain a NUL character.');
  if (path.toLowerCase() === ":memory:") {
    throw new TypeError(
      'sqliteStore: option "path" cannot be ":memory:", which no other process could open and no restart survives. ' +
        "Use memoryStore() from @linkwright/core, which says so, or name a file.",
    );
  }
  const scheme = /^([a-z][a-z0-9+.-]+):\/\/|^(file|sqlite3?):/i.exec(path);
  if (scheme) {
    throw new TypeError(
      `sqliteStore: option "path" must be the plain path of a file; this is a ${scheme[1] ?? scheme[2]}: address. ` +
        "Of a file: address give the path alone; a database server has a store of its own, such as @linkwright/store-postgres.",
    );
  }
  return resolve(path);
}
