import { defineConfig } from "vitest/config";
import base from "./vitest.config.ts";

/**
 * What mutants of core are tried against: the tests of core that need nothing but this process, without the slow model, and
 * without what is about other parts of core and only passes through these.
 */
export default defineConfig({
  ...base,
  test: {
    ...base.test,
    include: ["packages/core/test/**/*.test.ts"],
    exclude: [
      "**/lifecycle-model.test.ts",
      "**/oidc-provider.test.ts",
      "**/conventions.test.ts",
      "**/renewal-interleavings.test.ts",
      "**/flow.test.ts",
      "**/hostile-*.test.ts",
      "**/reseal.test.ts",
    ],
  },
});
