import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

// Many tests start processes, which would each compile the same sources anew.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL("node_modules/.cache/compiled", import.meta.url));

export default defineConfig({
  resolve: { conditions: ["@linkwright/source"] },
  ssr: { resolve: { conditions: ["@linkwright/source"] } },
  test: {
    include: ["packages/*/test/**/*.test.ts", "examples/*/test/**/*.test.ts", "docs/test/**/*.test.ts"],
    environment: "node",
    // Many tests wait for processes, browsers and databases: one worker would leave a core idle.
    maxWorkers: 2,
    // A module that kept something from one file to the next would be a fault of its own; and sources are loaded once.
    isolate: false,
    setupFiles: [fileURLToPath(new URL("packages/testing/test/support/setup.ts", import.meta.url))],
    // What hangs is ended; how long the rest may take on a busy machine is no test's affair.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // What is waited for comes in its own time; how soon it comes is measured elsewhere.
    expect: { poll: { timeout: 15_000 } },
  },
});
