import type { Connection, Connector } from "@linkwright/core";
import { type OidcProvider, oidc, privateKeyJwt, tlsClientAuth } from "@linkwright/oidc";
import { Agent } from "undici";

/** Asks the vault for a secret. */
export type Vault = (name: string) => Promise<string>;

// #region bank
/** A bank with a metadata document, and a client that signs in place of a secret. */
export const northBank = (vault: Vault) =>
  oidc({
    issuer: "https://auth.north.example",
    clientId: "app-0001",
    authentication: privateKeyJwt({ key: () => vault("north/client-key"), keyId: "2026-11" }),
    redirectUri: "https://app.example/callback/north",
    scope: ["openid", "offline_access", "accounts"],
    api: "https://api.north.example",
  });
// #endregion

// #region fapi
export const southBank = (vault: Vault) =>
  oidc({
    issuer: "https://auth.south.example",
    clientId: "app-0001",
    authentication: privateKeyJwt({ key: () => vault("south/client-key"), algorithm: "PS256" }),
    redirectUri: "https://app.example/callback/south",
    scope: ["openid", "accounts"],
    profile: "fapi2",
    api: "https://api.south.example",
  });
// #endregion

// #region certificate
/** The certificate is part of the transport; here Node's own, by an agent of undici. */
export function eastBank(certificate: { readonly cert: string; readonly key: string }) {
  const dispatcher = new Agent({ connect: certificate });
  return oidc({
    issuer: "https://auth.east.example",
    clientId: "app-0001",
    authentication: tlsClientAuth(),
    fetch: (url, init) => fetch(url, { ...init, dispatcher } as RequestInit),
    redirectUri: "https://app.example/callback/east",
    scope: ["openid", "accounts"],
    profile: "fapi2",
    api: "https://api.east.example",
  });
}
// #endregion

/** What the two below need of a connector. */
export type Banks = Connector<{ bank: OidcProvider }>;

// #region device
export async function connectTelevision(
  { providers: { bank } }: Banks,
  owner: string,
  show: (page: string, code: string) => void,
  signal: AbortSignal,
): Promise<Connection> {
  const device = await bank.authorizeDevice({ owner, scope: ["accounts"] });
  show(device.verificationUri, device.userCode);
  return device.connection({ signal });
}
// #endregion

// #region exchange
/** The user is known by a token of the company's own; the bank's server takes it in exchange. */
export function connectEmployee({ providers: { bank } }: Banks, owner: string, companyToken: string) {
  return bank.exchangeToken({ owner, subjectToken: companyToken, audience: "accounts", scope: ["accounts"] });
}
// #endregion

// #region resources
/** Two APIs behind one grant: each token opens one of them. */
export const westBank = (vault: Vault) =>
  oidc({
    issuer: "https://auth.west.example",
    clientId: "app-0001",
    authentication: privateKeyJwt({ key: () => vault("west/client-key") }),
    redirectUri: "https://app.example/callback/west",
    scope: ["accounts", "payments"],
    resource: ["https://accounts.west.example", "https://payments.west.example"],
    api: "https://accounts.west.example",
  });

export const paymentsToken = (connection: Connection) =>
  connection.accessToken({ resource: "https://payments.west.example" });
// #endregion
