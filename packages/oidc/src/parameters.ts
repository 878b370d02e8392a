import type { StandardSchemaV1 } from "@linkwright/core";
import * as z from "zod/mini";

/** What `connect` takes besides the common members (OpenID Connect Core 1.0, section 3.1.2.1; RFC 9396). */
export interface ConnectParameters {
  /** The user's name at the provider, as far as it is known. */
  readonly loginHint?: string;
  /** `login`, `consent`, `select_account`, or several of them. Asking for `offline_access` asks for `consent` where left out. */
  readonly prompt?: readonly string[];
  /** Seconds since the user last signed in, at most. */
  readonly maxAge?: number;
  /** Authentication context class references, in order of preference. */
  readonly acrValues?: readonly string[];
  /** Languages of the pages (BCP 47), in order of preference. */
  readonly uiLocales?: readonly string[];
  /** Claims that are asked for one by one (OpenID Connect Core 1.0, section 5.5). */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** What is asked for beyond scope (RFC 9396). */
  readonly authorizationDetails?: readonly Readonly<Record<string, unknown>>[];
}

const words = z.optional(
  z
    .array(z.string().check(z.regex(/^[^\s]+$/, "one of them is empty or has a space in it")))
    .check(z.minLength(1, "is empty; leave it out")),
);

export const connectParameters: StandardSchemaV1<ConnectParameters, ConnectParameters> = z.strictObject(
  {
    loginHint: z.optional(z.string().check(z.minLength(1, "is empty; leave it out"))),
    prompt: words,
    maxAge: z.optional(
      z.number().check(z.refine((value) => Number.isInteger(value) && value >= 0, "is not a number of whole seconds")),
    ),
    acrValues: words,
    uiLocales: words,
    claims: z.optional(z.record(z.string(), z.unknown())),
    authorizationDetails: z.optional(z.array(z.record(z.string(), z.unknown()))),
  },
  { error: ({ code, keys }) => (code === "unrecognized_keys" ? `it does not know ${keys.join(", ")}` : undefined) },
) as StandardSchemaV1<ConnectParameters, ConnectParameters>;

/** The same as parameters of the authorization request. */
export function authorize(parameters: ConnectParameters): Readonly<Record<string, string | undefined>> {
  const { loginHint, prompt, maxAge, acrValues, uiLocales, claims, authorizationDetails } = parameters;
  return {
    login_hint: loginHint,
    prompt: prompt?.join(" "),
    max_age: maxAge?.toString(),
    acr_values: acrValues?.join(" "),
    ui_locales: uiLocales?.join(" "),
    claims: claims && JSON.stringify(claims),
    authorization_details: authorizationDetails && JSON.stringify(authorizationDetails),
  };
}
