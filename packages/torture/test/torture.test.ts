import { describe, expect, test } from "vitest";
import { defaults, type StoreKind } from "../src/options.ts";
import { torture } from "../src/torture.ts";
import { available } from "./services.ts";

/** The torture at a size for every day: what `pnpm torture` does for an hour, for some seconds. */

const stores: readonly StoreKind[] = ["sqlite", "postgres", "redis"];

const small = {
  ...defaults,
  processes: 4,
  connections: 4,
  callers: 2,
  expiries: 12,
  kills: 0.15,
  freezes: 0.15,
  outages: 0.05,
  slow: 0.2,
  errors: 0.05,
  stalls: 0.05,
};

for (const store of stores) {
  describe.skipIf(!(await available(store)))(`on ${store}`, () => {
    // Side by side: most of either is waiting for tokens to expire.
    test.concurrent.each(["grace", "strict"] as const)(
      "G02 G05 G18 G19 killed, frozen and skewed processes, a store that goes away: a %s server",
      async (server) => {
        const report = await torture({ ...small, store, server, seed: 20 });
        expect(report.failures).toEqual([]);
        expect(report.expiries).toBeGreaterThanOrEqual(small.expiries);
        expect(report.wrongTokens).toBe(0);
        expect(report.unexplained).toEqual([]);
        expect(report.familiesRevoked).toBe(report.lost.length);
        if (server === "grace") expect(report.lost).toEqual([]);
      },
      180_000,
    );
  });
}
