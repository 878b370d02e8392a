import { randomUUID } from "node:crypto";
import { KeyvPostgres } from "@keyv/postgres";
import KeyvRedis from "@keyv/redis";
import { Keyv } from "keyv";
import { hasPostgres as hasPostgresServer, ownDatabase } from "../../store-postgres/test/services.ts";
import { hasRedis as hasRedisServer, address as redisAddress, using } from "../../store-redis/test/services.ts";
import { afterFile } from "../../testing/test/support/endings.ts";

export const hasRedis = hasRedisServer;
export const hasPostgres = hasPostgresServer;
export { redisAddress };

/** A Keyv on Redis in a namespace of its own, whose keys are removed after the tests of the file. */
export function redisKeyv(url = redisAddress): Keyv {
  const namespace = `linkwright-test-${randomUUID()}`;
  const keyv = new Keyv({ store: new KeyvRedis(url), namespace });
  afterFile(async () => {
    await keyv.disconnect();
    await using(redisAddress, async (client) => {
      for await (const keys of client.scanIterator({ MATCH: `${namespace}*`, COUNT: 1000 })) {
        if (keys.length > 0) await client.unlink(keys);
      }
    });
  });
  return keyv;
}

/** A Keyv on a Postgres database of its own. */
export async function postgresKeyv(through: (address: string) => string = (address) => address): Promise<Keyv> {
  const keyv = new Keyv({
    store: new KeyvPostgres({ uri: through(await ownDatabase()), connectionTimeoutMillis: 10_000 }),
  });
  afterFile(() => keyv.disconnect());
  return keyv;
}
