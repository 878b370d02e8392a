import type { Connector } from "@linkwright/core";
import { type FiskilOptions, fiskil } from "@linkwright/fiskil";

/** Asks the vault for a secret. */
export type Vault = (name: string) => Promise<string>;

// #region registration
export const banks = (vault: Vault, simulated?: Partial<FiskilOptions>) =>
  fiskil({
    clientId: "key_01example",
    clientSecret: () => vault("fiskil/client-secret"),
    webhookSecret: () => vault("fiskil/webhook-secret"),
    redirectUri: "https://app.example/fiskil/connected",
    cancelUri: "https://app.example/fiskil/cancelled",
    teamId: "team_01",
    ...simulated,
  });
// #endregion

type Banks = Connector<{ readonly fiskil: ReturnType<typeof banks> }>;

// #region connect
/** In a POST of your own, on the user's wish. `session` is a value that only this browser presents again. */
export async function beginAtBank({ providers }: Banks, session: string): Promise<string> {
  const flow = await providers.fiskil.connect({
    owner: "user_42",
    session,
    endUser: { email: "user@example.com" }, // or endUserId, of one that exists
    institutionId: "88888", // optional: leads to this bank alone
  });
  return flow.url; // for the browser
}

/** Both return URLs lead here. */
export async function backFromBank(connector: Banks, request: Request, session: string) {
  const connection = await connector.complete(request, { session });
  return connection.fetch("/v1/banking/accounts"); // end_user_id and X-Fiskil-Version are added
}
// #endregion

export const imported: { readonly endUserId: string; readonly accountIds: readonly string[] | undefined }[] = [];
const importTransactions = async (endUserId: string, accountIds: readonly string[] | undefined) => {
  imported.push({ endUserId, accountIds });
};

// #region webhook
export async function hearFromFiskil({ providers }: Banks, request: Request): Promise<Response> {
  // Throws unless it is signed.
  await providers.fiskil.webhook(request, {
    // Awaited: where it fails, the message does not count as seen, and comes again.
    async handle({ event }) {
      if (event.type !== "banking.transactions.sync.completed") return;
      await importTransactions(event.endUserId, event.accountIds);
    },
  });
  return new Response(null, { status: 204 });
}
// #endregion

export async function manage({ providers: { fiskil: banks } }: Banks) {
  // #region extras
  const { id } = await banks.endUsers.create({ email: "second@example.com" });
  await banks.endUsers.update(id, { phone: "+61400000000" });
  const found = await banks.endUsers.list({ email: "second@example.com" });
  const consents = await banks.consents.list({ endUserId: id, active: true });
  await banks.endUsers.delete(id);
  const institutions = await banks.institutions.list({ industry: "banking" });
  const permissions = await banks.permissions.list();
  const bank = await banks.app().fetch("/v1/institutions/88888"); // anything else, as the application
  // #endregion
  return { found, consents, institutions, permissions, bank };
}

// #region platform
/** The Platform API: needs a key with api:provider.products.read. */
export const products = ({ providers }: Banks) => providers.fiskil.products.list();
// #endregion
