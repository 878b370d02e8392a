import type { Connection } from "@linkwright/core";
import type { AppConnector } from "./connector.ts";

export async function readAccounts(connector: AppConnector, id: string, userId: string): Promise<unknown> {
  // #region use
  const connection = await connector.connection(id, { owner: userId });
  const response = await connection.fetch("/api/fdx/5/accounts?limit=50");
  if (!response.ok) throw new Error(`Flinks answered ${response.status}.`);
  const { accounts } = await response.json();
  // #endregion
  return accounts;
}

export async function tokenFor(connection: Connection, signal: AbortSignal): Promise<string> {
  // #region token
  const accessToken = await connection.accessToken({ minValidity: 60_000, signal });
  // #endregion
  return accessToken;
}

/** What a page of a user's connections shows. */
export async function overview(connector: AppConnector, userId: string): Promise<string[]> {
  const lines: string[] = [];
  // #region list
  for await (const connection of connector.connections({ owner: userId })) {
    const { health, reason, consentExpiresAt } = await connection.status(); // no request to the provider
    lines.push([connection.registration, health, reason, consentExpiresAt].filter(Boolean).join(" "));
  }
  // #endregion
  return lines;
}

export async function countBanks(connector: AppConnector): Promise<number> {
  // #region application
  const { flinks } = connector.providers;
  const banks = await flinks.providers.list(); // what is particular to Flinks, typed by its adapter
  const token = await flinks.app().accessToken(); // the application's own token, shared through the store
  // #endregion
  return token === "" ? 0 : banks.length;
}

/** What another system knew of a connection. */
export interface OldGrant {
  readonly userId: string;
  readonly refreshToken: string;
  readonly account: string;
}

export async function bringIn(connector: AppConnector, old: OldGrant): Promise<Connection> {
  // #region import
  const connection = await connector.providers.flinks.import({
    owner: old.userId,
    refreshToken: old.refreshToken,
    account: old.account,
    scope: ["ACCOUNT_BASIC"],
  });
  // #endregion
  return connection;
}
