import { existsSync } from "node:fs";
import { isConnectorError } from "@linkwright/core";
import { serveBankSide } from "./bank-side.ts";
import { realPrefixes } from "./environment.ts";
import { openWorld } from "./world.ts";

/**
 * Leaves the application and the simulators up until the process is told to end. A provider for which the environment, or a
 * file `.env` here, has credentials is the real one.
 *
 * @returns The process's exit code.
 */
export async function serve(): Promise<number> {
  if (existsSync(".env")) process.loadEnvFile(".env");
  const real = realPrefixes(process.env);
  try {
    await using world = await openWorld({
      environment: process.env,
      port: Number(process.env.PORT || 0),
      maintainEvery: 10_000,
    });
    const { fiskil, fiskl, flinks } = world.simulators;
    const where = (prefix: string, origin: string) =>
      real.includes(prefix) ? "the real one" : `simulated at ${origin}`;
    console.log(`The application is at ${world.application.origin}\n`);
    console.log(`  Fiskil  ${where("FISKIL_", fiskil.origin)}`);
    console.log(`  Fiskl   ${where("FISKL_", `${fiskl.origin}, its sign-in at ${fiskl.webAppOrigin}`)}`);
    console.log(`  Flinks  ${where("FLINKS_", flinks.origin)}\n`);
    // Time is real where a provider is.
    const side = real.length > 0 ? undefined : await serveBankSide(world);
    if (side) console.log(`Let time pass, or the providers take something back, at ${side.origin}`);
    console.log("Open the application in a browser, sign in as anybody, and link an account. Ctrl+C ends it all.");
    await toldToEnd();
    await side?.close();
    return 0;
  } catch (error) {
    if (!isConnectorError(error)) throw error;
    console.error(error.message);
    return 1;
  }
}

function toldToEnd(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  });
}
