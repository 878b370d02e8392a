import type { AppConnector } from "./connector.ts";

/** What another system asks for. */
export type Hand = (grant: { readonly account: string | undefined; readonly refreshToken: string }) => Promise<void>;

// #region export
/** Hands one grant to another system, which keeps it alive from now on. */
export async function handOver(connector: AppConnector, id: string, owner: string, hand: Hand): Promise<void> {
  const { account, refreshToken } = await connector.dangerouslyExportGrant(id, { owner });
  if (!refreshToken) throw new Error(`Connection ${id} holds no refresh token to hand over; it stays here.`);
  await hand({ account, refreshToken: refreshToken.reveal() });
  await connector.markEnded(id, { owner }); // nothing is revoked
}
// #endregion

// #region move
/** Moves one connection to the store of another connector, which has the same registrations. @returns Its new id. */
export async function move(from: AppConnector, to: AppConnector, id: string, owner: string): Promise<string> {
  const grant = await from.dangerouslyExportGrant(id, { owner });
  const moved = await to.providers[grant.registration as keyof AppConnector["providers"]].import(grant);
  await from.markEnded(id, { owner });
  return moved.id;
}
// #endregion
