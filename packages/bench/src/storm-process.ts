import { application, keys, owner, skippingClock } from "./application.ts";
import { type Lease, lease } from "./lease.ts";
import { answer } from "./processes.ts";
import { openStore, type Place } from "./stores.ts";

/** One of the processes of a storm. */

export type StormMessage =
  | { readonly do: "open"; readonly contestant: "linkwright" | "floor"; readonly place: Place; readonly origin: string }
  /** Whatever is in memory has expired. */
  | { readonly do: "expire" }
  | { readonly do: "storm"; readonly callers: number; readonly at: number }
  | { readonly do: "close" };

/** What a storm was for one process. */
export interface Weather {
  /** When its last caller had an answer: epoch milliseconds, with fractions. */
  readonly endedAt: number;
  readonly failed: number;
  readonly tokens: readonly string[];
}

const connectionId = "connection-1";

interface Contestant {
  accessToken(): Promise<string>;
  expire(): void;
  close(): Promise<void>;
}

let contestant: Contestant | undefined;
const now = () => performance.timeOrigin + performance.now();

async function linkwright(place: Place, origin: string): Promise<Contestant> {
  const clock = skippingClock();
  const connector = application({ origin, store: await openStore(place), keys, clock });
  const connection = await connector.connection(connectionId, { owner });
  return {
    accessToken: () => connection.accessToken(),
    expire: () => clock.skip(7_200_000),
    close: () => connector.close(),
  };
}

async function floor(place: Place, origin: string): Promise<Contestant> {
  const own: Lease = await lease(place, origin);
  return { accessToken: own.accessToken, expire: own.forget, close: own.close };
}

answer<StormMessage>(async (message) => {
  switch (message.do) {
    case "open":
      contestant = await { linkwright, floor }[message.contestant](message.place, message.origin);
      return undefined;
    case "expire":
      return contestant?.expire();
    case "storm": {
      // All begin at one instant, whenever they were told.
      while (now() < message.at) await new Promise((resolve) => setImmediate(resolve));
      const callers = Array.from({ length: message.callers }, () => contestant?.accessToken());
      const settled = await Promise.allSettled(callers);
      const endedAt = now();
      const tokens = settled.map((one) => (one.status === "fulfilled" ? (one.value ?? "") : ""));
      const weather: Weather = {
        endedAt,
        failed: settled.filter(({ status }) => status === "rejected").length,
        tokens: [...new Set(tokens)],
      };
      return weather;
    }
    case "close":
      return await contestant?.close();
  }
});
