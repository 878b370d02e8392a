/** The failure in words that say what to do; the driver's error is its `cause`. An address or a value is never quoted. */
export function explain(error: unknown): unknown {
  const remedy = remedyFor(error);
  return remedy ? new Error(`The Postgres store ${remedy}`, { cause: error }) : error;
}

/**
 * Whether the server gave the statement up in favour of another one, which happens where the database's default isolation is
 * stricter than READ COMMITTED. Nothing was changed, and the same statement now finds what the other one wrote.
 */
export function isOutrun(error: unknown): boolean {
  return codeOf(error) === "40001" || codeOf(error) === "40P01";
}

/**
 * Whether the server did not know a prepared statement, or knew one of that name already: as behind a pooler that gives a
 * connection to others between two transactions, and does not follow what was prepared on it. Nothing was carried out.
 */
export function isNotPrepared(error: unknown): boolean {
  return codeOf(error) === "26000" || codeOf(error) === "42P05";
}

/** Whether the driver gave up waiting for an answer: its connection may have gone silent. */
export function isUnanswered(error: unknown): boolean {
  return error instanceof Error && error.message === "Query read timeout";
}

/** The `SQLSTATE`, or the code of the operating system: https://www.postgresql.org/docs/current/errcodes-appendix.html */
function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

const callMigrate =
  "call migrate(pool) of @linkwright/store-postgres, or run the SQL files of its folder migrations, before the application starts";

function remedyFor(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const code = codeOf(error);
  switch (code) {
    case "42P01":
    case "3F000":
      return `finds no tables of its own: ${callMigrate}. Are "schema" and search_path those of the migration?`;
    case "42703":
      return `finds tables of another version: ${callMigrate}.`;
    case "42501":
      // migrate, which needs other rights, says so itself.
      return `may not use its tables: grant the role SELECT, INSERT, UPDATE and DELETE on linkwright_records, and SELECT on linkwright_migrations (${error.message}).`;
    case "25006":
      return "is connected to a server that only reads, such as a standby. Connect to the primary; nothing was changed.";
    case "3D000":
    case "28000":
    case "28P01":
      return `was refused by the server (${error.message}). Correct the connection string.`;
    case "53300":
      return "was refused: the server has no connection left. Lower the pools' sizes, or raise max_connections.";
    case "54000":
      return `cannot index a text as long as this; nothing was changed (${error.message}).`;
    case "53100":
      return "cannot write: the server's disk is full. Make room.";
  }
  if (isUnanswered(error)) {
    return "got no answer in time. Whether a write took place is not known; read the record again.";
  }
  if (/timeout exceeded when trying to connect|due to connection timeout/i.test(error.message)) {
    return "got no connection in time: the server cannot be reached, or all connections of the pool are busy.";
  }
  if (typeof code !== "string") {
    return /connection|socket|ssl|tls/i.test(error.message)
      ? `lost its connection (${error.message}). Whether a write that was under way took place is not known; read the record again.`
      : undefined;
  }
  // Codes of the operating system begin with an E; those of the server have five characters.
  if (/^E[A-Z]/.test(code)) return `cannot reach its server (${code}). Is it running, and is the address right?`;
  if (/^(57P0[123]|08...)$/.test(code)) {
    return `lost its connection: ${error.message}. Whether a write that was under way took place is not known; read the record again.`;
  }
  return `failed (${code}): ${error.message}`;
}

/** What is wrong with the schema that the server has, if anything is. */
export function explainSchema(present: number | null, known: number): Error | undefined {
  if (present === known) return undefined;
  return new Error(
    (present ?? 0) < known
      ? `The Postgres store has the schema of version ${present ?? 0} and needs ${known}: ${callMigrate}.`
      : `The Postgres store has the schema of version ${present}, to which a newer @linkwright/store-postgres did ` +
          `migrate it; this one knows ${known}. Update the package. Nothing was changed.`,
  );
}
