import { createHash, randomUUID } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import pg from "pg";
import { createClient } from "redis";
import { keyvOn, type Place, postgresUrl, redisUrl } from "./stores.ts";

/** The bare clients: a value under a key, a version that a write asks for, and an index of what is due. Nothing else. */
export interface Bare {
  read(key: string): Promise<string>;
  /** @returns The new version; `undefined` where the record is at another one. */
  write(key: string, value: string, version: string, dueAt: number): Promise<string | undefined>;
  insert(key: string, value: string, version: string, dueAt: number): Promise<unknown>;
  /** Absent where the client knows no index. */
  due?(before: number, limit: number): Promise<unknown>;
  /** Bytes of all that is stored, indexes included. */
  size(): Promise<number>;
  close(): Promise<void>;
}

export const bareClients: Record<Place["name"], (at: string) => Promise<Bare>> = {
  async sqlite(path) {
    const database = new DatabaseSync(`${path}-bare`);
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
    database.exec("CREATE TABLE records (key TEXT PRIMARY KEY, value TEXT, version TEXT, due_at REAL)");
    database.exec("CREATE INDEX records_due_at ON records (due_at)");
    const read = database.prepare("SELECT value, version FROM records WHERE key = ?");
    const write = database.prepare(
      "UPDATE records SET value = ?, version = ?, due_at = ? WHERE key = ? AND version = ?",
    );
    const insert = database.prepare("INSERT INTO records VALUES (?, ?, ?, ?)");
    const due = database.prepare("SELECT key, value, version FROM records WHERE due_at <= ? ORDER BY due_at LIMIT ?");
    return {
      read: async (key) => String(read.get(key)?.value),
      async write(key, value, version, dueAt) {
        const next = randomUUID();
        return write.run(value, next, dueAt, key, version).changes === 1 ? next : undefined;
      },
      insert: async (key, value, version, dueAt) => insert.run(key, value, version, dueAt),
      due: async (before, limit) => due.all(before, limit),
      size: async () => {
        const { pages } =
          database.prepare("SELECT page_count * page_size AS pages FROM pragma_page_count, pragma_page_size").get() ??
          {};
        return Number(pages);
      },
      close: async () => database.close(),
    };
  },

  async postgres(schema) {
    const pool = new pg.Pool({ connectionString: postgresUrl, max: 10 });
    const table = `"${schema}".bare`;
    await pool.query(
      `CREATE TABLE ${table} (key text COLLATE "C" PRIMARY KEY, value text, version text, due_at double precision)`,
    );
    await pool.query(`CREATE INDEX ON ${table} (due_at)`);
    const prepared = (name: string, text: string, values: unknown[]) => pool.query({ name, text, values });
    return {
      async read(key) {
        const { rows } = await prepared("read", `SELECT value, version FROM ${table} WHERE key = $1`, [key]);
        return String(rows[0]?.value);
      },
      async write(key, value, version, dueAt) {
        const next = randomUUID();
        const text = `UPDATE ${table} SET value = $1, version = $2, due_at = $3 WHERE key = $4 AND version = $5`;
        const { rowCount } = await prepared("write", text, [value, next, dueAt, key, version]);
        return rowCount === 1 ? next : undefined;
      },
      insert: (...values) => prepared("insert", `INSERT INTO ${table} VALUES ($1, $2, $3, $4)`, values),
      due: (before, limit) =>
        prepared("due", `SELECT key, value, version FROM ${table} WHERE due_at <= $1 ORDER BY due_at LIMIT $2`, [
          before,
          limit,
        ]),
      async size() {
        const { rows } = await pool.query("SELECT pg_total_relation_size($1::regclass) AS size", [table]);
        return Number(rows[0]?.size);
      },
      close: () => pool.end(),
    };
  },

  async redis(prefix) {
    const client = await createClient({ url: redisUrl }).connect();
    const base = `${prefix}:bare:`;
    const index = `${prefix}:bare-due`;
    const script = `if redis.call('HGET', KEYS[1], 'version') ~= ARGV[1] then return 0 end
      redis.call('HSET', KEYS[1], 'value', ARGV[2], 'version', ARGV[3])
      redis.call('ZADD', KEYS[2], ARGV[4], KEYS[1])
      return 1`;
    const digest = createHash("sha1").update(script).digest("hex");
    await client.scriptLoad(script);
    return {
      read: async (key) => String((await client.hmGet(base + key, ["value", "version"]))[0]),
      async write(key, value, version, dueAt) {
        const next = randomUUID();
        const keys = [base + key, index];
        const written = await client.evalSha(digest, { keys, arguments: [version, value, next, `${dueAt}`] });
        return written === 1 ? next : undefined;
      },
      async insert(key, value, version, dueAt) {
        await client.hSet(base + key, { value, version });
        await client.zAdd(index, { score: dueAt, value: base + key });
      },
      async due(before, limit) {
        const keys = await client.zRange(index, "-inf", before, { BY: "SCORE", LIMIT: { offset: 0, count: limit } });
        return Promise.all(keys.map((key) => client.hmGet(key, ["value", "version"])));
      },
      size: () => redisSize(`${prefix}:bare*`),
      close: () => client.close(),
    };
  },

  async keyv(at) {
    const keyv = keyvOn(`${at}-bare`);
    const set = async (key: string, value: string) => void (await keyv.set(key, value));
    return {
      read: async (key) => String(await keyv.get(key)),
      async write(key, value) {
        await set(key, value);
        return randomUUID();
      },
      insert: set,
      size: () => redisSize(`*${at}-bare*`),
      close: () => keyv.disconnect(),
    };
  },
};

/** Bytes that Redis spends on all keys of a pattern. */
export async function redisSize(pattern: string): Promise<number> {
  const client = await createClient({ url: redisUrl }).connect();
  let size = 0;
  for await (const keys of client.scanIterator({ MATCH: pattern, COUNT: 1000 })) {
    const sizes = await Promise.all(keys.map((key) => client.memoryUsage(key, { SAMPLES: 0 })));
    for (const each of sizes) size += each ?? 0;
  }
  await client.close();
  return size;
}

/** Bytes that Linkwright's own records take up there. */
export async function ownSize({ name, at }: Place): Promise<number> {
  switch (name) {
    case "sqlite": {
      const database = new DatabaseSync(at, { readOnly: true });
      const { pages } =
        database.prepare("SELECT page_count * page_size AS pages FROM pragma_page_count, pragma_page_size").get() ?? {};
      database.close();
      return Number(pages);
    }
    case "postgres": {
      const client = new pg.Client({ connectionString: postgresUrl });
      await client.connect();
      const { rows } = await client.query("SELECT pg_total_relation_size($1::regclass) AS size", [
        `"${at}".linkwright_records`,
      ]);
      await client.end();
      return Number(rows[0]?.size);
    }
    case "redis":
      return redisSize(`{${at}}*`);
    case "keyv":
      return redisSize(`*${at}-space*`);
  }
}
