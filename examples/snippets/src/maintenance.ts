import type { Report } from "@linkwright/core";
import type { AppConnector } from "./connector.ts";

/** @returns Stops sweeping. */
export function startSweeping(connector: AppConnector): () => Promise<void> {
  // #region schedule
  const stop = connector.scheduleMaintenance({
    every: 60_000,
    onReport: ({ outcomes }) => console.log(`renewed ${outcomes.renewed}, failed ${outcomes.failed}`),
    onError: (error) => console.error(error), // a sweep that failed as a whole; the next one tries again
  });
  // #endregion
  return stop;
}

// #region sweep
/** What a cron job or a queue calls, every few minutes. */
export function sweep(connector: AppConnector): Promise<Report> {
  return connector.maintain({
    budget: { milliseconds: 50_000 }, // ends in time for the platform's own limit
    onOutcome: ({ did, connection, kind }) => {
      if (did === "failed") console.warn(`${connection}: ${kind}`);
    },
  });
}
// #endregion

export function watch(connector: AppConnector, tell: (userId: string, text: string) => void): void {
  // #region events
  connector.on("connection.reauthorization_required", ({ owner, reason }) => tell(owner, `reconnect: ${reason}`));
  connector.on("connection.expiring", ({ owner, expiresAt }) =>
    tell(owner, `ends ${new Date(expiresAt).toISOString()}`),
  );
  connector.on("connection.ended", ({ owner, reason }) => tell(owner, `over: ${reason}`));
  connector.on("client.rejected", ({ registration, message }) => console.error(registration, message));
  connector.on("store.failed", ({ during, message }) => console.error(during, message));
  // #endregion
}
