import type { ClientRegistration } from "../oauth/clients.ts";
import type { GrantSettings, Grants } from "../oauth/grants.ts";
import type { RefreshPolicyOption } from "../oauth/refresh-policy.ts";
import type { StandardTokenSwitches } from "../oauth/token-endpoint.ts";
import type { SimulatorOptions } from "../simulator.ts";

/** Somebody who signs in to Fiskl. Taking a permission away narrows every token of theirs at once. */
export interface FisklUser {
  readonly permissions: Set<string>;
  readonly company: FisklCompany;
}

/** What a token reaches: the books of one company. */
export interface FisklCompany {
  readonly clients: { readonly id: number; readonly name: string }[];
  readonly invoices: FisklInvoice[];
}

/** Amounts are whole numbers of the currency's smallest unit. */
export interface FisklInvoice {
  readonly id: number;
  readonly externalId?: string;
  readonly clientId: number;
  readonly invoiceDate: string;
  readonly dueDate: string;
  readonly items: readonly unknown[];
  readonly total: number;
  readonly status: string;
}

/** A static credential of somebody's own. */
export interface FisklApiKey {
  /** `fsk_...` */
  readonly key: string;
  readonly user: string;
  readonly permissions: readonly string[];
  /** Epoch milliseconds; absent: never. */
  readonly expiresAt?: number;
  revoked?: boolean;
}

/** What a simulated Fiskl knows and does. */
export interface FisklOptions extends SimulatorOptions {
  /** Of the second listener: the web app, which is the issuer. Default 0: a free one. */
  readonly webAppPort?: number;
  /**
   * Connected apps. Default: `app_01` with secret `s3cr3t`, and the public `app_02`; both redirect to
   * `https://app.example/callback` and `http://localhost:3000/callback`.
   */
  readonly clients?: readonly ClientRegistration[];
  /** By name. Default: `user-1` and `user-2`, who may do everything. */
  readonly users?: Readonly<Record<string, FisklUser>>;
  /** Default: `fsk_test_000000000001` of `user-1`, with `client.read` and `invoice.read`. */
  readonly apiKeys?: readonly FisklApiKey[];
  /** Default: rotating, with reuse detection. */
  readonly refresh?: RefreshPolicyOption;
  /** Where the endpoints of OAuth stand at the issuer. Default `/oauth/authorize`, `/oauth/token`, `/oauth/revoke`. */
  readonly paths?: { readonly authorize?: string; readonly token?: string; readonly revoke?: string };
  /** Where webhooks go. */
  readonly webhookUrl?: string;
  /** Those that sign, the newest first; every one of them signs. Default: one. */
  readonly webhookSecrets?: readonly string[];
  readonly switches?: Partial<FisklSwitches>;
}

/** What Fiskl's pages leave open, and what can befall it. The next request reads it. */
export interface FisklSwitches extends GrantSettings, StandardTokenSwitches {
  /** Whether RFC 8414 metadata is at the issuer; without it, the web app's page is, at status 200. Default true. */
  discovery: boolean;
  /** Whether RFC 7009 is served. Default true. */
  revocation: boolean;
  /** What a lapsed subscription is answered with. Default: it has not lapsed. */
  subscription: "active" | 402 | 403;
  /** Default `array`. */
  listEnvelope: "array" | "content";
  /** Names of the signature's headers. Default `webhook-`. */
  webhookHeaders: "webhook-" | "svix-";
}

/** What the rooms of the simulator share. */
export interface FisklState {
  readonly now: () => number;
  readonly grants: Grants;
  readonly switches: FisklSwitches;
  readonly users: Map<string, FisklUser>;
  readonly apiKeys: Map<string, FisklApiKey>;
}
