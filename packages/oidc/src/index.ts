export { clientSecretBasic, clientSecretPost, publicClient } from "@linkwright/core";
export { type KeyAuthentication, privateKeyJwt, tlsClientAuth } from "./authentication.ts";
export type { ClientKey, SigningAlgorithm } from "./client-key.ts";
export type { DeviceAuthorization, DeviceRequest } from "./device.ts";
export type { DpopAlgorithm } from "./dpop.ts";
export { type OidcExtras, type OidcGrants, type OidcProvider, oidc } from "./oidc.ts";
export type { OidcOptions } from "./options.ts";
export type { ConnectParameters } from "./parameters.ts";
export { type TokenExchange, tokenTypes } from "./token-exchange.ts";
