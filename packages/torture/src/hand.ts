import { type EventName, isConnectorError, type Store } from "@linkwright/core";
import { skewed, type VirtualClock, virtualClock } from "@linkwright/testing";
import { application, owner, type TortureApplication } from "./bank.ts";
import type { Answer, Asked, Numbered, Order, Reply } from "./hand-messages.ts";
import { openStore } from "./stores.ts";

/** One process of the application that does as it is told, on a clock that tests move in step with everybody else's. */

let clock: VirtualClock | undefined;
let connector: TortureApplication | undefined;
let events: Partial<Record<EventName, number>> = {};
let keeping: (() => void) | undefined;
/** Calls to the store that are under way: time does not leap while there are any. */
let storing = 0;

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

process.on("message", ({ number, body }: Numbered<Order>) => {
  obey(body).then(
    (answer) => process.send?.({ number, body: answer } satisfies Reply),
    (error: unknown) => process.send?.({ number, error: error instanceof Error ? String(error.stack) : String(error) }),
  );
});
process.on("disconnect", () => process.exit(0));

async function obey(order: Order): Promise<Answer> {
  switch (order.do) {
    case "begin":
      await begin(order);
      return { to: "order" };
    case "advance":
      await clock?.advance(order.ms);
      return { to: "order" };
    case "ask": {
      const connection = await present().connection(order.of, { owner });
      return { to: "ask", asked: await ask(order.callers, () => connection.accessToken()) };
    }
    case "ask the application": {
      const app = present().providers.bank.app();
      return { to: "ask", asked: await ask(order.callers, () => app.accessToken()) };
    }
    case "maintain":
      return { to: "maintain", outcomes: (await present().maintain({ rate: order.rate })).outcomes };
    case "disconnect": {
      const connection = await present().connection(order.connection, { owner });
      return { to: "disconnect", disconnected: (await connection.disconnect()).disconnected };
    }
    case "keep the answer":
      await new Promise<void>((resolve) => {
        keeping = resolve;
      });
      return { to: "order" };
    case "events":
      return { to: "events", events };
    case "end":
      await connector?.close();
      connector = undefined;
      return { to: "order" };
  }
}

async function begin({ bank, store, now, skew }: Extract<Order, { do: "begin" }>): Promise<void> {
  await connector?.close();
  events = {};
  keeping = undefined;
  clock = virtualClock({ running: true, start: now, settle: stored });
  const own = skewed(clock, skew);
  connector = application({ bank, store: counted(openStore(store, own)), clock: own, fetch: fetchOrKeep });
  for (const name of ["connection.renewed", "connection.in_doubt", "connection.reauthorization_required"] as const)
    connector.on(name, () => {
      events[name] = (events[name] ?? 0) + 1;
    });
}

async function fetchOrKeep(input: string, init: RequestInit): Promise<Response> {
  const response = await fetch(input, init);
  if (!keeping || !input.endsWith("/token")) return response;
  // All of it is here, and the application will never know.
  await response.arrayBuffer();
  keeping();
  return new Promise<never>(() => {});
}

async function ask(callers: number, call: () => Promise<string>): Promise<Asked> {
  const failed: Record<string, number> = {};
  const tokens = new Set<string>();
  let served = 0;
  const one = async () => {
    try {
      tokens.add(await call());
      served++;
    } catch (error) {
      const kind = isConnectorError(error) ? error.fault.kind : "other";
      failed[kind] = (failed[kind] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: callers }, one));
  return { tokens: [...tokens], served, failed };
}

async function stored(): Promise<void> {
  do await turn();
  while (storing > 0);
}

type SharedStore = Store & { readonly reach: "host" | "cluster" };

function counted(store: SharedStore): SharedStore {
  const watched =
    <Arguments extends unknown[], Result>(call: (...args: Arguments) => Promise<Result>) =>
    async (...args: Arguments): Promise<Result> => {
      storing++;
      try {
        return await call(...args);
      } finally {
        storing--;
      }
    };
  const { watch } = store;
  return {
    reach: store.reach,
    read: watched((key) => store.read(key)),
    write: watched((key, value, options) => store.write(key, value, options)),
    remove: watched((key, options) => store.remove(key, options)),
    list: watched((query) => store.list(query)),
    due: watched((before, query) => store.due(before, query)),
    ...(watch && { watch: (key: string, listener: () => void) => watch.call(store, key, listener) }),
    close: () => store.close(),
  };
}

function present(): TortureApplication {
  if (!connector) throw new Error("No application was begun here.");
  return connector;
}
