import type { Client, ClientAuthentication } from "../oauth/clients.ts";
import type { GrantSettings, Grants } from "../oauth/grants.ts";
import type { SimulatorOptions } from "../simulator.ts";
import type { FlinksProvider, FlinksUser } from "./data.ts";

/** Where a recipient stands with a bank. The first three are named by registration requests, `SUSPENDED` by the second list of providers alone. */
export type FlinksRegistration = "PENDING_APPROVAL" | "PENDING_ACTIVATION" | "ACTIVE" | "SUSPENDED";

/** A data recipient: an application that users share their data with. */
export interface FlinksRecipient {
  readonly client: Client;
  /** By provider id. A bank that is missing here was never asked. */
  readonly registrations: Map<number, { status: FlinksRegistration; readonly requestedOn: string }>;
  /** What was said at its creation. */
  readonly profile: Readonly<Record<string, unknown>>;
}

/** What a simulated Flinks knows and does. */
export interface FlinksOptions extends SimulatorOptions {
  /** Default: `dc-demo0001` with secret `s3cr3t`, redirecting to `https://app.example/callback`, active at 1000 and 1001. */
  readonly recipients?: readonly {
    readonly clientId: string;
    readonly clientSecret: string;
    readonly redirectUris: readonly string[];
    readonly scopes?: readonly string[];
    /** Banks where it is active. Default: 1000. */
    readonly providers?: readonly number[];
  }[];
  /** The platform that manages recipients. Default: `partner-demo` with secret `s3cr3t`. */
  readonly partner?: { readonly clientId: string; readonly clientSecret: string };
  /** Default: 1000 (Flinks Capital), 1001 (with few scopes), 2000 (in the United States). */
  readonly providers?: readonly FlinksProvider[];
  /** By the name that is chosen on the consent page. Default: `user-1` and `user-2`. */
  readonly users?: Readonly<Record<string, FlinksUser>>;
  readonly switches?: Partial<FlinksSwitches>;
}

/** What Flinks's pages leave open or say in two ways, and what can befall it. The next request reads it. */
export interface FlinksSwitches extends GrantSettings {
  /** What the token endpoint reads. Default: JSON alone. */
  bodies: readonly ("json" | "form")[];
  /** Default: members of the JSON body. */
  clientAuthentication: readonly ClientAuthentication[];
  /** `expires_in` of every answer. Default 299. */
  expiresIn: number | "absent";
  /** Whether `scope` is in token responses. Default false. */
  scopeInAnswer: boolean;
  /** Whether a partner's token response is `access_token` alone. Default false. */
  bareAppAnswer: boolean;
  /** Whether an authorization request needs a bank. Default true. */
  providerIdRequired: boolean;
  /**
   * The bank's tokens that Flinks holds have expired: refreshes are refused at `status`, with an `error` or without one.
   * `user` limits it to one. Default: absent.
   */
  upstreamExpired:
    | {
        readonly status: 400 | 401 | 403;
        readonly error?: string;
        readonly body?: "json" | "empty" | "html";
        readonly user?: string;
      }
    | undefined;
  /** Where the bank answers 602, as if consent were gone: nowhere, on paths that match, or `everywhere`. Default: nowhere. */
  notAuthorized: readonly RegExp[] | "everywhere";
  /** Status of data endpoints for a bad access token. Default 401. */
  staleTokenStatus: 401 | 403;
  /** Code 1207 on data endpoints: at 429 or 422. Default: absent. */
  throttled: { readonly status: 429 | 422; readonly retryAfter?: string } | undefined;
  /** In what form redirect URIs are replaced. Default `either`. */
  redirectUrisRequest: "array" | "string" | "either";
  /** Whether a recipient's old secret works on beside a new one. Default false. */
  secretOverlap: boolean;
}

/** What the rooms of the simulator share. */
export interface FlinksState {
  readonly origin: string;
  readonly now: () => number;
  readonly grants: Grants;
  readonly switches: FlinksSwitches;
  readonly clients: Map<string, Client>;
  readonly recipients: Map<string, FlinksRecipient>;
  readonly retiredSecrets: Map<string, Set<string>>;
  readonly providers: readonly FlinksProvider[];
  readonly users: Map<string, FlinksUser>;
}

export const adminScope = "client:admin";
