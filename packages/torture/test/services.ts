import type { StoreKind } from "../src/options.ts";
import { absence } from "../src/stores.ts";

/** Whether tests on this store can run. Where they cannot they are skipped, and say so; in CI that is a failure. */
export async function available(store: StoreKind): Promise<boolean> {
  const missing = await absence(store);
  if (missing === undefined) return true;
  if (process.env.CI) throw new Error(`CI needs every store: ${missing}.`);
  console.log(`SKIPPED: the processes on ${store}, as ${missing}.`);
  return false;
}
