import { join } from "node:path";
import { virtualClock } from "@linkwright/testing";
import { storeContract } from "@linkwright/testing/store";
import { describe, test } from "vitest";
import { sqliteStore } from "../src/index.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

describe("sqliteStore keeps the contract", () => {
  const directory = temporaryDirectory();
  const path = join(directory, "store.db");
  const clock = virtualClock();
  const harness = {
    reach: "host",
    open: () => sqliteStore({ path, clock }),
    broken: () => sqliteStore(join(directory, "missing", "store.db")),
    clock,
    process: {
      moduleUrl: new URL("../src/index.ts", import.meta.url).href,
      exportName: "sqliteStore",
      options: { path },
    },
  } as const;
  for (const { name, run } of storeContract(harness)) test(name, run);
});
