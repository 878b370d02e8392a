-- Version 1 of the schema of @linkwright/store-postgres. Run every file once, in the order of their numbers, each in a
-- transaction of its own (psql --single-transaction --file), by a role that may create tables; or let migrate() do it.
-- The names carry no schema: the tables go to the first schema of the search_path.

CREATE TABLE linkwright_migrations (
  version integer PRIMARY KEY,
  applied_at timestamptz NOT NULL DEFAULT now()
);

-- COLLATE "C" compares bytes: the order of the keys is the same everywhere, and a prefix is a range.
CREATE TABLE linkwright_records (
  key text COLLATE "C" PRIMARY KEY,
  value text NOT NULL,
  version text NOT NULL,
  owner text COLLATE "C",
  registration text COLLATE "C",
  refs text[] COLLATE "C" NOT NULL,
  -- Epoch milliseconds, both.
  due_at double precision,
  expires_at double precision
);

CREATE INDEX linkwright_records_owner ON linkwright_records (owner, key) WHERE owner IS NOT NULL;
CREATE INDEX linkwright_records_registration ON linkwright_records (registration, key) WHERE registration IS NOT NULL;
CREATE INDEX linkwright_records_refs ON linkwright_records USING gin (refs);
CREATE INDEX linkwright_records_due_at ON linkwright_records (due_at, key) WHERE due_at IS NOT NULL;
CREATE INDEX linkwright_records_expires_at ON linkwright_records (expires_at) WHERE expires_at IS NOT NULL;

INSERT INTO linkwright_migrations (version) VALUES (1);
