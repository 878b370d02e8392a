import { type ConnectionContext, isConnectorError, type Revocation } from "@linkwright/core";

/**
 * Lets go of the connection: `DELETE /api/v1/revoke` with the user's live access token, which ends the refresh token too. Not
 * RFC 7009: the access token is the credential, so it is renewed first where it has expired.
 */
export async function revokeConnection(context: ConnectionContext): Promise<readonly Revocation[]> {
  const what = "connection";
  try {
    await context.call("/api/v1/revoke", { method: "DELETE" });
    return [{ what, result: "revoked" }];
  } catch (error) {
    if (!isConnectorError(error) || error.fault.kind === "store" || error.fault.kind === "aborted") throw error;
    // Without a grant there is no token to revoke with, and nothing left to revoke.
    return [{ what, result: error.fault.kind === "reauthorize" ? "already_gone" : "failed" }];
  }
}
