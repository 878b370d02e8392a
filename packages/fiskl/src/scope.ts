import { bad } from "./checks.ts";

/** Scopes of connected apps. The list grows at Fiskl's pace, and is not all there is: others are passed through. */
export type FisklScope =
  | `${"contacts" | "invoicing" | "payments" | "products" | "bills" | "accounting" | "banking" | "company" | "webhooks"}:${"read" | "write"}`
  | `${"reports" | "taxes" | "audit"}:read`
  | (string & {});

/** RFC 6749, section 3.3. */
const scopeToken = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/** A permission of an API key, such as `invoice.read`. */
const permission = /^[a-z][a-z0-9_-]*\.[a-z][a-z0-9_-]*$/;

/**
 * @throws {ConnectorError} `configuration` for what is no scope (RFC 6749, section 3.3), and for the `area.action` of API keys.
 */
export function checkedScope(scope: readonly string[]): readonly string[] {
  for (const entry of scope) {
    if (typeof entry === "string" && scopeToken.test(entry) && !permission.test(entry)) continue;
    bad("scope", 'must hold scopes, one each, such as "area:action"; "area.action" names permissions of API keys');
  }
  return [...new Set(scope)];
}
