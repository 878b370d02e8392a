import { randomUUID } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { createClient } from "redis";
import { client } from "./application.ts";
import { type Place, postgresUrl, redisUrl } from "./stores.ts";

/**
 * What somebody writes by hand so that several processes refresh a token once: a lock on the store, a second look under it,
 * and one promise for all callers of a process. No journal, no crash safety, no sealing.
 */
export interface Lease {
  accessToken(): Promise<string>;
  /** Forgets what is in memory. */
  forget(): void;
  /** Puts a token that has expired into the store. */
  expire(refreshToken: string): Promise<void>;
  close(): Promise<void>;
}

interface Held {
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly expiresAt: number;
}

/** The stores that several processes can share. */
export type StormStore = Exclude<Place["name"], "keyv">;

/** How they differ. */
interface Backend {
  /** Calls `work` with what is stored, under the lock, and stores what it gives; where the lock is taken, waits for it. */
  exclusively(work: (held: Held) => Promise<Held>): Promise<Held>;
  put(held: Held): Promise<void>;
  close(): Promise<void>;
}

/** How often a lock that is taken is looked at: milliseconds. */
const poll = 10;

export async function lease(place: Place, origin: string): Promise<Lease> {
  const backend = await backends[place.name as StormStore](place.at);
  const authorization = `Basic ${btoa(`${client.id}:${client.secret}`)}`;
  let held: Held | undefined;
  let flight: Promise<string> | undefined;

  async function refresh(found: Held): Promise<Held> {
    if (found.expiresAt > Date.now()) return found;
    const sent = Date.now();
    const response = await fetch(`${origin}/token`, {
      method: "POST",
      headers: { authorization },
      body: new URLSearchParams({ grant_type: "refresh_token", refresh_token: found.refreshToken }),
    });
    if (!response.ok) throw new Error(await response.text());
    const answer = (await response.json()) as { access_token: string; refresh_token?: string; expires_in: number };
    return {
      accessToken: answer.access_token,
      refreshToken: answer.refresh_token ?? found.refreshToken,
      expiresAt: sent + answer.expires_in * 1000,
    };
  }
  async function renew(): Promise<string> {
    held = await backend.exclusively(refresh);
    return held.accessToken;
  }
  return {
    async accessToken() {
      if (held && Date.now() < held.expiresAt) return held.accessToken;
      flight ??= renew().finally(() => {
        flight = undefined;
      });
      return flight;
    },
    forget() {
      held = undefined;
    },
    expire: (refreshToken) => backend.put({ accessToken: "", refreshToken, expiresAt: 0 }),
    close: backend.close,
  };
}

const backends: Record<StormStore, (at: string) => Promise<Backend>> = {
  async postgres(schema) {
    const pool = new pg.Pool({ connectionString: postgresUrl });
    const table = `"${schema}".lease`;
    await pool.query(`CREATE TABLE IF NOT EXISTS ${table} (id integer PRIMARY KEY, value text)`).catch(() => {});
    return {
      async exclusively(work) {
        const connection = await pool.connect();
        try {
          await connection.query("BEGIN");
          const { rows } = await connection.query(`SELECT value FROM ${table} WHERE id = 1 FOR UPDATE`);
          const before = JSON.parse(String(rows[0]?.value)) as Held;
          const after = await work(before);
          if (after !== before)
            await connection.query(`UPDATE ${table} SET value = $1 WHERE id = 1`, [JSON.stringify(after)]);
          await connection.query("COMMIT");
          return after;
        } finally {
          connection.release();
        }
      },
      async put(held) {
        const upsert = `INSERT INTO ${table} VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET value = $1`;
        await pool.query(upsert, [JSON.stringify(held)]);
      },
      close: () => pool.end(),
    };
  },

  async redis(prefix) {
    const connection = await createClient({ url: redisUrl }).connect();
    const [key, lock] = [`${prefix}:lease`, `${prefix}:lock`];
    const unlock = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end";
    const read = async () => JSON.parse((await connection.get(key)) ?? "") as Held;
    return {
      async exclusively(work) {
        const holder = randomUUID();
        for (;;) {
          if (await connection.set(lock, holder, { condition: "NX", expiration: { type: "PX", value: 10_000 } })) {
            const before = await read();
            const after = await work(before);
            if (after !== before) await connection.set(key, JSON.stringify(after));
            await connection.eval(unlock, { keys: [lock], arguments: [holder] });
            return after;
          }
          await sleep(poll);
          const found = await read();
          if (found.expiresAt > Date.now()) return found;
        }
      },
      put: async (held) => void (await connection.set(key, JSON.stringify(held))),
      close: () => connection.close(),
    };
  },

  async sqlite(path) {
    const database = new DatabaseSync(`${path}-lease`, { timeout: 5000 });
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
    database.exec("CREATE TABLE IF NOT EXISTS lease (id INTEGER PRIMARY KEY, value TEXT, lockedUntil REAL)");
    const select = database.prepare("SELECT value FROM lease WHERE id = 1");
    const claim = database.prepare("UPDATE lease SET lockedUntil = ? WHERE id = 1 AND lockedUntil < ?");
    const store = database.prepare("INSERT OR REPLACE INTO lease VALUES (1, ?, 0)");
    const read = () => JSON.parse(String(select.get()?.value)) as Held;
    return {
      async exclusively(work) {
        for (;;) {
          const now = Date.now();
          if (claim.run(now + 10_000, now).changes === 1) {
            const after = await work(read());
            store.run(JSON.stringify(after));
            return after;
          }
          await sleep(poll);
          const found = read();
          if (found.expiresAt > Date.now()) return found;
        }
      },
      put: async (held) => void store.run(JSON.stringify(held)),
      close: async () => database.close(),
    };
  },
};
