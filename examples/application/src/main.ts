import { isConnectorError } from "@linkwright/core";
import { runApplication } from "./running.ts";
import { listen } from "./server.ts";

/** The application with the providers that the environment names: see `.env.example`. */
const listener = await listen({ port: Number(process.env.PORT || 3000), hostname: process.env.HOST });
try {
  const application = await runApplication(process.env, listener, { maintainEvery: 60_000 });
  console.log(`The application is at ${application.origin}`);
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void application.close());
} catch (error) {
  await listener.close();
  if (!isConnectorError(error)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
