export { type MigrateOptions, migrate } from "./migrate.ts";
export type { PostgresClient, PostgresPool, PostgresQuery, PostgresResult, PostgresStoreOptions } from "./options.ts";
export { postgresStore } from "./postgres-store.ts";
