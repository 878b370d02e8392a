import type { RefreshTokenDefinition } from "@linkwright/core";
import {
  type AuthorizationServerOptions,
  type AuthorizationServerSimulator,
  simulateAuthorizationServer,
  type VirtualClock,
  virtualClock,
} from "@linkwright/testing";
import { application, type BankAddress, owner, session, type TortureApplication } from "./bank.ts";
import type { Hand } from "./hands.ts";
import type { StoreKind } from "./options.ts";
import { openStore, prepareStore, type StoreAddress } from "./stores.ts";

/** A server, a store, and processes on them, all of one time: what tests of several processes stand on. */
export interface World extends AsyncDisposable {
  readonly server: AuthorizationServerSimulator;
  readonly clock: VirtualClock;
  readonly store: StoreAddress;
  readonly hands: readonly Hand[];
  /** An application of the test's own, in this process, on the same store. */
  readonly application: TortureApplication;
  /** Lets another process in. */
  join(hand: Hand, skew?: number): Promise<void>;
  /** A connection by the whole way through the server's consent page: its id. */
  link(): Promise<string>;
  /** Moves the time of the server, and of every process that is given, in steps of at most `step` milliseconds. */
  advance(ms: number, options?: { readonly step?: number; readonly hands?: readonly Hand[] }): Promise<void>;
  /** Moves time, a quarter of a second at a time, until `work` is done. */
  passing<T>(work: Promise<T>, hands?: readonly Hand[]): Promise<T>;
  /** Token requests of that kind so far. */
  requests(grantType?: string): number;
}

export interface WorldOptions {
  readonly store: StoreKind;
  readonly hands: readonly Hand[];
  readonly server?: AuthorizationServerOptions;
  readonly refresh?: RefreshTokenDefinition;
  /** Of each process's wall clock, in milliseconds; right where left out. */
  readonly skews?: readonly number[];
}

/** Every expiry of an access token is one step of this length: a lifetime and a second. */
export const anExpiry = 301_000;

export async function createWorld({ store: kind, hands, skews = [], ...rest }: WorldOptions): Promise<World> {
  const clock = virtualClock({ running: true });
  const server = await simulateAuthorizationServer({ clock, accessTokenLifetime: 300, ...rest.server });
  const bank: BankAddress = { origin: server.origin, refresh: rest.refresh ?? { rotation: "rotating" } };
  const store = await prepareStore(kind, 10_000);
  const own = application({ bank, store: openStore(store.address, clock), clock });
  const joined: Hand[] = [];
  const join = async (hand: Hand, skew = 0) => {
    await hand.do<"begin">({ do: "begin", bank, store: store.address, now: clock.now(), skew });
    joined.push(hand);
  };
  await Promise.all(hands.map((hand, index) => join(hand, skews[index])));
  const world: World = {
    server,
    clock,
    store: store.address,
    hands,
    application: own,
    join,
    async link() {
      const flow = await own.providers.bank.connect({ owner, session });
      return (await own.complete(await server.consent(flow.url), { session })).id;
    },
    async advance(ms, { step = ms, hands: meant = joined } = {}) {
      for (let left = ms; left > 0; left -= step) {
        const span = Math.min(step, left);
        await Promise.all([
          clock.advance(span),
          ...meant.map((hand) => hand.do<"advance">({ do: "advance", ms: span })),
        ]);
      }
    },
    async passing(work, meant = joined) {
      let over = false;
      const end = () => {
        over = true;
      };
      work.then(end, end);
      while (!over) {
        await world.advance(250, { hands: meant });
        // A little real time a step, since the network takes some.
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      return work;
    },
    requests: (grantType = "refresh_token") => server.journal.count({ path: "/token", grantType }),
    async [Symbol.asyncDispose]() {
      server.faults.clear();
      // One that was killed by its test cannot end anything any more.
      await Promise.all(joined.map((hand) => hand.do<"end">({ do: "end" }).catch(() => {})));
      await own.close();
      await server.close();
      await store.discard();
    },
  };
  return world;
}
