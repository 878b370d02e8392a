import { bad } from "./checks.ts";

/** Scopes of connected apps. The list grows at Fiskl's pace: others of the form `area:action` are passed through. */
export type FisklScope =
  | `${"contacts" | "invoicing" | "payments" | "products" | "bills" | "accounting" | "banking" | "company" | "webhooks"}:${"read" | "write"}`
  | `${"reports" | "taxes" | "audit"}:read`
  | (`${string}:${string}` & {});

/**
 * @throws {ConnectorError} `configuration` for what is not of the form `area:action`, such as the `area.action` of API keys.
 */
export function checkedScope(scope: readonly string[]): readonly string[] {
  for (const entry of scope) {
    if (typeof entry === "string" && /^[a-z][a-z0-9_-]*:[a-z][a-z0-9_-]*$/.test(entry)) continue;
    bad("scope", 'must hold entries of the form "area:action", one each; "area.action" names permissions of API keys');
  }
  return [...new Set(scope)];
}
