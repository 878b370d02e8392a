import { randomUUID } from "node:crypto";
import { virtualClock } from "@linkwright/testing";
import { storeContract } from "@linkwright/testing/store";
import { describe, test } from "vitest";
import { keyvStore } from "../src/index.ts";
import { hasPostgres, hasRedis, postgresKeyv, redisKeyv } from "./services.ts";

const backends = [
  ["@keyv/redis", hasRedis, async () => redisKeyv()],
  ["@keyv/postgres", hasPostgres, () => postgresKeyv()],
] as const;

for (const [name, isThere, connect] of backends) {
  describe.skipIf(!isThere)(`keyvStore on ${name} keeps the contract`, async () => {
    if (!isThere) return;
    const keyv = await connect();
    const clock = virtualClock();
    const open = () => keyvStore(keyv, { prefix: randomUUID(), clock });
    for (const { name, run } of storeContract({ reach: "process", open, clock })) test(name, run);
  });
}
