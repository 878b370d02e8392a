import type { SecretSource } from "@linkwright/core";
import type { FisklScope } from "./scope.ts";
import type { WebhookOptions } from "./webhook.ts";

/**
 * What every registration can be told. Members with a default other than what Fiskl documents say so: they are assumptions
 * that can be changed here, not facts. See docs/providers/fiskl.md.
 */
export interface FisklCommonOptions {
  /** Origin of the API. Default `https://api.fiskl.com`. */
  readonly baseUrl?: string;
  /** How webhooks are verified; without it they are refused. */
  readonly webhook?: WebhookOptions;
}

/** What the two kinds of connected app share. One of `endpoints` and `discovery` is needed: Fiskl publishes neither. */
export interface FisklAppOptions extends FisklCommonOptions {
  readonly clientId: string;
  /** Registered, byte for byte: `https://...`, or `http://localhost[:port]/...` for development. */
  readonly redirectUri: string;
  /** Where Fiskl's authorization server answers, as Fiskl told you. */
  readonly endpoints?: {
    readonly authorization: string;
    readonly token: string;
    /** RFC 7009. Without it disconnecting reports that Fiskl cannot be told. */
    readonly revocation?: string;
  };
  /** Read the metadata document of `issuer` (RFC 8414) for what `endpoints` leaves out. Whether there is one is not documented. */
  readonly discovery?: boolean;
  /** The authorization server's identifier. Default `https://my.fiskl.com`, assumed. */
  readonly issuer?: string;
  /** Scope asked for where `connect` names none; part of what the app was registered with. */
  readonly scope?: readonly FisklScope[];
  /**
   * What becomes of refresh tokens; Fiskl documents nothing of them. `"observed"` (default): use one where it comes, keep a new
   * one in its place. `"fixed"`, `"rotating"`: known to be so. `"none"`: connect again when the access token ends.
   */
  readonly refresh?: "observed" | "fixed" | "rotating" | "none";
}

/** A connected app with a secret. */
export interface FisklConfidentialOptions extends FisklAppOptions {
  readonly client: "confidential";
  /** Shown once at registration; a lost one means another app. */
  readonly clientSecret: SecretSource;
  /** How the client proves itself. Default `"basic"`, assumed. `"post"`: in the body. */
  readonly authentication?: "basic" | "post";
  /** Send PKCE (S256). Default `true`; `false` only if Fiskl refuses it from this kind of app. */
  readonly pkce?: boolean;
}

/** A connected app without a secret: PKCE (S256) takes its place, always. */
export interface FisklPublicOptions extends FisklAppOptions {
  readonly client: "public";
}

/** An API key: your own account, no users, nothing to renew. */
export interface FisklKeyOptions extends FisklCommonOptions {
  readonly client: "key";
  /** `fsk_...`. */
  readonly apiKey: SecretSource;
}

/** The three kinds of client that Fiskl knows. */
export type FisklOptions = FisklConfidentialOptions | FisklPublicOptions | FisklKeyOptions;
