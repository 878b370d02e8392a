import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { conditions: ["@linkwright/source"] },
  ssr: { resolve: { conditions: ["@linkwright/source"] } },
  test: {
    include: ["packages/*/test/**/*.test.ts", "examples/*/test/**/*.test.ts", "docs/test/**/*.test.ts"],
    // Not finished: its reports and sizes are not written yet. `vitest run --config vitest.packaging.config.ts` runs it.
    exclude: ["**/node_modules/**", "packages/packaging/**"],
    environment: "node",
    // Many tests wait for processes, browsers and databases: one worker would leave a core idle.
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 20_000,
  },
});
