import type { ProviderContext, Secret } from "@linkwright/core";
import { snakeCased } from "./names.ts";
import { type FlinksScope, type FlinksSettings, userScope } from "./options.ts";
import { segment } from "./path.ts";
import { read } from "./reading.ts";

/** A Data Recipient, as far as the answer told: lists are short, one asked for by id is whole. */
export interface Recipient {
  readonly clientId: string;
  readonly name?: string;
  readonly scope?: readonly FlinksScope[];
  readonly redirectUris?: readonly string[];
  readonly logoUri?: string;
  readonly country?: string;
  readonly description?: string;
  readonly termsUri?: string;
  readonly clientUri?: string;
  readonly contacts?: readonly { readonly email: string }[];
}

/** What a new Data Recipient is made of. */
export interface RecipientDraft {
  readonly name: string;
  /** `ACCOUNT_BASIC` is always part of it. */
  readonly scope: readonly FlinksScope[];
  readonly redirectUris: readonly string[];
  readonly logoUri: string;
  readonly country: "CA" | "US";
  readonly description: string;
  readonly termsUri: string;
  readonly clientUri: string;
  readonly contacts: readonly { readonly email: string }[];
}

/** A Data Recipient's credentials, shown this once. */
export interface RecipientCredentials {
  readonly clientId: string;
  /** Prints as `[secret]`; `reveal()` gives the text. */
  readonly clientSecret: Secret;
}

/** Data Recipients of a Partner, under `/api/v1/recipients`. Not RFC 7591, though the member names look alike. */
export interface Recipients {
  /**
   * Not safe to repeat blindly: after a lost answer look through {@link Recipients.list} first.
   *
   * @returns The credentials; the secret is not shown again.
   */
  create(draft: RecipientDraft): Promise<RecipientCredentials>;
  list(): Promise<readonly Recipient[]>;
  get(clientId: string): Promise<Recipient>;
  /**
   * **Replaces** the whole set.
   *
   * @returns The set in force, as answered.
   */
  updateRedirectUris(clientId: string, redirectUris: readonly string[]): Promise<readonly string[]>;
  /** Whether the old secret lives on for a while is not documented: expect it to be dead at once. */
  regenerateSecret(clientId: string): Promise<RecipientCredentials>;
}

/** @param scope - Of the application's token: `client:admin`. */
export function recipients(
  context: ProviderContext,
  scope: readonly string[],
  { redirectUrisAs }: Pick<FlinksSettings, "redirectUrisAs">,
): Recipients {
  const path = "/api/v1/recipients";
  const at = (clientId: string) => `${path}/${segment("clientId", clientId)}`;
  return {
    async create(draft) {
      const json = snakeCased({ ...draft, scope: userScope(draft.scope).join(" ") });
      return read("credentials", await context.call(path, { method: "POST", json, scope }));
    },
    list: async () => read("recipients", await context.call(path, { scope })),
    get: async (clientId) => read("recipient", await context.call(at(clientId), { scope })),
    async updateRedirectUris(clientId, redirectUris) {
      const json = { redirect_uris: redirectUrisAs === "string" ? redirectUris.join(" ") : redirectUris };
      return (await read("redirectUris", await context.call(at(clientId), { method: "PUT", json, scope })))
        .redirectUris;
    },
    async regenerateSecret(clientId) {
      const answer = await context.call(`${at(clientId)}/secret`, { method: "POST", scope });
      // Only the secret is documented to come back.
      return read("credentials", { client_id: clientId, ...(answer as object) });
    },
  };
}
