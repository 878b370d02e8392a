import { KeyvPostgres } from "@keyv/postgres";
import KeyvRedis from "@keyv/redis";
import { memoryStore } from "@linkwright/core";
import { storeContract } from "@linkwright/testing/store";
import { Keyv } from "keyv";
import { describe, test } from "vitest";
import { afterFile } from "../../testing/test/support/endings.ts";
import { keyvStore } from "../src/index.ts";

describe.each([
  [
    "@keyv/redis",
    () => {
      const adapter = new KeyvRedis("redis://127.0.0.1:1");
      // Its own way to disconnect waits for a connection.
      afterFile(() => adapter.client.destroy());
      return adapter;
    },
  ],
  ["@keyv/postgres", () => new KeyvPostgres("postgres://postgres@127.0.0.1:1/postgres")],
])("a server that %s cannot reach", (_name, adapter) => {
  const broken = () => {
    return keyvStore(new Keyv({ store: adapter() }));
  };
  const cases = storeContract({ reach: "process", open: memoryStore, broken });
  for (const { name, run } of cases.filter(({ name }) => name.includes("cannot look"))) test(name, run);
});
