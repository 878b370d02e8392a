import { compareAndSet } from "./compare-and-set.ts";
import { concurrency } from "./concurrency.ts";
import { due } from "./due.ts";
import { expiry } from "./expiry.ts";
import { failure } from "./failure.ts";
import { type ContractCase, contractCase, type StoreHarness } from "./harness.ts";
import { keys } from "./keys.ts";
import { listing } from "./listing.ts";
import { processes } from "./processes.ts";
import { removal } from "./removal.ts";
import { values } from "./values.ts";
import { watching } from "./watching.ts";

export type { ContractCase, ProcessHarness, StoreHarness } from "./harness.ts";

/**
 * What every store promises, as cases for any test runner. A case that fails names the guarantee that the store breaks,
 * and what its author should do about it.
 *
 * @param harness - Opens the store; the more it can do, the more is shown: `broken` shows that failure is not absence,
 * `clock` that nothing expires early, `process` that the compare-and-set holds among processes.
 * @returns The cases, to be run one after the other.
 * @example
 * ```ts
 * for (const { name, run } of storeContract({ reach: "host", open: () => sqliteStore(path) })) test(name, run);
 * ```
 */
export function storeContract(harness: StoreHarness): ContractCase[] {
  const promised = [
    ...failure(harness),
    ...compareAndSet,
    ...removal,
    ...concurrency,
    ...processes(harness),
    ...keys,
    ...values,
    ...listing,
    ...due,
    ...expiry(harness),
    ...watching,
  ];
  return promised.map((each) => contractCase(harness, each));
}
