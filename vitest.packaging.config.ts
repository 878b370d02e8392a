import { defineConfig, mergeConfig } from "vitest/config";
import base from "./vitest.config.ts";

/** The checks of packages as published, which are not part of the suite yet. */
export default mergeConfig(base, defineConfig({ test: { exclude: [] } }));
