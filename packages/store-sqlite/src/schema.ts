/** Marks a file as ours in its header ("LwSt"), so that another application's database is never written to. */
export const applicationId = 0x4c775374;

/**
 * The steps from an empty file to the present schema; a file's `user_version` counts how many it has taken. A step that
 * was released never changes: what differs comes as another.
 */
export const migrations: readonly string[] = [
  `
  CREATE TABLE records (
    key TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL,
    version TEXT NOT NULL,
    owner TEXT,
    registration TEXT,
    due_at REAL,
    expires_at REAL
  ) STRICT;
  CREATE INDEX records_owner ON records (owner, key) WHERE owner IS NOT NULL;
  CREATE INDEX records_registration ON records (registration, key) WHERE registration IS NOT NULL;
  CREATE INDEX records_due_at ON records (due_at, key) WHERE due_at IS NOT NULL;
  CREATE INDEX records_expires_at ON records (expires_at) WHERE expires_at IS NOT NULL;

  CREATE TABLE record_refs (
    ref TEXT NOT NULL,
    key TEXT NOT NULL REFERENCES records (key) ON DELETE CASCADE,
    PRIMARY KEY (ref, key)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX record_refs_key ON record_refs (key);
  `,
];
