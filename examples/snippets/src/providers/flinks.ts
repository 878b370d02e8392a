import type { Connector } from "@linkwright/core";
import { type FlinksOptions, flinks } from "@linkwright/flinks";

/** Asks the vault for a secret, or keeps one. */
export interface Vault {
  get(name: string): Promise<string>;
  put(name: string, secret: string): Promise<void>;
}

// #region registration
export const bank = (vault: Vault, simulated?: Partial<FlinksOptions>) =>
  flinks({
    clientId: "dc-demo0001",
    clientSecret: () => vault.get("flinks/client-secret"),
    redirectUri: "https://app.example/flinks/callback",
    ...simulated,
  });
// #endregion

type Banks = Connector<{ readonly flinks: ReturnType<typeof bank>; readonly partner: ReturnType<typeof bank> }>;

// #region connect
/** In your POST handler. */
export async function beginAtFlinks({ providers }: Banks, session: string): Promise<string> {
  const flow = await providers.flinks.connect({
    owner: "user_42",
    session,
    providerId: 1000, // Flinks Capital, the test bank
    language: "fr",
    scope: ["ACCOUNT_BASIC", "TRANSACTIONS"],
  });
  return flow.url; // for the browser
}

/** In the callback. */
export async function backFromFlinks(connector: Banks, request: Request, session: string) {
  const connection = await connector.complete(request, { session });
  return connection.fetch("/api/fdx/5/accounts?limit=50");
}
// #endregion

export async function banksOf({ providers: { flinks: bank } }: Banks) {
  // #region banks
  const mine = await bank.providers.list(); // the banks this recipient is registered with
  // Those it is not, and how that stands.
  const others = await bank.providers.listV2({ country: ["CA", "US"], isEnabledForClient: false });
  // #endregion
  return { mine, others };
}

// #region admin
export async function registerRecipient({ providers }: Banks, vault: Vault) {
  const { admin } = providers.partner;
  const { clientId, clientSecret } = await admin.recipients.create({
    name: "Acme",
    scope: ["ACCOUNT_BASIC", "TRANSACTIONS"],
    redirectUris: ["https://acme.example/callback"],
    logoUri: "https://acme.example/logo.png",
    country: "CA",
    description: "Budgets",
    termsUri: "https://acme.example/terms",
    clientUri: "https://acme.example",
    contacts: [{ email: "ops@acme.example" }],
  });
  await vault.put(clientId, clientSecret.reveal()); // prints as [secret] anywhere else
  await admin.registrations.request([clientId], [1000]);
  return admin.registrations.listFor(clientId); // PENDING_APPROVAL, PENDING_ACTIVATION, ACTIVE: people decide
}
// #endregion
