import { virtualClock } from "@linkwright/testing";
import { storeContract } from "@linkwright/testing/store";
import { describe, test } from "vitest";
import { migrate, postgresStore } from "../src/index.ts";
import { hasPostgres, ownDatabase, ownPool } from "./services.ts";

const variants = [
  ["as it comes", {}],
  ["in a schema, with pushed changes", { schema: 'Link"wright', notify: true }],
] as const;

describe.skipIf(!hasPostgres).each(variants)("postgresStore keeps the contract, %s", async (_name, options) => {
  if (!hasPostgres) return;
  const connectionString = await ownDatabase();
  await migrate(ownPool(connectionString), options);
  const clock = virtualClock();
  const harness = {
    reach: "cluster",
    open: () => postgresStore({ connectionString, clock, ...options }),
    broken: () => postgresStore({ connectionString: "postgres://postgres@127.0.0.1:1/postgres" }),
    clock,
    process: {
      moduleUrl: new URL("../src/index.ts", import.meta.url).href,
      exportName: "postgresStore",
      options: { connectionString, ...options },
    },
  } as const;
  for (const { name, run } of storeContract(harness)) test(name, run);
});
