import { simulate, type VirtualClock } from "@linkwright/testing";
import { ledgerline } from "../../src/ledgerline.ts";

const day = 86_400_000;

export const provider = ledgerline({
  clientId: "client",
  clientSecret: "canary-client-secret",
  redirectUri: "https://app.example/callback",
});

export interface Tenant {
  readonly id: string;
  readonly tenantId: string;
  readonly tenantName: string;
}

const north = { id: "access-1", tenantId: "tenant-north", tenantName: "North Bakery" };
const south = { id: "access-2", tenantId: "tenant-south", tenantName: "South Bakery" };

/** What Ledgerline documents, PKCE and lifetimes as well: what is left out here would be taken from the adapter itself. */
export async function ledgerlineServer(clock: VirtualClock) {
  /** What every token opens, the newest first: both from the moment that a user consents. */
  const tenants: Tenant[] = [];
  const server = await simulate(provider, {
    clock,
    accessTokenLifetime: 1800,
    refresh: { kind: "rotating", idleTimeout: 60 * day },
    pkce: "required",
    // No refresh token for who did not ask to be known when the user is away.
    answer({ refresh_token, ...tokens }) {
      const offline = tokens.scope?.split(" ").includes("offline_access");
      return { ...tokens, ...(offline && { refresh_token }) };
    },
    serve({ method, url }) {
      if (method === "POST" && new URL(url).pathname === "/authorize") tenants.splice(0, tenants.length, south, north);
      return undefined;
    },
    api({ method, url, headers }) {
      const { pathname } = new URL(url);
      if (pathname === "/connections") return Response.json(tenants);
      if (method === "DELETE") {
        const index = tenants.findIndex(({ id }) => pathname === `/connections/${id}`);
        if (index < 0) return new Response(null, { status: 404 });
        tenants.splice(index, 1);
        return new Response(null, { status: 204 });
      }
      const tenant = tenants.find(({ tenantId }) => tenantId === headers.get("ledgerline-tenant"));
      if (!tenant) return Response.json({ code: "TENANT_DISCONNECTED" }, { status: 403 });
      return Response.json({ books: tenant.tenantName });
    },
  });
  return Object.assign(server, { tenants });
}
