import type { Connection, Connector } from "@linkwright/core";
import { type FisklConfidentialOptions, type FisklKeyOptions, fiskl } from "@linkwright/fiskl";

/** Asks the vault for a secret. */
export type Vault = (name: string) => Promise<string>;

// #region registration
export const books = (vault: Vault, simulated?: Partial<FisklConfidentialOptions>) =>
  fiskl({
    client: "confidential",
    clientId: "app_01example",
    clientSecret: () => vault("fiskl/client-secret"),
    redirectUri: "https://app.example/fiskl/callback",
    // As Fiskl told you; or discovery: true.
    endpoints: { authorization: "https://fiskl.example/authorize", token: "https://fiskl.example/token" },
    scope: ["invoicing:read", "contacts:read"],
    webhook: { secrets: [() => vault("fiskl/webhook-secret")] },
    ...simulated,
  });
// #endregion

// #region key
export const own = (vault: Vault, simulated?: Partial<FisklKeyOptions>) =>
  fiskl({ client: "key", apiKey: () => vault("fiskl/api-key"), ...simulated });
// #endregion

type Books = Connector<{ readonly books: ReturnType<typeof books>; readonly own: ReturnType<typeof own> }>;

// #region connect
export async function beginAtFiskl({ providers }: Books, session: string): Promise<string> {
  const flow = await providers.books.connect({ owner: "user_42", session });
  return flow.url; // for the browser
}

export async function invoicesOf(connector: Books, request: Request, session: string) {
  const connection = await connector.complete(request, { session });
  const response = await connection.fetch("/v1/invoices?page=0&size=50");
  return { connection, invoices: await response.json() }; // amounts are in minor units: 15000 is 150.00
}
// #endregion

// #region own
export const clients = ({ providers }: Books) => providers.own.app().fetch("/v1/clients");
// #endregion

// #region permissions
/** Its form is not documented. */
export async function permissionsOf(connection: Connection): Promise<unknown> {
  return (await connection.fetch("/v1/me/permissions")).json();
}
// #endregion

export const settled: unknown[] = [];
const settle = async (invoice: unknown) => {
  settled.push(invoice);
};

// #region webhook
export async function hearFromFiskl({ providers }: Books, request: Request): Promise<Response> {
  // Throws unless it is signed.
  await providers.books.webhook(request, {
    // Awaited: where it fails, the message does not count as seen, and comes again.
    async handle({ event }) {
      if (event.type === "invoice.paid") await settle(event.data);
    },
  });
  return new Response(null, { status: 204 });
}
// #endregion
