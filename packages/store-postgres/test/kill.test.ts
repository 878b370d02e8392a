import { describe, expect, test } from "vitest";
import { afterFile } from "../../testing/test/support/endings.ts";
import { migrate, postgresStore } from "../src/index.ts";
import { hasPostgresPrograms, PrivatePostgres } from "./private-postgres.ts";
import { ownPool } from "./services.ts";

describe.skipIf(!hasPostgresPrograms())("a Postgres that is killed", () => {
  test("G16 has every acknowledged write when it is back, and the same store goes on", {
    timeout: 60_000,
  }, async () => {
    const server = await PrivatePostgres.start();
    afterFile(() => server.remove());
    const pool = ownPool(server.address);
    await migrate(pool);
    const store = postgresStore({ connectionString: server.address, max: 4 });
    const acknowledged = new Map<string, { value: string; version: string }>();
    // What the server may or may not have done: it was asked, and did not answer.
    const inDoubt = new Set<string>();
    const failures: Error[] = [];
    let isOver = false;

    async function writer(name: string): Promise<void> {
      for (let n = 0; !isOver; n++) {
        const latest = acknowledged.get(name);
        const value = `${name} ${n} ${"x".repeat(2000)}`;
        try {
          inDoubt.add(name);
          const version = await store.write(name, value, { ifVersion: latest?.version ?? "absent" });
          if (version === "conflict") return;
          acknowledged.set(name, { value, version });
          inDoubt.delete(name);
        } catch (error) {
          failures.push(error as Error);
          return;
        }
        const other = await store.write(`${name}:${n}`, value, { ifVersion: "absent" }).catch(() => "failed");
        if (other !== "failed") acknowledged.set(`${name}:${n}`, { value, version: other });
      }
    }

    for (let round = 0; round < 2; round++) {
      isOver = false;
      const before = acknowledged.size;
      const writers = Array.from({ length: 8 }, (_, n) => writer(`round ${round} writer ${n}`));
      await expect.poll(() => acknowledged.size, { timeout: 20_000 }).toBeGreaterThan(before + 200);
      await server.kill();
      // Its children notice a moment later that it is gone, and may answer until then.
      const answer = () => store.read("round 0 writer 0").then(() => "answered", String);
      await expect.poll(answer).toMatch(/^Error: The Postgres store (cannot reach its server|lost its connection)/);
      isOver = true;
      await Promise.all(writers);
      await server.start();
      for (const [key, { value, version }] of acknowledged) {
        const found = await store.read(key);
        expect(found, `${key}, which was acknowledged`).toBeDefined();
        if (inDoubt.has(key) && found?.version !== version) continue;
        expect(found?.version, key).toBe(version);
        expect(found?.value === value, key).toBe(true);
      }
    }
    expect(failures.length).toBeGreaterThan(0);
    for (const { message } of failures) expect(message).toMatch(/^The Postgres store (lost|cannot reach)/);
    await store.close();
  });
});
