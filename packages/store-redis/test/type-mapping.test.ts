import type { Store } from "@linkwright/core";
import { RESP_TYPES } from "redis";
import { describe, expect, test } from "vitest";
import { type RedisClient, redisStore } from "../src/index.ts";
import { address, hasRedis, ownPrefix, using } from "./services.ts";

const message =
  'The Redis store does not understand what its "client" answers. Give it one without a type mapping (withTypeMapping, ' +
  "commandOptions). Whether a write that was under way took place is not known; read the record again.";

describe.skipIf(!hasRedis)("an application's client that has a type mapping", () => {
  test("G21 text as buffers: what is there is refused and not taken for absent", async () => {
    await withStores(
      (client) => client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer }),
      async (store, plain) => {
        await plain.write("key", "value", { ifVersion: "absent", index: { owner: "someone", dueAt: 1 } });
        await expect(store.read("key")).rejects.toThrow(message);
        await expect(store.list({ prefix: "", limit: 1 })).rejects.toThrow(message);
        await expect(store.list({ prefix: "", owner: "someone", limit: 1 })).rejects.toThrow(message);
        await expect(store.due(1, { limit: 1 })).rejects.toThrow(message);
        expect(await store.read("nothing")).toBeUndefined();
      },
    );
  });

  test("G21 numbers as text: a conflict is not taken for a write, nor a removal for a conflict", async () => {
    await withStores(
      (client) => client.withTypeMapping({ [RESP_TYPES.NUMBER]: String }),
      async (store, plain) => {
        const version = await plain.write("key", "value", { ifVersion: "absent" });
        expect(await store.read("key")).toEqual({ value: "value", version });
        await expect(store.write("key", "other", { ifVersion: "stale" })).rejects.toThrow(message);
        expect(await plain.read("key")).toEqual({ value: "value", version });
        await expect(store.remove("key", { ifVersion: version })).rejects.toThrow(message);
        // It took place, as the message allows for.
        expect(await plain.read("key")).toBeUndefined();
      },
    );
  });
});

type Plain = Parameters<Parameters<typeof using>[1]>[0];

/** A store on what `mapped` makes of a client, and one on the client as it is, on the same data. */
async function withStores(
  mapped: (client: Plain) => RedisClient,
  work: (store: Store, plain: Store) => Promise<void>,
): Promise<void> {
  const prefix = ownPrefix();
  await using(address, async (client) => {
    const [store, plain] = [mapped(client), client].map((each) =>
      redisStore({ client: each, prefix, onWarning: () => {} }),
    ) as [Store, Store];
    await work(store, plain);
    await store.close();
    await plain.close();
  });
}
