import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import KeyvRedis from "@keyv/redis";
import type { Store } from "@linkwright/core";
import { Keyv } from "keyv";
import pg from "pg";
import { createClient } from "redis";

/** The shared stores, each with a place of its own on its server, which goes again with everything in it. */

export type StoreName = "sqlite" | "postgres" | "redis" | "keyv";

/** Where a store is: told to other processes, so it is data. */
export interface Place {
  readonly name: StoreName;
  /** The file, the schema, or the prefix of the keys. */
  readonly at: string;
}

export const postgresUrl = process.env.BENCH_POSTGRES_URL ?? "postgres://postgres@127.0.0.1:5432/postgres";
export const redisUrl = process.env.BENCH_REDIS_URL ?? "redis://127.0.0.1:6379";

export interface OwnPlace extends Place {
  /** Takes away all that was put there. */
  remove(): Promise<void>;
}

const places = new Set<OwnPlace>();

/** Makes a place; `undefined` where there is no such server on this machine. */
export async function place(name: StoreName): Promise<OwnPlace | undefined> {
  const at = `linkwright-bench-${randomBytes(4).toString("hex")}`;
  try {
    const made = await makers[name](name, at);
    const own: OwnPlace = {
      ...made,
      async remove() {
        if (places.delete(own)) await made.remove();
      },
    };
    places.add(own);
    return own;
  } catch (error) {
    console.error(`${name} is left out: ${String(error)}`);
    return undefined;
  }
}

/** Takes away what a part that failed left behind. */
export async function removePlaces(): Promise<void> {
  for (const each of [...places]) await each.remove();
}

const makers: Record<StoreName, (name: StoreName, at: string) => Promise<OwnPlace>> = {
  async sqlite(name) {
    const folder = await mkdtemp(join(tmpdir(), "linkwright-bench-"));
    return { name, at: join(folder, "bench.db"), remove: () => rm(folder, { recursive: true }) };
  },
  async postgres(name, at) {
    const pool = new pg.Pool({ connectionString: postgresUrl, max: 1 });
    const { migrate } = await import("@linkwright/store-postgres");
    await migrate(pool, { schema: at }).catch(async (error: unknown) => {
      await pool.end();
      throw error;
    });
    const remove = async () => {
      await pool.query(`DROP SCHEMA "${at}" CASCADE`);
      await pool.end();
    };
    return { name, at, remove };
  },
  redis: inRedis,
  keyv: inRedis,
};

async function inRedis(name: StoreName, at: string): Promise<OwnPlace> {
  const client = await createClient({ url: redisUrl, socket: { reconnectStrategy: false } }).connect();
  const remove = async () => {
    for await (const found of client.scanIterator({ MATCH: `*${at}*`, COUNT: 1000 }))
      if (found.length > 0) await client.unlink(found);
    await client.close();
  };
  return { name, at, remove };
}

/** Linkwright's store there. */
export async function openStore({ name, at }: Place): Promise<Store> {
  switch (name) {
    case "sqlite":
      return (await import("@linkwright/store-sqlite")).sqliteStore(at);
    case "postgres": {
      const { postgresStore } = await import("@linkwright/store-postgres");
      return postgresStore({ connectionString: postgresUrl, schema: at, notify: true });
    }
    case "redis":
      return (await import("@linkwright/store-redis")).redisStore({ url: redisUrl, prefix: at, onWarning: () => {} });
    case "keyv": {
      const { keyvStore } = await import("@linkwright/store-keyv");
      return keyvStore(keyvOn(at), { prefix: at });
    }
  }
}

/** A Keyv on Redis, in a namespace of its own. */
export function keyvOn(at: string): Keyv {
  return new Keyv({ store: new KeyvRedis(redisUrl), namespace: `${at}-space` });
}
