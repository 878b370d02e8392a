/** The primary codes of SQLite that say something an operator can act on: https://www.sqlite.org/rescode.html */
const code = {
  busy: 5,
  locked: 6,
  readonly: 8,
  ioerr: 10,
  corrupt: 11,
  full: 13,
  cantopen: 14,
  protocol: 15,
  notadb: 26,
};

/** The primary result code, or `undefined` where the error is not SQLite's. */
function primaryCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("errcode" in error) || typeof error.errcode !== "number") return undefined;
  return error.errcode & 0xff;
}

/** Whether another connection was in the way, so that the same call may succeed in a moment. */
export function isBusy(error: unknown): boolean {
  const primary = primaryCode(error);
  return primary === code.busy || primary === code.locked || primary === code.protocol;
}

/** The same failure, in words that say what to do; the driver's error is its `cause`. What SQLite did not say stays as it is. */
export function explain(error: unknown, path: string): unknown {
  const remedy = remedyFor(error);
  return remedy ? new Error(`The SQLite store ${path} ${remedy}`, { cause: error }) : error;
}

/** The failure of a call that found the file locked until its time was over. */
export function stillBusy(cause: unknown, path: string, waited: number): Error {
  return new Error(
    `The SQLite store ${path} stayed locked by another connection for ${waited} ms (SQLITE_BUSY), and nothing was ` +
      "changed. Look for a process that keeps a transaction open on the file (a shell, a backup), or raise lockTimeout.",
    { cause },
  );
}

function remedyFor(error: unknown): string | undefined {
  switch (error instanceof Error && "code" in error ? error.code : undefined) {
    case "ENOENT":
      return "cannot be created, as its directory does not exist. Create the directory first.";
    case "ENOTDIR":
      return "cannot be created, as a part of its path is a file and not a directory. Correct the path.";
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return "cannot be created. Let this process write to the directory.";
  }
  switch (primaryCode(error)) {
    case undefined:
      return undefined;
    case code.readonly:
      return "is read-only. Let this process write to the file and to its directory, where SQLite keeps the -wal and -shm files.";
    case code.cantopen:
      return "cannot be opened. It must be a file, and this process must be allowed to read and write it and its directory.";
    case code.notadb:
      return "is not a SQLite database, and was left as it is. Correct the path, or restore the file from a backup.";
    case code.corrupt:
      return (
        "is damaged. Stop every process that uses it, copy it with its -wal and -shm files, and restore a backup or try " +
        "`sqlite3 FILE .recover`. Do not delete it: it holds your users' grants."
      );
    case code.full:
      return "cannot grow, as the disk is full; nothing was changed. Make room.";
    case code.ioerr:
      return "cannot be read or written, says the operating system. Check the disk; a network file system will not do.";
    default:
      return `failed: ${(error as Error).message}.`;
  }
}
