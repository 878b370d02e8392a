export {
  type AuthorizationServerOptions,
  type AuthorizationServerSimulator,
  type AuthorizationServerSwitches,
  simulateAuthorizationServer,
} from "./authorization-server.ts";
export { skewed, type VirtualClock, type VirtualClockOptions, virtualClock } from "./clock.ts";
export { actOnConsent, type ConsentDecision } from "./consent.ts";
export type { FaultName, FaultSettings } from "./fault-kinds.ts";
export type { Arm, ArmedFault, FaultScope, Faults, Latch } from "./faults.ts";
export {
  defaultAccounts as fiskilAccounts,
  defaultInstitutions as fiskilInstitutions,
  type FiskilAccount,
  type FiskilInstitution,
  type FiskilTransaction,
} from "./fiskil/data.ts";
export { type FiskilSimulator, simulateFiskil } from "./fiskil/fiskil.ts";
export {
  type FiskilConsent,
  type FiskilEndUser,
  type FiskilErrorType,
  type FiskilKey,
  type FiskilOptions,
  type FiskilSession,
  type FiskilSwitches,
  fiskilErrorTypes,
} from "./fiskil/options.ts";
export type { FiskilProduct } from "./fiskil/platform.ts";
export { signFiskilWebhook } from "./fiskil/webhooks.ts";
export { type FisklSimulator, fisklCompany, simulateFiskl } from "./fiskl/fiskl.ts";
export type {
  FisklApiKey,
  FisklCompany,
  FisklInvoice,
  FisklOptions,
  FisklSwitches,
  FisklUser,
} from "./fiskl/options.ts";
export { fisklScopes } from "./fiskl/scopes.ts";
export { signStandardWebhook } from "./fiskl/webhooks.ts";
export {
  defaultProviders as flinksProviders,
  defaultUser as flinksUser,
  type FlinksAccount,
  type FlinksProvider,
  type FlinksTransaction,
  type FlinksUser,
} from "./flinks/data.ts";
export { type FlinksSimulator, simulateFlinks } from "./flinks/flinks.ts";
export type { FlinksOptions, FlinksRecipient, FlinksRegistration, FlinksSwitches } from "./flinks/options.ts";
export type { Journal, JournalEntry, JournalFilter } from "./journal.ts";
export type { Client, ClientAuthentication, ClientRegistration } from "./oauth/clients.ts";
export type { AccessToken, Grant, GrantCounters, GrantSettings } from "./oauth/grants.ts";
export type { FixedRefresh, RefreshPolicy, RefreshPolicyOption, RotatingRefresh } from "./oauth/refresh-policy.ts";
export type { ExtensionGrant, ExtensionSubject, StandardTokenSwitches } from "./oauth/token-endpoint.ts";
export type { TokenResponse } from "./oauth/token-response.ts";
export type {
  AnsweredRequest,
  ApiBearer,
  ProviderSimulatorOptions,
  RateLimit,
  ReceivedRequest,
  StandardRefusal,
} from "./provider/options.ts";
export type { RoutedFetch } from "./provider/routes.ts";
export { type ProviderSimulator, simulate } from "./provider/simulate.ts";
export type { ProviderSwitches } from "./provider/switches.ts";
export { type LoopbackServer, listen } from "./server.ts";
export type { Simulator, SimulatorOptions } from "./simulator.ts";
export { receiveWebhooks, type WebhookReceiver } from "./webhook-receiver.ts";
export type {
  WebhookData,
  WebhookDelivery,
  WebhookMessage,
  WebhookOptions,
  WebhookSignature,
  Webhooks,
} from "./webhooks.ts";
