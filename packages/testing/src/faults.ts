import { type FaultName, type FaultSettings, faultKinds } from "./fault-kinds.ts";
import { type JournalEntry, type JournalFilter, matches } from "./journal.ts";
import type { Exchange } from "./simulator.ts";

/** Which requests a fault acts on, and how. Without `path` and `match` it is those to the token endpoint. */
export interface FaultScope extends JournalFilter {
  /** On how many requests `next` acts. Default 1. */
  readonly times?: number;
  /** Whether the server first handles the request as ever (spends the code, rotates the token) and its answer is then lost to the fault. */
  readonly handled?: boolean;
}

/** A fault that was armed. */
export interface ArmedFault {
  readonly name: FaultName;
  /** On how many requests it has acted. */
  readonly used: number;
  disarm(): void;
}

/** A fault that holds requests until it is told to let them go. */
export interface Latch extends ArmedFault {
  /** Resolves when the first request is held. */
  readonly arrived: Promise<JournalEntry>;
  /** Lets go of every request that is held, and of those that are yet to come. */
  release(): void;
}

type NamedFault = Exclude<FaultName, "latch">;
type Needs<N extends FaultName> =
  Record<never, never> extends FaultSettings[N]
    ? [options?: FaultSettings[N] & FaultScope]
    : [options: FaultSettings[N] & FaultScope];

/** Arms one kind of fault. */
export interface Arm {
  (name: "latch", options?: FaultSettings["latch"] & FaultScope): Latch;
  <N extends NamedFault>(name: N, ...options: Needs<N>): ArmedFault;
}

/**
 * What goes wrong, on demand. A request meets the first `next` fault that matches it, and within that every `always`
 * fault: `always("delay", { ms: 300 })` and `next("lost-response")` act together.
 *
 * ```ts
 * sim.faults.next("lost-response", { grantType: "refresh_token" });
 * sim.faults.next("status", { status: 503, times: 3 });
 * const latch = sim.faults.next("latch");
 * await latch.arrived;
 * latch.release();
 * ```
 */
export interface Faults {
  /** Acts on the next `times` requests that match. Several are worked off in the order they were armed. */
  readonly next: Arm;
  /** Acts on every request that matches, until it is disarmed. */
  readonly always: Arm;
  /** Disarms everything, and lets go of what latches hold. */
  clear(): void;
}

type Act = (exchange: Exchange, proceed: () => Promise<Response>) => Promise<Response>;

interface Armed {
  readonly name: FaultName;
  readonly filter: JournalFilter;
  readonly act: Act;
  remaining: number;
  used: number;
  release(): void;
}

export interface FaultDesk {
  readonly faults: Faults;
  /** Whether the request meets a server that takes nothing in: nobody ever learns of it. */
  unseen(entry: JournalEntry): boolean;
  /** `handle`, with the armed faults that match around it. */
  around(exchange: Exchange, handle: () => Promise<Response>): Promise<Response>;
}

/** @param isTokenRequest - What a fault acts on unless it names something else. */
export function createFaults(isTokenRequest: (entry: JournalEntry) => boolean): FaultDesk {
  const queue: Armed[] = [];
  const standing: Armed[] = [];

  function arm(list: Armed[], times: number, name: FaultName, options: FaultScope): ArmedFault | Latch {
    const { handled = false, path, match, method, grantType } = options;
    const filter: JournalFilter = {
      ...(method !== undefined && { method }),
      ...(grantType !== undefined && { grantType }),
      ...(path !== undefined && { path }),
      match: match ?? ((entry) => path !== undefined || isTokenRequest(entry)),
    };
    const held = Promise.withResolvers<JournalEntry>();
    const released = Promise.withResolvers<void>();
    const kind = faultKinds[name] as (
      exchange: Exchange,
      proceed: () => Promise<Response>,
      options: FaultScope,
    ) => Promise<Response>;

    const armed: Armed = {
      name,
      filter,
      remaining: times,
      used: 0,
      release: released.resolve,
      async act(exchange, proceed) {
        if (name === "latch") {
          const early = handled ? await proceed() : undefined;
          held.resolve(exchange.entry);
          await released.promise;
          return early ?? proceed();
        }
        if (!handled) return kind(exchange, proceed, options);
        const response = await proceed();
        return kind(exchange, async () => response, options);
      },
    };
    list.push(armed);

    const disarm = () => {
      const index = list.indexOf(armed);
      if (index >= 0) list.splice(index, 1);
    };
    const handle = {
      name,
      get used() {
        return armed.used;
      },
      disarm,
    };
    if (name !== "latch") return handle;
    return Object.defineProperties(handle, {
      arrived: { value: held.promise },
      release: {
        value: () => {
          disarm();
          released.resolve();
        },
      },
    });
  }

  const armer = (list: Armed[], always: boolean) =>
    ((name: FaultName, options: FaultScope = {}) =>
      arm(list, always ? Number.POSITIVE_INFINITY : (options.times ?? 1), name, options)) as Arm;

  const meeting = (entry: JournalEntry): Armed[] => {
    const first = queue.find((armed) => armed.remaining > 0 && matches(entry, armed.filter));
    return [...(first ? [first] : []), ...standing.filter((armed) => matches(entry, armed.filter))];
  };
  const use = (armed: Armed) => {
    armed.remaining -= 1;
    armed.used += 1;
  };

  return {
    faults: {
      next: armer(queue, false),
      always: armer(standing, true),
      clear() {
        for (const armed of [...queue.splice(0), ...standing.splice(0)]) armed.release();
      },
    },
    unseen(entry) {
      const acting = meeting(entry);
      if (!acting.some(({ name }) => name === "stall-connect")) return false;
      for (const armed of acting) use(armed);
      return true;
    },
    around(exchange, handle) {
      const acting = meeting(exchange.entry);
      for (const armed of acting) {
        use(armed);
        exchange.note(armed.name);
      }
      return acting.reduceRight<() => Promise<Response>>(
        (proceed, armed) => () => armed.act(exchange, proceed),
        handle,
      )();
    },
  };
}
