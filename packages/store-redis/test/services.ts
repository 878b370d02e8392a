import { randomUUID } from "node:crypto";
import { createClient } from "redis";
import { afterFile } from "../../testing/test/support/endings.ts";

export const address = process.env.REDIS_URL ?? "redis://127.0.0.1:6379";

/** Whether there is a server to test on. Where there is none the suites are skipped, but not in CI, which must have one. */
export const hasRedis = await answers().then(
  () => true,
  (error: unknown) => {
    const { host } = new URL(address);
    if (process.env.CI) throw new Error(`CI needs Redis at ${host}, or REDIS_URL.`, { cause: error });
    console.log(`SKIPPED: the tests on Redis, as there is none at ${host}. Start one, or set REDIS_URL.`);
    return false;
  },
);

/** A prefix of this run's own; its keys are removed after the tests of the file. */
export function ownPrefix(): string {
  const prefix = `linkwright-test-${randomUUID()}`;
  afterFile(async () => {
    await using(address, async (client) => {
      for await (const keys of client.scanIterator({ MATCH: `{${prefix}}*`, COUNT: 1000 })) {
        if (keys.length > 0) await client.unlink(keys);
      }
    });
  });
  return prefix;
}

/** A client for the length of `work`. */
export async function using<Answer>(
  url: string,
  work: (client: ReturnType<typeof plainClient>) => Promise<Answer>,
): Promise<Answer> {
  const client = plainClient(url);
  client.on("error", () => {});
  await client.connect();
  try {
    return await work(client);
  } finally {
    client.destroy();
  }
}

function plainClient(url: string) {
  return createClient({ url, socket: { reconnectStrategy: false, connectTimeout: 5000 } });
}

function answers(): Promise<unknown> {
  return using(address, (client) => client.ping());
}
