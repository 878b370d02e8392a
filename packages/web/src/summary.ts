import type { Connection, ConnectionStatus } from "@linkwright/core";

/** A connection as a browser may know it: nothing of it is secret. Instants are epoch milliseconds. */
export interface ConnectionSummary {
  readonly id: string;
  readonly registration: string;
  readonly health: ConnectionStatus["health"];
  readonly reason?: ConnectionStatus["reason"];
  readonly since: number;
  readonly account?: string | undefined;
  readonly scope: ConnectionStatus["scope"];
  readonly consentExpiresAt?: number | undefined;
  readonly renewedAt?: number | undefined;
  readonly retryAt?: number | undefined;
}

/** Member by member, so that what a later release adds to a status is not shown unless it is added here. */
export async function summaryOf(connection: Connection): Promise<ConnectionSummary> {
  const { health, reason, since, account, scope, consentExpiresAt, renewedAt, retryAt } = await connection.status();
  const { id, registration } = connection;
  return { id, registration, health, reason, since, account, scope, consentExpiresAt, renewedAt, retryAt };
}
