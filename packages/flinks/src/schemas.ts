import { Secret } from "@linkwright/core";
import { z } from "zod";
import { camelCased } from "./names.ts";
import type { FlinksParameters } from "./parameters.ts";
import type { FlinksProvider } from "./providers.ts";
import type { Recipient, RecipientCredentials } from "./recipients.ts";
import type { ProviderRegistration } from "./registrations.ts";

/**
 * What crosses the boundary, both ways. Loaded when first used, since the library is heavy at a cold start. Answers are read
 * leniently: a member that is not needed may be missing or odd, and is left out then.
 */

export const parameters = z.strictObject({
  providerId: z.int().nonnegative(),
  correlationId: z.uuid().optional(),
  language: z.enum(["en", "fr"]).optional(),
}) as unknown as z.ZodType<FlinksParameters, FlinksParameters>;

const text = z.string().optional().catch(undefined);
const id = z.union([z.int(), z.string().regex(/^\d+$/).transform(Number)]);
/** An array, or one text with spaces between. */
const list = z.union([z.array(z.string()), z.string().transform((one) => one.split(/\s+/).filter(Boolean))]);
const lenientList = list.optional().catch(undefined);

/** An object under our names; the cast says that what it left out is absent. */
const object = <T>(shape: z.ZodRawShape) => z.preprocess(camelCased, z.object(shape)) as unknown as z.ZodType<T>;

/** The name of v2's status is not documented: the likely ones are read. */
const provider = object<FlinksProvider & { status?: string }>({
  providerId: id,
  name: z.string(),
  country: text,
  providerUrl: text,
  scopes: lenientList,
  dataInventory: z.record(z.string(), z.unknown()).optional().catch(undefined),
  registrationStatus: text,
  status: text,
}).transform(
  ({ status, ...bank }): FlinksProvider => (status === undefined ? bank : { registrationStatus: status, ...bank }),
);

const recipient = object<Recipient>({
  clientId: z.string().min(1),
  name: text,
  scope: lenientList,
  redirectUris: lenientList,
  logoUri: text,
  country: text,
  description: text,
  termsUri: text,
  clientUri: text,
  contacts: z
    .array(z.object({ email: z.string() }))
    .optional()
    .catch(undefined),
});

export const answers = {
  provider,
  providers: z.array(provider),
  recipient,
  recipients: z.array(recipient),
  credentials: object<RecipientCredentials>({
    clientId: z.string().min(1),
    clientSecret: z
      .string()
      .min(1)
      .transform((secret) => new Secret(secret)),
  }),
  redirectUris: object<{ redirectUris: string[] }>({ redirectUris: list }),
  registrations: z.array(
    object<ProviderRegistration>({
      clientId: z.string(),
      clientName: text,
      providerId: id,
      providerName: text,
      country: text,
      registrationStatus: z.string(),
      requestedOn: text,
    }),
  ),
} satisfies Record<string, z.ZodType>;
