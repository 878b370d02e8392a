import { virtualClock } from "@linkwright/testing";
import { storeContract } from "@linkwright/testing/store";
import { describe, test } from "vitest";
import { redisStore } from "../src/index.ts";
import { address, hasRedis, ownPrefix } from "./services.ts";

describe.skipIf(!hasRedis)("redisStore keeps the contract", () => {
  const prefix = ownPrefix();
  const clock = virtualClock();
  const onWarning = () => {};
  const harness = {
    reach: "cluster",
    open: () => redisStore({ url: address, prefix, clock, onWarning }),
    broken: () => redisStore({ url: "redis://127.0.0.1:1", prefix }),
    clock,
    process: {
      moduleUrl: new URL("../src/index.ts", import.meta.url).href,
      exportName: "redisStore",
      options: { url: address, prefix },
    },
  } as const;
  for (const { name, run } of storeContract(harness)) test(name, run);
});
