import {
  allowInsecureLoopback,
  type Connection,
  createConnector,
  keyring,
  memoryStore,
  type Store,
} from "@linkwright/core";
import { simulateAuthorizationServer, virtualClock } from "@linkwright/testing";
import { expect, test } from "vitest";
import { bank, faultOf, key, session } from "./support/house.ts";

/** Two processes of an application that lets an account at the bank belong to one owner. */
async function strictHouse() {
  const clock = virtualClock();
  const server = await simulateAuthorizationServer({ clock, accessTokenLifetime: 300 });
  const store = memoryStore({ clock });
  let account: string | undefined = "account-1";
  server.faults.always("rewrite", { rewrite: (answer) => ({ ...answer, account }) });
  const provider = bank(server, {
    connect: { granted: (answer) => (answer.account ? { account: String(answer.account) } : {}) },
  });
  const application = (on: Store = store, oneOwnerPerAccount: readonly ("bank" | "other")[] = ["bank", "other"]) =>
    createConnector({
      providers: { bank: provider, other: provider },
      store: on,
      concurrency: "one-process",
      keys: keyring([{ id: "test", key }]),
      clock,
      oneOwnerPerAccount,
      [allowInsecureLoopback]: true,
    });
  const connector = application();
  const link = async (owner: string, from = connector, more: { connection?: string } = {}): Promise<Connection> => {
    const flow = await from.providers.bank.connect({ owner, session, ...more });
    return from.complete(await server.consent(flow.url), { session });
  };
  return {
    clock,
    server,
    store,
    connector,
    application,
    link,
    signInAs: (name: string | undefined) => {
      account = name;
    },
    count: async (prefix: string) => (await store.list({ prefix, limit: 100 })).items.length,
    revocations: () => server.journal.count({ path: "/revoke" }),
    async [Symbol.asyncDispose]() {
      await connector.close();
      await server.close();
    },
  };
}

const taken = { kind: "flow", reason: "account" };

test("G67 an account that another owner has is refused, and that owner's grant is left alone", async () => {
  await using h = await strictHouse();
  const first = await h.link("user_1");
  const fault = await faultOf(h.link("user_2"));
  expect(fault).toMatchObject(taken);
  expect(fault.message).toBe(
    "This account is connected for another owner already. Disconnect it there, or connect another account.",
  );
  expect(await h.count("connection:")).toBe(1);
  // Some servers let all grants of an account share one fate.
  expect(h.revocations()).toBe(0);
  await h.clock.advance(301_000);
  expect((await first.fetch("/api/me")).status).toBe(200);
});

test("G67 of two owners at once, in two processes, one gets the account", async () => {
  await using h = await strictHouse();
  let written = 0;
  // All look before anybody writes.
  let looked = 0;
  let all = Promise.withResolvers<void>();
  const counting: Store = {
    ...h.store,
    read: async (key) => {
      const found = await h.store.read(key);
      if (key.startsWith("account:") && looked < 3) {
        if (++looked === 3) all.resolve();
        await all.promise;
      }
      return found;
    },
    write: async (key, value, options) => {
      if (key.startsWith("connection:")) written++;
      return h.store.write(key, value, options);
    },
  };
  const applications = [h.application(counting), h.application(counting), h.application(counting)];
  for (let round = 0; round < 3; round++) {
    [looked, all] = [0, Promise.withResolvers()];
    h.signInAs(`account-of-round-${round}`);
    const outcomes = await Promise.allSettled(
      applications.map((application, index) => h.link(`user_${index}`, application)),
    );
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    for (const outcome of outcomes)
      if (outcome.status === "rejected") expect(await faultOf(Promise.reject(outcome.reason))).toMatchObject(taken);
    expect(await h.count("connection:")).toBe(round + 1);
    // Nor did anybody else have it for a moment.
    expect(written).toBe(round + 1);
  }
});

test("G67 one owner may connect the account twice; it is free when both connections are gone, and not before", async () => {
  await using h = await strictHouse();
  const [first, second] = [await h.link("user_1"), await h.link("user_1")];
  await first?.disconnect();
  await h.clock.advance(3_600_000);
  expect(await faultOf(h.link("user_2"))).toMatchObject(taken);
  await second?.disconnect();
  expect(await h.count("account:")).toBe(0);
  expect((await h.link("user_2")).owner).toBe("user_2");
  expect(await faultOf(h.link("user_1"))).toMatchObject(taken);
});

test("G67 a connection that is over keeps its account until it is disconnected", async () => {
  await using h = await strictHouse();
  const connection = await h.link("user_1");
  await h.connector.markEnded(connection.id, { owner: "user_1" });
  await h.clock.advance(3_600_000);
  expect(await faultOf(h.link("user_2"))).toMatchObject(taken);
  expect((await h.link("user_1", h.connector, { connection: connection.id })).id).toBe(connection.id);
  expect((await connection.status()).health).toBe("healthy");
});

test("G67 accounts are told apart by registration and by name", async () => {
  await using h = await strictHouse();
  await h.link("user_1");
  h.signInAs("account-2");
  expect((await h.link("user_2")).owner).toBe("user_2");
  h.signInAs("account-1");
  const flow = await h.connector.providers.other.connect({ owner: "user_2", session });
  expect((await h.connector.complete(await h.server.consent(flow.url), { session })).registration).toBe("other");
});

test("G67 connecting again as an account that another owner has is refused, and the old grant serves on", async () => {
  await using h = await strictHouse();
  await h.link("user_1");
  h.signInAs("account-2");
  const mine = await h.link("user_2");
  const before = await h.store.read(`connection:${mine.id}`);
  h.signInAs("account-1");
  expect(await faultOf(h.link("user_2", h.connector, { connection: mine.id }))).toMatchObject(taken);
  expect(await h.store.read(`connection:${mine.id}`)).toEqual(before);
  expect((await mine.fetch("/api/me")).status).toBe(200);
});

test("G67 an account whose connection was never written, as its process died, is free after ten minutes", async () => {
  await using h = await strictHouse();
  const dying = h.application({
    ...h.store,
    write: async (key, value, options) => {
      if (key.startsWith("connection:")) throw new Error("the process is gone");
      return h.store.write(key, value, options);
    },
  });
  expect(await faultOf(h.link("user_1", dying))).toMatchObject({ kind: "store" });
  expect(await faultOf(h.link("user_2"))).toMatchObject(taken);
  await h.clock.advance(600_000);
  expect((await h.link("user_2")).owner).toBe("user_2");
});

test("G67 a holder that slept through its claim's end gives way to the one who came after", async () => {
  await using h = await strictHouse();
  const { promise: asleep, resolve: sleeps } = Promise.withResolvers<void>();
  const { promise: woken, resolve: wake } = Promise.withResolvers<void>();
  const sleepy = h.application({
    ...h.store,
    write: async (key, value, options) => {
      if (key.startsWith("connection:")) {
        sleeps();
        await woken;
      }
      return h.store.write(key, value, options);
    },
  });
  const slow = faultOf(h.link("user_1", sleepy));
  await asleep;
  // Its own deadline would end the wait; a frozen process has none.
  const later = virtualClock();
  await later.advance(h.clock.now() - later.now() + 600_001);
  const other = createConnector({
    providers: {
      bank: bank(h.server, { connect: { granted: () => ({ account: "account-1" }) } }),
    },
    store: h.store,
    concurrency: "one-process",
    keys: keyring([{ id: "test", key }]),
    clock: later,
    oneOwnerPerAccount: ["bank"],
    [allowInsecureLoopback]: true,
  });
  const flow = await other.providers.bank.connect({ owner: "user_2", session });
  const theirs = await other.complete(await h.server.consent(flow.url), { session });
  wake();
  expect(await slow).toMatchObject(taken);
  expect(await h.count("connection:")).toBe(1);
  expect((await theirs.status()).health).toBe("healthy");
});

test("G67 where the provider did not say whose account it is, the rule cannot be kept, and says so", async () => {
  await using h = await strictHouse();
  h.signInAs(undefined);
  const fault = await faultOf(h.link("user_1"));
  expect(fault).toMatchObject({ kind: "configuration" });
  expect(fault.message).toContain('take "bank" out of oneOwnerPerAccount');
  expect(await h.count("connection:")).toBe(0);
  expect(h.revocations()).toBe(2);
});

test("G67 an import claims its account, too", async () => {
  await using h = await strictHouse();
  await h.link("user_1");
  const { refresh_token: refreshToken } = h.server.issue();
  const grant = { owner: "user_2", refreshToken: refreshToken ?? "", account: "account-1" };
  expect(await faultOf(h.connector.providers.bank.import(grant))).toMatchObject(taken);
  expect((await h.connector.providers.bank.import({ ...grant, account: "account-2" })).owner).toBe("user_2");
  h.signInAs("account-2");
  expect(await faultOf(h.link("user_1"))).toMatchObject(taken);
});

test("G67 without the rule, owners may share an account", async () => {
  await using h = await strictHouse();
  const lax = h.application(h.store, []);
  const all = [await h.link("user_1", lax), await h.link("user_2", lax)];
  for (const connection of all) expect((await connection.status()).account).toBe("account-1");
  expect(await h.count("account:")).toBe(0);
});

test("G72 a claim shows no account", async () => {
  await using h = await strictHouse();
  await h.link("user_1");
  const [claim] = (await h.store.list({ prefix: "account:", limit: 1 })).items;
  expect(`${claim?.key} ${claim?.value}`).not.toContain("account-1");
});

test.each<[string, unknown, RegExp]>([
  ["no list", "bank", /oneOwnerPerAccount is no list/],
  ["a name that is no registration", ["nobody"], /oneOwnerPerAccount names "nobody", which is no registration/],
  ["a provider that names no accounts", ["plain"], /names "plain", whose provider does not tell whose account/],
])("oneOwnerPerAccount with %s is refused", async (_, oneOwnerPerAccount, message) => {
  await using h = await strictHouse();
  const work = async () =>
    createConnector({
      providers: { plain: bank(h.server) },
      store: memoryStore(),
      concurrency: "one-process",
      keys: keyring([{ id: "test", key }]),
      oneOwnerPerAccount: oneOwnerPerAccount as never,
      [allowInsecureLoopback]: true,
    });
  expect((await faultOf(work())).message).toMatch(message);
});
