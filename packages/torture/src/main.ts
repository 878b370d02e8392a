import { parseArgs } from "node:util";
import { startHand } from "./hands.ts";
import { chosen, number, readOptions } from "./options.ts";
import { table } from "./report.ts";
import { absence } from "./stores.ts";
import { storm } from "./storm.ts";
import { torture } from "./torture.ts";

// pnpm torture --processes 8 --expiries 1000 --server strict --store postgres --seed 7
// pnpm torture storm --processes 8 --callers 250 --cycles 50 --store redis
// The ends of processes that were begun are seen to when this one exits.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
const [first, ...rest] = process.argv.slice(2);
process.exitCode = (await (first === "storm" ? runStorm(rest) : runTorture(process.argv.slice(2)))) ? 0 : 1;

async function runTorture(args: readonly string[]): Promise<boolean> {
  const { json, ...options } = readOptions(args);
  await need(options.store);
  let told = 0;
  if (!json) console.log(`seed ${options.seed}`);
  const report = await torture(options, (expiries) => {
    if (json || expiries - told < 50) return;
    told = expiries;
    console.log(`${expiries} of ${options.expiries} expiries`);
  });
  console.log(json ? JSON.stringify(report, null, 2) : table(report));
  return report.failures.length === 0;
}

/** Nothing goes wrong here; every caller of every process meets every expiry at once (G02). */
async function runStorm(args: readonly string[]): Promise<boolean> {
  const text = { type: "string" } as const;
  const options = { store: text, processes: text, callers: text, cycles: text, delay: text };
  const { values } = parseArgs({ args: [...args], options });
  const store = chosen("store", values.store ?? "sqlite");
  const processes = number("processes", values.processes ?? 8);
  const callers = number("callers", values.callers ?? 250);
  const cycles = number("cycles", values.cycles ?? 50);
  await need(store);
  const hands = Array.from({ length: processes }, startHand);
  try {
    const report = await storm({ store, hands, callers, cycles, delay: number("delay", values.delay ?? 300) });
    console.log(JSON.stringify({ store, processes, callers, ...report, tokensPerCycle: undefined }, null, 2));
    const { requests, reuses, failed, tokensPerCycle } = report;
    return requests === cycles && reuses === 0 && failed === 0 && tokensPerCycle.every((tokens) => tokens === 1);
  } finally {
    await Promise.all(hands.map((hand) => hand.kill()));
  }
}

async function need(store: Parameters<typeof absence>[0]): Promise<void> {
  const missing = await absence(store);
  if (missing !== undefined) throw new Error(`This cannot run: ${missing}.`);
}
