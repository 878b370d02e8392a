import {
  type Answer,
  ConnectorError,
  clientSecretBasic,
  days,
  defineProvider,
  type FaultReading,
  isConnectorError,
  misconfigured,
  type Revocation,
  type SecretSource,
  type ServerContext,
} from "@linkwright/core";
import * as z from "zod";

export interface LedgerlineOptions {
  readonly clientId: string;
  readonly clientSecret: SecretSource;
  readonly redirectUri: string;
}

const login = "https://login.ledgerline.example";
const api = "https://api.ledgerline.example";

// #region tenant
/** What a token opens: `id` names the application's access to a tenant, `tenantId` the tenant. The newest is first. */
const tenants = z.array(z.object({ id: z.string(), tenantId: z.string(), tenantName: z.string() }));

/** Asks with the new access token what it opens, and takes the tenant that was asked for, else the newest. */
async function tenantOf(accessToken: unknown, asked: string | undefined, server: ServerContext) {
  const answer = await server.fetch(`${api}/connections`, { headers: { authorization: `Bearer ${accessToken}` } });
  const { data: list } = tenants.safeParse(await answer.json().catch(() => undefined));
  if (!answer.ok || !list)
    throw new ConnectorError(
      { kind: "protocol" },
      `ledgerline: the list of tenants cannot be read (${answer.status}).`,
    );
  const tenant = asked === undefined ? list[0] : list.find(({ tenantId }) => tenantId === asked);
  if (!tenant) throw new ConnectorError({ kind: "permission" }, "ledgerline: the user did not open that tenant.");
  return tenant;
}
// #endregion

const apiFault = ({ status, json }: Answer): FaultReading | undefined => {
  const code = (json as { readonly code?: unknown } | null | undefined)?.code;
  // An administrator of the tenant took the application out. The user's tokens live on, and open nothing.
  return status === 403 && code === "TENANT_DISCONNECTED"
    ? { kind: "reauthorize", reason: "consent_ended", code }
    : undefined;
};

const isOver = (error: unknown) => isConnectorError(error) && ["reauthorize", "gone"].includes(error.fault.kind);

/** Ledgerline: one sign-in opens several organisations (tenants), and each connection is to one of them. */
export function ledgerline({ clientId, clientSecret, redirectUri }: LedgerlineOptions) {
  return defineProvider({
    id: "ledgerline",
    server: {
      issuer: login,
      authorization_endpoint: `${login}/authorize`,
      token_endpoint: `${login}/token`,
      revocation_endpoint: `${login}/revoke`,
    },
    client: { id: clientId, authentication: clientSecretBasic(clientSecret) },
    grants: {
      authorizationCode: { redirectUri, pkce: "S256", scope: ["books.read", "offline_access"] },
      refreshToken: { rotation: "rotating", idleTimeout: days(60) },
    },
    accessToken: { lifetime: 1800 },
    // #region connection
    api: {
      base: `${api}/v2/`,
      request(request, connection) {
        if (!connection?.account) throw misconfigured("ledgerline: account is missing; import with the tenant's id");
        request.headers.set("ledgerline-tenant", connection.account);
        return request;
      },
      fault: apiFault,
    },
    connect: {
      parameters: z.object({ tenant: z.string().optional() }),
      scope: (asked) => [...new Set([...asked, "offline_access"])], // no refresh token without it
      async granted({ access_token }, { tenant }, server) {
        const { id, tenantId, tenantName } = await tenantOf(access_token, tenant, server);
        return { account: tenantId, data: { access: id, tenantName } };
      },
    },
    async disconnect({ connection: { data }, call, revoke }): Promise<readonly Revocation[]> {
      if (data.access === undefined) return revoke(); // a grant that `granted` refused
      const result = await call(`/connections/${data.access}`, { method: "DELETE" }).then(
        (): Revocation["result"] => "revoked",
        (error) => (isOver(error) ? "already_gone" : "failed"),
      );
      const tenant: Revocation = { what: "tenant", result };
      return result === "failed" ? [tenant] : [tenant, ...(await revoke())];
    },
    // #endregion
  });
}
