export { type FlinksExtras, flinks } from "./flinks.ts";
export type { FlinksOptions, FlinksScope } from "./options.ts";
export type { FlinksParameters } from "./parameters.ts";
export type { AdminProviders, FlinksProvider, Providers, ProvidersQuery } from "./providers.ts";
export type { Recipient, RecipientCredentials, RecipientDraft, Recipients } from "./recipients.ts";
export type { ProviderRegistration, Registrations } from "./registrations.ts";
