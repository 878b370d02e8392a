export type { FisklEvent, FisklEventOf, FisklEventType } from "./events.ts";
export { type FisklAppProvider, type FisklKeyProvider, fiskl } from "./fiskl.ts";
export type {
  FisklAppOptions,
  FisklCommonOptions,
  FisklConfidentialOptions,
  FisklKeyOptions,
  FisklOptions,
  FisklPublicOptions,
} from "./options.ts";
export type { FisklScope } from "./scope.ts";
export type { WebhookOptions as FisklWebhookOptions } from "./webhook.ts";
