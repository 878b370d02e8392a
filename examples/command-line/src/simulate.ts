import { rm, writeFile } from "node:fs/promises";
import { simulateFiskl } from "@linkwright/testing";
import { type Environment, makeDirectory, redirectUriOf, simulatedClient, simulatorFile } from "./settings.ts";

/** Fiskl on this machine, until the signal: the other commands find it by a file in the directory. */
export async function simulateUntil(signal: AbortSignal, directory: string, environment: Environment): Promise<void> {
  await makeDirectory(directory);
  const clients = [{ clientId: simulatedClient, redirectUris: [redirectUriOf(environment)] }];
  await using simulator = await simulateFiskl({ clients });
  const file = simulatorFile(directory);
  await writeFile(file, JSON.stringify({ api: simulator.origin, issuer: simulator.webAppOrigin }));
  console.log(`Fiskl is simulated at ${simulator.origin}. Ctrl+C ends it.`);
  await new Promise((resolve) => (signal.aborted ? resolve(undefined) : signal.addEventListener("abort", resolve)));
  await rm(file, { force: true });
}
