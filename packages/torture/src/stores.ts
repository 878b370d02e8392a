import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Clock, Store } from "@linkwright/core";
import { migrate, postgresStore } from "@linkwright/store-postgres";
import { redisStore } from "@linkwright/store-redis";
import { sqliteStore } from "@linkwright/store-sqlite";
import { Client, Pool } from "pg";
import { createClient } from "redis";
import type { StoreKind } from "./options.ts";
import { proxyTo } from "./proxy.ts";

/** Where a store is: plain data, so that a process can be told of it. */
export type StoreAddress =
  | { readonly kind: "sqlite"; readonly path: string; readonly timeout: number }
  | { readonly kind: "postgres"; readonly connectionString: string; readonly timeout: number }
  | { readonly kind: "redis"; readonly url: string; readonly prefix: string; readonly timeout: number };

export function openStore(address: StoreAddress, clock: Clock): Store & { readonly reach: "host" | "cluster" } {
  const { timeout } = address;
  const store =
    address.kind === "sqlite"
      ? sqliteStore({ path: address.path, lockTimeout: timeout, clock })
      : address.kind === "postgres"
        ? postgresStore({ connectionString: address.connectionString, max: 4, notify: true, timeout, clock, onWarning })
        : redisStore({ url: address.url, prefix: address.prefix, timeout, clock, onWarning });
  return store as Store & { readonly reach: "host" | "cluster" };
}

/** That a store was away is what these runs are about. */
function onWarning(): void {}

/** A store of a run's own, and the way to it, which can be blocked. */
export interface StoreUnderTest {
  readonly address: StoreAddress;
  /** The same, past everything that is done to the way: for looking on. */
  readonly direct: StoreAddress;
  /** Blocks the way; how, differs from time to time where there is more than one. */
  fail(roll: number): void;
  heal(): void;
  /** Removes everything that the run left in it. */
  discard(): Promise<void>;
}

/** @param timeout - Milliseconds after which a call to the store fails. */
export function prepareStore(kind: StoreKind, timeout: number): Promise<StoreUnderTest> {
  return { sqlite: prepareSqlite, postgres: preparePostgres, redis: prepareRedis }[kind](timeout);
}

async function prepareSqlite(timeout: number): Promise<StoreUnderTest> {
  const directory = mkdtempSync(join(tmpdir(), "linkwright-torture-"));
  const path = join(directory, "store.db");
  const address: StoreAddress = { kind: "sqlite", path, timeout };
  let blocker: DatabaseSync | undefined;
  const heal = () => {
    blocker?.close();
    blocker = undefined;
  };
  return {
    address,
    direct: address,
    fail() {
      if (blocker) return;
      const database = new DatabaseSync(path, { timeout: 1000 });
      try {
        // A write lock that its holder keeps. Readers go on: this is what SQLite's outages look like.
        database.exec("BEGIN IMMEDIATE");
        blocker = database;
      } catch {
        database.close();
      }
    },
    heal,
    async discard() {
      heal();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

const postgresAddress = () => process.env.DATABASE_URL ?? "postgres://postgres@127.0.0.1:5432/postgres";
const redisAddress = () => process.env.REDIS_URL ?? "redis://127.0.0.1:6379";

async function preparePostgres(timeout: number): Promise<StoreUnderTest> {
  const name = `linkwright_torture_${randomUUID().replaceAll("-", "")}`;
  await administrate(`CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8'`);
  const url = new URL(postgresAddress());
  url.pathname = `/${name}`;
  const pool = new Pool({ connectionString: url.href, max: 1 });
  await migrate(pool);
  await pool.end();
  const proxy = await proxyTo({ host: url.hostname, port: Number(url.port) || 5432 });
  const direct = url.href;
  return {
    address: { kind: "postgres", connectionString: through(url, proxy.port), timeout },
    direct: { kind: "postgres", connectionString: direct, timeout },
    fail: (roll) => (roll < 0.5 ? proxy.cut() : proxy.stall()),
    heal: () => proxy.heal(),
    async discard() {
      await proxy.close();
      // A plain drop waits for sessions that are just ending; force is for those of killed processes.
      await administrate(`DROP DATABASE IF EXISTS ${name}`).catch(() =>
        administrate(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
      );
    },
  };
}

async function administrate(statement: string): Promise<void> {
  const client = new Client({ connectionString: postgresAddress(), connectionTimeoutMillis: 5000 });
  client.on("error", () => {});
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

async function prepareRedis(timeout: number): Promise<StoreUnderTest> {
  const prefix = `linkwright-torture-${randomUUID()}`;
  const url = new URL(redisAddress());
  const proxy = await proxyTo({ host: url.hostname, port: Number(url.port) || 6379 });
  return {
    address: { kind: "redis", url: through(url, proxy.port), prefix, timeout },
    direct: { kind: "redis", url: url.href, prefix, timeout },
    fail: (roll) => (roll < 0.5 ? proxy.cut() : proxy.stall()),
    heal: () => proxy.heal(),
    async discard() {
      await proxy.close();
      await withRedis(async (client) => {
        for await (const keys of client.scanIterator({ MATCH: `{${prefix}}*`, COUNT: 500 }))
          if (keys.length > 0) await client.del(keys);
      });
    },
  };
}

async function withRedis<T>(work: (client: ReturnType<typeof createClient>) => Promise<T>): Promise<T> {
  const client = createClient({ url: redisAddress(), socket: { connectTimeout: 2000, reconnectStrategy: false } });
  client.on("error", () => {});
  await client.connect();
  try {
    return await work(client as ReturnType<typeof createClient>);
  } finally {
    client.destroy();
  }
}

function through(url: URL, port: number): string {
  const other = new URL(url);
  other.hostname = "127.0.0.1";
  other.port = `${port}`;
  return other.href;
}

/** Why there is no such store here; `undefined` where there is. */
export async function absence(kind: StoreKind): Promise<string | undefined> {
  try {
    if (kind === "postgres") await administrate("SELECT 1");
    if (kind === "redis") await withRedis((client) => client.ping());
    return undefined;
  } catch {
    const variable = kind === "postgres" ? "DATABASE_URL" : "REDIS_URL";
    const { host } = new URL(kind === "postgres" ? postgresAddress() : redisAddress());
    return `there is no ${kind} at ${host}; start one, or set ${variable}`;
  }
}
