import type { Clock } from "@linkwright/core";
import type { Client } from "../oauth/clients.ts";
import type { GrantSettings, Grants } from "../oauth/grants.ts";
import type { SimulatorOptions } from "../simulator.ts";
import type { Webhooks } from "../webhooks.ts";
import type { FiskilAccount, FiskilInstitution } from "./data.ts";

/** An API key of the Console. Its scopes are fixed there. */
export interface FiskilKey {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scopes: readonly string[];
}

/** What a user's attempt can end with besides success. */
export const fiskilErrorTypes = [
  "AUTH_SESSION_CANCELLED",
  "CONSENT_ENDUSER_DENIED",
  "CONSENT_UPSTREAM_PROCESSING_ERROR",
  "CONSENT_OTP_FAILURE",
  "CONSENT_ENDUSER_INELIGIBLE",
  "CONSENT_TIMEOUT",
  "CONSUMERDATA_PROCESSING_ERROR",
] as const;

/** The `type` of Fiskil's errors. */
export type FiskilErrorType = (typeof fiskilErrorTypes)[number];

/** An end user as the API shows it. */
export interface FiskilEndUser {
  readonly id: string;
  email?: string;
  name?: string;
  phone?: string;
  abn?: string;
}

/** One attempt of a user to consent. */
export interface FiskilSession {
  readonly id: string;
  readonly endUserId: string;
  readonly redirectUri?: string;
  readonly cancelUri?: string;
  readonly institutionId?: string;
  readonly permissions?: readonly string[];
  /** The arrangement to renew, in place of a new one. */
  readonly arrangementId?: string;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
  /** How it ended; a session ends once. */
  outcome?: "success" | FiskilErrorType;
  consentId?: string;
}

/** A consent, by the two ids that it has: lists speak of the arrangement, webhooks of the consent. */
export interface FiskilConsent {
  readonly arrangementId: string;
  consentId: string;
  readonly endUserId: string;
  readonly institutionId: string;
  readonly permissions: readonly string[];
  readonly accounts: readonly FiskilAccount[];
  readonly createdAt: number;
  /** From when on it is in lists. */
  readonly listedAt: number;
  /** Seconds. */
  duration: number;
  lastConsentAt: number;
  expiresAt: number;
  active: boolean;
  terminationReason: string | null;
}

/** What a simulated Fiskil knows and does. */
export interface FiskilOptions extends SimulatorOptions {
  /** Default: `key_01example` with secret `s3cr3t-example` for the Data API, `key_02platform` with the same for products. */
  readonly keys?: readonly FiskilKey[];
  /** Default `team_01`. */
  readonly teamId?: string;
  readonly institutions?: readonly FiskilInstitution[];
  /** What a user has at a bank. Default: two accounts, of five transactions and one. */
  readonly accounts?: (endUserId: string, institutionId: string) => readonly FiskilAccount[];
  /** Where webhooks go. */
  readonly webhookUrl?: string;
  /** Base64, as the Console shows it. */
  readonly webhookSecret?: string;
  /** The events that are subscribed. Default: all. */
  readonly webhookEvents?: readonly string[];
  readonly switches?: Partial<FiskilSwitches>;
}

/** What Fiskil's pages leave open or say in several ways, and what can befall it. The next request reads it. */
export interface FiskilSwitches extends GrantSettings {
  /**
   * The token response. `token`: `{ token, expires_in: 900 }`; `typed`: with `token_type`; `access_token`: the old
   * guide's, with `expires_in: 3600`. Default `token`.
   */
  tokenShape: "token" | "typed" | "access_token";
  /** Body of a refused token request. Default `goa`. */
  tokenErrors: "goa" | "oauth";
  /** Version of a request that names none. Default `v3`. */
  pinnedVersion: "v1" | "v2" | "v3";
  /** Whether a second end user of one email address is refused. Default false. */
  uniqueEmail: boolean;
  /** Default false. */
  deletingEndUserRevokesConsents: boolean;
  /** `any`, or those that auth sessions may name, without their query. Default `any`. */
  redirectUris: readonly string[] | "any";
  /** Default `unix`: seconds. */
  sessionExpiryFormat: "unix" | "rfc3339";
  /** How `auth_url` is written: `?sess_id=`, `?session=`, or the former without a scheme. Default `sess_id`. */
  authUrl: "sess_id" | "session" | "scheme-less";
  /** The parameter of a successful callback. Default `session_id`. */
  sessionParameter: "session_id" | "sess_id";
  /** Parameters of a failed callback: `error`, `error_type` and `error_description`, or those with `error_id` and `error_uri`. Default 5. */
  cancelParameters: 3 | 5;
  /** Seconds that a consent lasts. Default 90 days. */
  consentDuration: number;
  /** Milliseconds from the callback until a consent is in lists and its webhook goes out. Default 0. */
  consentListedAfter: number;
  /** Whether `*.sync.completed` follows a consent. Default true. */
  syncEvents: boolean;
  /** Which id the list of institutions asks for as `client_id`. Default `either`. */
  institutionsClientId: "team" | "key" | "either";
  /** Whether that list is wrapped in `{ institutions }`. Default false. */
  institutionsWrapped: boolean;
}

/** What the rooms of the simulator share. */
export interface FiskilState {
  readonly origin: string;
  readonly clock: Clock;
  readonly grants: Grants;
  readonly switches: FiskilSwitches;
  readonly keys: ReadonlyMap<string, Client>;
  readonly teamId: string;
  readonly institutions: readonly FiskilInstitution[];
  readonly accountsOf: (endUserId: string, institutionId: string) => readonly FiskilAccount[];
  readonly endUsers: Map<string, FiskilEndUser>;
  readonly sessions: Map<string, FiskilSession>;
  readonly consents: Map<string, FiskilConsent>;
  readonly webhooks: Webhooks;
  readonly emit: (event: string, consent: FiskilConsent, more?: Readonly<Record<string, unknown>>) => void;
}
