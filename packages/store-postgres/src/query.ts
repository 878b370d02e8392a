import type { PostgresClient, PostgresPool, PostgresResult } from "./options.ts";
import type { Statement } from "./statements.ts";

/**
 * Runs one statement on a connection of the pool, and gives up at `deadline`, of `performance.now()`. The wait for a connection
 * counts: a pool of the application's may know no end of it. What was given up by then is not carried out later.
 */
export async function queryBefore(
  deadline: number,
  pool: PostgresPool,
  statement: Statement,
  values: unknown[],
): Promise<PostgresResult> {
  const client = await connectedBefore(deadline, pool);
  let isBroken = true;
  // Of a connection that is lost the statement tells. Without a listener it would end the process.
  client.on("error", ignore);
  try {
    const result = await client.query({ ...statement, values, query_timeout: left(deadline) });
    isBroken = false;
    return result;
  } finally {
    client.off("error", ignore);
    client.release(isBroken);
  }
}

/** A connection that comes too late goes back to the pool. */
function connectedBefore(deadline: number, pool: PostgresPool): Promise<PostgresClient> {
  return new Promise((resolve, reject) => {
    let isOver = false;
    const late = setTimeout(() => {
      isOver = true;
      // In the words of the pool's own option for it.
      reject(new Error("timeout exceeded when trying to connect"));
    }, left(deadline));
    pool.connect().then(
      (client) => {
        clearTimeout(late);
        if (isOver) client.release();
        else resolve(client);
      },
      (error: unknown) => {
        clearTimeout(late);
        reject(error);
      },
    );
  });
}

/** Milliseconds, 1 or more: to `pg`, 0 is no limit. */
function left(deadline: number): number {
  return Math.max(1, Math.ceil(deadline - performance.now()));
}

function ignore(): void {}
