import type { NoParameters } from "@linkwright/core";
import type { FlinksSettings } from "./options.ts";

/** What `connect` takes for Flinks. */
export interface FlinksParameters {
  /** The bank: `provider_id` from one of the provider lists. 1000 is the test bank, Flinks Capital. */
  readonly providerId: number;
  /** A random UUID that links several requests in Flinks's records. */
  readonly correlationId?: string;
  /** Language of Flinks's pages; theirs is English. */
  readonly language?: "en" | "fr";
}

type Validated = Awaited<ReturnType<NoParameters["~standard"]["validate"]>>;

/** Checks {@link FlinksParameters}: a Standard Schema, behind which zod is loaded at the first `connect`. */
export const connectParameters = {
  "~standard": {
    version: 1,
    vendor: "linkwright",
    types: undefined as { readonly input: FlinksParameters; readonly output: FlinksParameters } | undefined,
    validate: async (value: unknown): Promise<Validated> =>
      (await import("./schemas.ts")).parameters["~standard"].validate(value),
  },
} as const;

/** The parameters by which the authorization request departs from the standard. */
export function authorizationParameters({
  languageParameter,
}: Pick<FlinksSettings, "languageParameter">): (parameters: FlinksParameters) => Record<string, string | undefined> {
  return ({ providerId, correlationId, language }) => ({
    [languageParameter]: language,
    provider_id: String(providerId),
    correlation_id: correlationId,
  });
}
