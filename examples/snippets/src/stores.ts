import { postgresStore } from "@linkwright/store-postgres";
import { redisStore } from "@linkwright/store-redis";
import { sqliteStore } from "@linkwright/store-sqlite";

/** The stores that processes can share. None of them connects before its first use. */
export function openStores(databaseUrl: string, redisUrl: string) {
  // #region stores
  const oneHost = sqliteStore("linkwright.db"); // a file: all processes of one machine
  const manyHosts = postgresStore({ connectionString: databaseUrl });
  const manyHostsToo = redisStore({ url: redisUrl });
  // #endregion
  return [oneHost, manyHosts, manyHostsToo] as const;
}
