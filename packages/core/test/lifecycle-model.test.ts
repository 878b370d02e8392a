import { expect, test } from "vitest";
import { type Budget, beginning, type ServerKind, steps, type World } from "./support/model.ts";
import { nameOf } from "./support/model-names.ts";

/** Every interleaving of a small world, against the invariants of the renewal protocol. */

interface Explored {
  readonly worlds: number;
  readonly broken: { readonly promise: string; readonly path: readonly World[] }[];
}

function explore(kind: ServerKind, budget: Budget): Explored {
  const seen = new Set<string>();
  const stack: { world: World; path: Trail | undefined }[] = [{ world: beginning(budget), path: undefined }];
  const broken: Explored["broken"] = [];
  while (stack.length > 0 && broken.length < 3) {
    const { world, path } = stack.pop() as { world: World; path: Trail | undefined };
    const name = nameOf(world);
    if (seen.has(name)) continue;
    seen.add(name);
    const trail = { world, before: path };
    const promise = world.broken ?? judge(world, kind);
    if (promise) broken.push({ promise, path: worldsOf(trail) });
    for (const next of steps(world, kind)) stack.push({ world: next, path: trail });
  }
  return { worlds: seen.size, broken };
}

interface Trail {
  readonly world: World;
  readonly before: Trail | undefined;
}

function worldsOf(trail: Trail): World[] {
  const worlds: World[] = [];
  for (let at: Trail | undefined = trail; at; at = at.before) worlds.unshift(at.world);
  return worlds;
}

/** The invariants, on one world. */
function judge(world: World, kind: ServerKind): string | undefined {
  const { row, grant, server, lost, frozen, holders } = world;
  const excused = lost > 0 || frozen > 0;
  if (row.state === "reauthorize") {
    if (kind === "fixed") return "the user was asked although the token is fixed";
    if (kind === "grace") return "the user was asked although the server forgives";
    if (!excused) return "the user was asked although no answer was lost";
    if (!server.dead) return "the user was asked although the newest token is good";
  }
  if (kind === "grace" && server.dead) return "the family died although the server forgives";
  if (kind !== "fixed" && server.dead && !excused)
    return "the family died although no answer was lost and nobody froze";
  // Nobody is on the way any more: what was received is in the row.
  const still = holders.every(({ place }) => place.at === "idle" || place.at === "done");
  if (still && kind !== "fixed" && !excused && grant.refreshToken !== server.newest && grant.spare !== server.newest)
    return "a successor that was received is lost";
  // A server that forgives does so for a while alone: what the row presents next has to be the newest.
  if (still && kind === "grace" && lost === 0 && grant.refreshToken !== server.newest)
    return "the row stands with a spent token, and the newest is at best a spare";
  return undefined;
}

const small: Budget = { holders: 3, crashes: 2, outages: 1, losses: 0, pauses: 0, expiries: 0 };

/** Of everything that can go wrong, one. */
const mixed: Budget = { holders: 3, crashes: 1, outages: 1, losses: 1, pauses: 1, expiries: 1 };

const minutes = 60_000;

test.for<[ServerKind, Budget]>([
  ["fixed", small],
  ["grace", small],
  ["rotating", small],
  ["grace", mixed],
  ["rotating", mixed],
  ["fixed", { holders: 2, crashes: 1, outages: 1, losses: 2, pauses: 2, expiries: 1 }],
  ["grace", { holders: 2, crashes: 1, outages: 1, losses: 2, pauses: 2, expiries: 1 }],
  ["rotating", { holders: 2, crashes: 1, outages: 1, losses: 2, pauses: 2, expiries: 1 }],
])(
  "G02 G03 G05 G06 G18 G19 every interleaving with a %s server keeps the invariants: %o",
  { timeout: 5 * minutes },
  ([kind, budget]) => {
    const { worlds, broken } = explore(kind, budget);
    expect(broken.map(({ promise }) => promise)).toEqual([]);
    expect(worlds).toBeGreaterThan(1_000);
  },
);

test.for<ServerKind>(["fixed", "grace", "rotating"])(
  "%s: worlds of one name go on alike, so that one of them is enough",
  (kind) => {
    const known = new Map<string, string>();
    const unlike: string[] = [];
    const stack = [beginning({ holders: 2, crashes: 1, outages: 1, losses: 0, pauses: 1, expiries: 1 })];
    for (let world = stack.pop(); world; world = stack.pop()) {
      const name = nameOf(world);
      const next = steps(world, kind);
      const onward = next
        .map((after) => after.broken ?? judge(after, kind) ?? nameOf(after))
        .sort()
        .join();
      const before = known.get(name);
      if (before === undefined) stack.push(...next);
      else if (before !== onward) unlike.push(name);
      known.set(name, onward);
    }
    expect(unlike).toEqual([]);
    expect(known.size).toBeGreaterThan(1_000);
  },
);

test("the model sees what breaks: holders that count an outage of the store as another's silence", () => {
  const { broken } = explore("careless", { holders: 2, crashes: 0, outages: 1, losses: 0, pauses: 0, expiries: 0 });
  expect(broken.map(({ promise }) => promise)).toContain(
    "the family died although no answer was lost and nobody froze",
  );
});
