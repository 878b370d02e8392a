import { adapters } from "./adapters.ts";
import { check, seen } from "./checks.ts";
import { life } from "./life.ts";
import { enter, type Setting } from "./neighbour.ts";

/**
 * Everything that is looked at in a runtime.
 *
 * @param packages - Every package that is meant for all runtimes, as it was imported there.
 * @returns What was looked at, in order.
 */
export async function conform(
  setting: Setting,
  packages: Readonly<Record<string, object>>,
): Promise<readonly string[]> {
  for (const [name, whole] of Object.entries(packages))
    check(`${name} is imported`, Object.keys(whole).length > 0, true);
  await life(await enter(setting));
  await adapters(await enter(setting));
  return seen;
}
