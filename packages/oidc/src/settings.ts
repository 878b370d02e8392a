import type { ClientAuthentication } from "@linkwright/core";
import type { Client, JWKSCacheInput } from "oauth4webapi";
import type { SigningKey } from "./client-key.ts";

/** The options, checked and settled: what one registration does. */
export interface Settings {
  readonly id: string;
  readonly clientId: string;
  readonly clientMetadata: Partial<Client>;
  readonly authentication: ClientAuthentication;
  /** `true`: always pushed; `undefined`: where the server's metadata requires it. */
  readonly par: boolean | undefined;
  /** Signs authorization requests, where they are to be signed. */
  readonly jar: (() => Promise<SigningKey>) | undefined;
  readonly jarm: boolean;
  readonly resource: readonly string[];
  /** Parameters that every authorization request carries. */
  readonly parameters: Readonly<Record<string, string>>;
  /** Signature algorithms to be believed; all that the server names where left out. */
  readonly algorithms: readonly string[] | undefined;
  /** The server's keys, as fetched. */
  readonly jwks: JWKSCacheInput;
}
