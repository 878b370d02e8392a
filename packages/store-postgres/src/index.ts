export { type MigrateOptions, migrate } from "./migrate.ts";
export type { PostgresClient, PostgresPool, PostgresResult, PostgresStoreOptions } from "./options.ts";
export { postgresStore } from "./postgres-store.ts";
