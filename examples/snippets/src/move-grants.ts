import type { AppConnector } from "./connector.ts";

/** What another system asks for. */
export type Hand = (grant: { readonly account: string | undefined; readonly refreshToken: string }) => Promise<void>;

// #region export
/** Hands one grant to another system, which keeps it alive from now on. */
export async function handOver(connector: AppConnector, id: string, owner: string, hand: Hand): Promise<void> {
  const { account, refreshToken } = await connector.dangerouslyExportGrant(id, { owner });
  if (refreshToken) await hand({ account, refreshToken: refreshToken.reveal() });
  await connector.markEnded(id, { owner }); // nothing is revoked
}
// #endregion
