import { setTimeout } from "node:timers/promises";
import { storeContract } from "@linkwright/testing/store";
import { createCluster, type RedisClusterType } from "redis";
import { beforeAll, describe, expect, test } from "vitest";
import { afterFile } from "../../testing/test/support/endings.ts";
import { redisStore } from "../src/index.ts";
import { hasRedisServer, PrivateRedis } from "./private-redis.ts";
import { using } from "./services.ts";

describe.skipIf(!hasRedisServer)("a Redis Cluster of three nodes", () => {
  let nodes: PrivateRedis[];
  let cluster: RedisClusterType;
  beforeAll(async () => {
    const settings = { "cluster-enabled": "yes", appendonly: "yes" };
    nodes = await Promise.all(Array.from({ length: 3 }, () => PrivateRedis.start(settings)));
    afterFile(() => Promise.all(nodes.map((node) => node.remove())));
    for (const [n, node] of nodes.entries()) {
      await using(node.address, async (client) => {
        const slots = [n * 5461, n === 2 ? 16383 : n * 5461 + 5460].map(String);
        await client.sendCommand(["CLUSTER", "ADDSLOTSRANGE", ...slots]);
        if (n > 0) await client.sendCommand(["CLUSTER", "MEET", "127.0.0.1", `${nodes[0]?.port}`]);
      });
    }
    const states = () =>
      Promise.all(nodes.map((node) => using(node.address, (client) => client.sendCommand(["CLUSTER", "INFO"]))));
    const isUp = (state: unknown) => /cluster_state:ok[\s\S]*cluster_known_nodes:3/.test(String(state));
    while (!(await states()).every(isUp)) await setTimeout(100);
    cluster = createCluster({ rootNodes: nodes.map(({ address }) => ({ url: address })) });
    await cluster.connect();
    afterFile(() => cluster.destroy());
  });

  // Three prefixes, of which not all can be on one node.
  const harness = (prefix: string) =>
    ({ reach: "cluster", open: () => redisStore({ client: cluster, prefix }) }) as const;
  for (const { name, run } of storeContract({ reach: "cluster", open: () => redisStore({ client: cluster }) })) {
    test(name, run);
  }

  test("stores with different prefixes are on different nodes, and each keeps the contract", async () => {
    for (const prefix of ["a", "b", "c"]) {
      const concerned = storeContract(harness(prefix)).filter(({ name }) => /^G(02|33|58|61)/.test(name));
      for (const { run } of concerned) await run();
    }
    const sizes = await Promise.all(nodes.map((node) => using(node.address, (client) => client.dbSize())));
    expect(sizes.filter((size) => size > 0).length).toBeGreaterThan(1);
  });
});
