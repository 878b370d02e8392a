import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { simulateAuthorizationServer, virtualClock } from "@linkwright/testing";
import { describe, expect, test } from "vitest";
import { openStore, prepareStore, type StoreAddress } from "../src/stores.ts";
import { application, session } from "./authorization-application.ts";
import { available } from "./services.ts";

type Outcome =
  | { readonly id: string; readonly fault?: undefined }
  | { readonly fault: unknown; readonly id?: undefined };

/** A process that finishes authorizations. */
async function machine(address: StoreAddress, origin: string) {
  const program = fileURLToPath(new URL("./authorization-process.ts", import.meta.url));
  const execArgv = ["--disable-warning=ExperimentalWarning", "--conditions=@linkwright/source"];
  const child = fork(program, [JSON.stringify({ address, origin })], { execArgv });
  await once(child, "message");
  return {
    async complete(callback: string): Promise<Outcome> {
      const answer = once(child, "message");
      child.send(callback);
      return (await answer)[0] as Outcome;
    },
    async [Symbol.asyncDispose]() {
      const closed = once(child, "exit");
      child.disconnect();
      await closed;
    },
  };
}

describe.each(["sqlite", "postgres"] as const)("real processes on %s", async (kind) => {
  const here = await available(kind);

  async function cluster() {
    const prepared = await prepareStore(kind, 5000);
    const clock = virtualClock({ running: true });
    const server = await simulateAuthorizationServer({ clock });
    const connector = application(openStore(prepared.address, clock), server.origin);
    const machines = await Promise.all([
      machine(prepared.address, server.origin),
      machine(prepared.address, server.origin),
    ]);
    return {
      server,
      connector,
      machines,
      async [Symbol.asyncDispose]() {
        await Promise.all(machines.map((one) => one[Symbol.asyncDispose]()));
        await connector.close();
        await server.close();
        await prepared.discard();
      },
    };
  }
  const begin = (it: Awaited<ReturnType<typeof cluster>>) =>
    it.connector.providers.bank.connect({ owner: "user_1", session });

  test.runIf(here)("G60 flows begun here finish elsewhere, in reverse", { timeout: 60_000 }, async () => {
    await using it = await cluster();
    const callbacks: string[] = [];
    for (let count = 0; count < 5; count++) callbacks.push(await it.server.consent((await begin(it)).url));
    const ids = new Set<string>();
    for (const [index, callback] of [...callbacks.entries()].reverse()) {
      const outcome = await it.machines[index % 2]?.complete(callback);
      ids.add(outcome?.id ?? expect.unreachable(JSON.stringify(outcome)));
    }
    expect(ids.size).toBe(5);
    for (const id of ids) {
      const connection = await it.connector.connection(id, { owner: "user_1" });
      expect((await connection.fetch("/api/me")).status).toBe(200);
    }
  });

  test.runIf(here)(
    "G61 G62 of two identical callbacks at once on two machines, one connects",
    { timeout: 60_000 },
    async () => {
      await using it = await cluster();
      const rounds = 10;
      for (let round = 0; round < rounds; round++) {
        const callback = await it.server.consent((await begin(it)).url);
        const outcomes = await Promise.all(it.machines.map((one) => one.complete(callback)));
        expect(outcomes.filter(({ id }) => id !== undefined)).toHaveLength(1);
        expect(outcomes.find(({ fault }) => fault)?.fault).toEqual({ kind: "flow", reason: "used" });
      }
      expect(it.server.journal.count({ path: "/token" })).toBe(rounds);
      expect(it.server.counters.codeReuses).toBe(0);
    },
  );

  test.runIf(here)("G67 of two owners at once on two machines, one gets the account", { timeout: 60_000 }, async () => {
    await using it = await cluster();
    for (let round = 0; round < 5; round++) {
      const callbacks = await Promise.all(
        ["user_1", "user_2"].map(async (owner) => {
          const scope = [`account-${round}`];
          const flow = await it.connector.providers.strict.connect({ owner, session, scope });
          return it.server.consent(flow.url);
        }),
      );
      const outcomes = await Promise.all(it.machines.map((one, index) => one.complete(callbacks[index] ?? "")));
      expect(outcomes.filter(({ id }) => id !== undefined)).toHaveLength(1);
      expect(outcomes.find(({ fault }) => fault)?.fault).toEqual({ kind: "flow", reason: "account" });
    }
  });
});
