import type { JournalEntry, Simulator } from "@linkwright/testing";
import type { Crew } from "./crew.ts";
import { type Front, numberHeader } from "./front.ts";
import type { TortureOptions } from "./options.ts";
import type { Random } from "./random.ts";
import type { StoreUnderTest } from "./stores.ts";

/** A while during which the store could not be reached or written to: epoch milliseconds. */
export interface Outage {
  readonly from: number;
  to: number;
}

/** Everything that goes wrong, at random but seeded: with processes, with the store, with the server. */
export interface Mayhem {
  readonly outages: readonly Outage[];
  /** Draws what happens around the expiry that was just met. */
  expiry(): void;
  /** No more of it; what is broken is mended. */
  calm(): void;
}

export interface MayhemParts {
  readonly options: TortureOptions;
  readonly random: Random;
  readonly crew: Crew;
  readonly front: Front;
  readonly store: StoreUnderTest;
  readonly server: Simulator & { revokeAccessTokens(): void };
}

/** Does its worst to the process that is given; any process where it does not care. */
type Deed = (worker: string | undefined) => void;

export function createMayhem({ options, random, crew, front, store, server }: MayhemParts): Mayhem {
  const outages: Outage[] = [];
  const timers = new Set<NodeJS.Timeout>();
  /** Deeds that wait for a token request to be under way, or to be answered. */
  const waiting: { readonly for: "presentation" | "answer"; readonly deed: Deed }[] = [];
  const lifetime = options.lifetime * 1000;
  const unit = 1000 / options.scale;
  let calm = false;

  const later = (ms: number, work: () => void) => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      if (!calm) work();
    }, ms);
    timers.add(timer);
  };

  /** A third at any time; the rest aimed at the moments that hurt: around the request, and between the answer and its save. */
  function plan(deed: Deed): void {
    const roll = random.next();
    if (roll < 1 / 3) later(random.between(0, lifetime), () => deed(undefined));
    else waiting.push({ for: roll < 2 / 3 ? "presentation" : "answer", deed });
  }

  front.onPresentation(({ worker }, over) => {
    const strike = (when: "presentation" | "answer") => {
      const index = waiting.findIndex((one) => one.for === when);
      if (index < 0 || calm) return;
      const [planned] = waiting.splice(index, 1);
      // From at once to about when what follows is done.
      const delay = random.chance(0.5) ? 0 : random.between(0, 25);
      if (delay === 0) planned?.deed(worker);
      else later(delay, () => planned?.deed(worker));
    };
    strike("presentation");
    void over.then(() => strike("answer"));
  });

  const anyone = () => random.pick(crew.running);

  function kill(worker = anyone()): void {
    if (worker !== undefined) crew.kill(worker, random.between(0, lifetime / 2));
  }

  function freeze(worker = anyone()): void {
    if (worker !== undefined) crew.freeze(worker, random.between(0.05, 1) * options.freezeLength * unit);
  }

  function breakStore(): void {
    if (outages.some(({ to }) => to > Date.now())) return;
    const length = random.between(0.1, 1) * options.outageLength * unit;
    const outage = { from: Date.now(), to: Number.POSITIVE_INFINITY };
    outages.push(outage);
    store.fail(random.next());
    later(length, () => {
      store.heal();
      outage.to = Date.now();
    });
  }

  armFaults(server, front, options, random, () => calm);

  return {
    outages,
    expiry() {
      if (calm) return;
      if (random.chance(options.kills)) plan(kill);
      if (random.chance(options.freezes)) plan(freeze);
      if (random.chance(options.outages)) plan(breakStore);
      if (random.chance(options.revocations)) later(random.between(0, lifetime), () => server.revokeAccessTokens());
      if (random.chance(options.storms)) crew.tell({ say: "hush", until: Date.now() + 1.2 * lifetime });
    },
    calm() {
      calm = true;
      for (const timer of timers) clearTimeout(timer);
      store.heal();
      for (const outage of outages) if (outage.to > Date.now()) outage.to = Date.now();
    },
  };
}

/** Arms the server's faults, by name, so that one at most acts on a request. */
function armFaults(
  server: Simulator,
  front: Front,
  options: TortureOptions,
  random: Random,
  isCalm: () => boolean,
): void {
  const claimLength = 6000 / options.scale;
  const { slow, lost, errors, stalls } = options;
  const shares: readonly (readonly [name: string, rate: number, arm: (match: Match) => void])[] = [
    ["slow, then handled", slow / 4, (match) => server.faults.always("delay", { ms: 0.5 * claimLength, match })],
    ["very slow, then handled", slow / 4, (match) => server.faults.always("delay", { ms: 2 * claimLength, match })],
    [
      "handled, then slow",
      slow / 4,
      (match) => server.faults.always("delay", { ms: claimLength, handled: true, match }),
    ],
    [
      "handled, then very slow",
      slow / 4,
      (match) => server.faults.always("delay", { ms: 2 * claimLength, handled: true, match }),
    ],
    ["lost-response", lost / 2, (match) => server.faults.always("lost-response", { match })],
    ["stall-body", lost / 2, (match) => server.faults.always("stall-body", { match })],
    ["500", errors / 2, (match) => server.faults.always("status", { status: 500, match })],
    ["503", errors / 2, (match) => server.faults.always("status", { status: 503, match })],
    ["stall-headers", stalls, (match) => server.faults.always("stall-headers", { match })],
  ];
  // Every fault asks of the same request; the lot is drawn at the first question.
  const drawn = new WeakMap<JournalEntry, string>();

  function draw(entry: JournalEntry): string {
    if (isCalm()) return "none";
    let roll = random.next();
    for (const [name, rate] of shares) {
      if (roll < rate) {
        front.noteFault(Number(entry.headers[numberHeader]), name);
        return name;
      }
      roll -= rate;
    }
    return "none";
  }

  for (const [name, , arm] of shares)
    arm((entry) => {
      if (entry.path !== "/token" || entry.grantType !== "refresh_token") return false;
      const lot = drawn.get(entry) ?? draw(entry);
      drawn.set(entry, lot);
      return lot === name;
    });
}

type Match = (entry: JournalEntry) => boolean;

/** Faults under which the server does its work and its answer does not get out. */
export const losingFaults: ReadonlySet<string> = new Set(["lost-response", "stall-body"]);
/** Faults under which the server does nothing. */
export const idleFaults: ReadonlySet<string> = new Set(["500", "503", "stall-headers"]);
