import type { Pool } from "pg";
import { beforeAll, describe, expect, test } from "vitest";
import { migrate, postgresStore } from "../src/index.ts";
import { statementsFor } from "../src/statements.ts";
import { hasPostgres, ownDatabase, ownPool } from "./services.ts";

/** Of 10,000 records, those of `n` below 100 are due at the moment 1000, the others an hour later. */
const fill = `
  INSERT INTO linkwright_records (key, value, version, owner, registration, refs, due_at, expires_at)
  SELECT 'connection:' || n, repeat('x', 500), n, 'owner ' || n % 1000, 'bank ' || n % 3, ARRAY['ref ' || n % 2000],
         CASE WHEN n < 100 THEN n ELSE 3600000 + n END, CASE WHEN n % 10 = 0 THEN 1000000 + n END
  FROM generate_series(1, 10000) AS n`;

describe.skipIf(!hasPostgres)("queries among 10,000 records", () => {
  const statements = statementsFor(undefined);
  let pool: Pool;
  beforeAll(async () => {
    pool = ownPool(await ownDatabase());
    await migrate(pool);
    await pool.query(fill);
    await pool.query("ANALYZE linkwright_records");
  });

  test("G58 due records are found by the partial index, in its order, and no other row is touched", async () => {
    const plan = await explained(pool, statements.due.text, [1000, Number.NEGATIVE_INFINITY, "", 1000, 51]);
    expect(plan).toMatch(/Index Scan using linkwright_records_due_at on linkwright_records .*rows=51 /);
    expect(plan).not.toMatch(/Seq Scan|Sort|Rows Removed/);
    const next = await explained(pool, statements.due.text, [1000, 50, "connection:50", 1000, 101]);
    expect(next).toMatch(/Index Scan using linkwright_records_due_at on linkwright_records .*rows=49 /);
    expect(next).not.toMatch(/Seq Scan|Sort|Rows Removed/);
  });

  test.each([
    ["a key's prefix", {}, "linkwright_records_pkey"],
    ["owner", { owner: "owner 7" }, "linkwright_records_owner"],
    ["owner and registration", { owner: "owner 7", registration: "bank 1" }, "linkwright_records_owner"],
    ["reference", { ref: "ref 7" }, "linkwright_records_refs"],
    ["reference and owner", { ref: "ref 7", owner: "owner 7" }, "linkwright_records_(refs|owner)"],
  ])("G58 a list by %s is looked up", async (_name, members, index) => {
    const none = { owner: undefined, registration: undefined, ref: undefined };
    const range = { from: "connection:", isBehind: false, to: "connection;" };
    const { text, values } = statements.list({ ...none, ...range, ...members }, 11, 1000);
    const plan = await explained(pool, text, values);
    expect(plan).toMatch(new RegExp(`Index Scan (using|on) ${index}`));
    expect(plan).not.toContain("Seq Scan");
  });

  test("G22 expired records are found by their index", async () => {
    const plan = await explained(pool, statements.sweep.text, [1_000_050], false);
    expect(plan).toContain("Index Scan using linkwright_records_expires_at");
  });

  test("G57 a sweep through the store sees what is due, in order, and nothing else", async () => {
    const store = postgresStore({ pool });
    const keys: string[] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await store.due(1000, { limit: 30, ...(cursor !== undefined && { cursor }) });
      keys.push(...page.items.map((item) => item.key));
      cursor = page.cursor;
      if (cursor === undefined) break;
    }
    // Every tenth has expired long ago by the machine's clock.
    const expected = Array.from({ length: 99 }, (_, n) => n + 1).filter((n) => n % 10 !== 0);
    expect(keys).toEqual(expected.map((n) => `connection:${n}`));
    await store.close();
  });

  test("G22 expired records leave the table at a write, and at most once a minute", async () => {
    const store = postgresStore({ pool });
    const expired = async () => (await pool.query("SELECT 1 FROM linkwright_records WHERE expires_at < 2e6")).rowCount;
    expect(await expired()).toBe(1000);
    await store.write("flow:1", "value", { ifVersion: "absent", index: { expiresAt: 1_500_000 } });
    await expect.poll(expired).toBe(0);
    await store.write("flow:2", "value", { ifVersion: "absent", index: { expiresAt: 1_500_000 } });
    await store.close();
    expect(await expired()).toBe(1);
    expect((await pool.query("SELECT 1 FROM linkwright_records WHERE expires_at IS NULL")).rowCount).toBe(9000);
  });
});

async function explained(pool: Pool, text: string, values: unknown[], analyze = true): Promise<string> {
  const { rows } = await pool.query(`EXPLAIN (ANALYZE ${analyze}, TIMING ${analyze}) ${text}`, values);
  return rows.map((row: Record<string, unknown>) => row["QUERY PLAN"]).join("\n");
}
