import { type AnyProvider, isConnectorError } from "@linkwright/core";
import type { World } from "./world.ts";

/**
 * The error that a hook's `context.call` throws, for a connection. A hook of the suite's own calls, in place of the adapter's
 * `disconnect`; all else is the adapter.
 */
export async function calling(world: World, path: string): Promise<unknown> {
  let thrown: unknown;
  const provider: AnyProvider = {
    ...world.provider,
    async disconnect(context) {
      await context.call(path).catch((error: unknown) => {
        thrown = error;
      });
      return [];
    },
  };
  const connection = await world.connectBy(world.connectorWith(provider));
  await connection.disconnect();
  return isConnectorError(thrown) || thrown === undefined ? thrown : Promise.reject(thrown);
}
