import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/**
 * A port of those that the system gives to nobody who does not name it: between this look and its use, and from a kill to a new
 * start, another could be given one of the rest.
 *
 * @param beside - Also free are those as far above it.
 */
export async function freePort(...beside: readonly number[]): Promise<number> {
  for (;;) {
    const port = randomInt(10_000, 22_000);
    const free = await Promise.all([0, ...beside].map((above) => isFree(port + above)));
    if (free.every(Boolean)) return port;
  }
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer().once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
