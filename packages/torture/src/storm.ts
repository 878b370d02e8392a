import type { Hand } from "./hands.ts";
import type { StoreKind } from "./options.ts";
import { anExpiry, createWorld } from "./world.ts";

/** Every caller of every process meets an expired token at the same time, again and again (G02). */
export interface StormOptions {
  readonly store: StoreKind;
  readonly hands: readonly Hand[];
  /** In each process. */
  readonly callers: number;
  readonly cycles: number;
  /** How long the server takes: real milliseconds. */
  readonly delay: number;
}

export interface StormReport {
  readonly cycles: number;
  readonly requests: number;
  readonly reuses: number;
  readonly served: number;
  readonly failed: number;
  /** Different tokens that were handed out in each cycle. */
  readonly tokensPerCycle: readonly number[];
}

export async function storm({ store, hands, callers, cycles, delay }: StormOptions): Promise<StormReport> {
  await using world = await createWorld({ store, hands });
  world.server.faults.always("delay", { ms: delay });
  const connection = await world.link();
  const tokensPerCycle: number[] = [];
  let served = 0;
  let failed = 0;
  for (let cycle = 0; cycle < cycles; cycle++) {
    await world.advance(anExpiry);
    const answers = await Promise.all(hands.map((hand) => hand.do<"ask">({ do: "ask", of: connection, callers })));
    tokensPerCycle.push(new Set(answers.flatMap(({ asked }) => asked.tokens)).size);
    for (const { asked } of answers) {
      served += asked.served;
      for (const count of Object.values(asked.failed)) failed += count;
    }
  }
  return {
    cycles,
    requests: world.requests(),
    reuses: world.server.counters.reuses,
    served,
    failed,
    tokensPerCycle,
  };
}
