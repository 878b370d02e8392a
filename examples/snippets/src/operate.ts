import type { ConnectorEvents, EventName } from "@linkwright/core";
import type { AppConnector } from "./connector.ts";

/** Where the application's numbers go. */
export interface Metrics {
  count(name: string, labels: Readonly<Record<string, string>>): void;
}

export async function start(connector: AppConnector, listen: () => Promise<void>): Promise<void> {
  // #region ready
  await connector.ready(); // the store answers, the keys seal; throws what an operator has to mend
  await listen();
  // #endregion
}

// #region count
const counted = [
  "connection.renewed",
  "connection.renewal_failed",
  "connection.in_doubt",
  "connection.reauthorization_required",
  "connection.ended",
  "client.rejected",
  "client.accepted",
  "store.failed",
  "protocol.warning",
] as const satisfies readonly EventName[];

/** One counter for each event; the labels hold no secret and no user. */
export function countEvents(connector: AppConnector, metrics: Metrics): void {
  for (const name of counted)
    connector.on(name, (event: ConnectorEvents[typeof name]) => {
      metrics.count(`linkwright.${name}`, {
        registration: event.registration ?? "",
        ...("reason" in event && { reason: event.reason }),
        ...("during" in event && { during: event.during }),
      });
    });
}
// #endregion
