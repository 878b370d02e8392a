import { styleText } from "node:util";
import { isConnectorError } from "@linkwright/core";
import { BrokenPromise } from "./checks.ts";
import { owner, startJourney } from "./journey.ts";
import { closingTable } from "./report.ts";
import { steps } from "./walk.ts";
import { openWorld, type World } from "./world.ts";

export interface DemonstrationOptions {
  readonly print?: (line: string) => void;
  /** Changes the world before the walk: a test breaks it, to see that a broken promise is noticed. */
  readonly prepare?: (world: World) => void;
}

/**
 * Walks through the whole life of the connections and tells each step as it happens.
 *
 * @returns The process's exit code: 0 where every promise was kept.
 */
export async function demonstrate({ print = console.log, prepare }: DemonstrationOptions = {}): Promise<number> {
  const began = performance.now();
  await using world = await openWorld();
  prepare?.(world);
  const { fiskil, fiskl, flinks } = world.simulators;
  print(styleText("bold", "Linkwright: five registrations at three simulated providers, through a month"));
  print(`  application ${world.application.origin}`);
  print(`  simulators  Fiskil ${fiskil.origin}, Fiskl ${fiskl.origin}, Flinks ${flinks.origin}`);
  print("");

  await world.visitor.signIn(owner);
  const journey = startJourney(world);
  for (const { title, walk } of steps) {
    try {
      const told = await walk(journey);
      print(`${styleText("green", "✓")} ${title}`);
      for (const line of told) print(styleText("dim", `    ${line}`));
    } catch (error) {
      print(`${styleText("red", "✗")} ${title}`);
      print(`    ${said(error)}`);
      return 1;
    }
  }
  print("");
  print(closingTable(journey));
  print("");
  print(`Every promise was kept, in ${((performance.now() - began) / 1000).toFixed(1)} s.`);
  return 0;
}

/** A broken promise in a line; of anything unforeseen, where it came from too. */
function said(error: unknown): string {
  if (error instanceof BrokenPromise) return error.message;
  if (isConnectorError(error)) return `${error.fault.kind}: ${error.message}`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
