/** What a connected app's scopes allow, in the permissions that Fiskl checks. */
export const scopePermissions: Readonly<Record<string, readonly string[]>> = {
  "contacts:read": ["client.read", "vendor.read"],
  "contacts:write": ["client.write", "vendor.write"],
  "invoicing:read": ["invoice.read", "quote.read"],
  "invoicing:write": [
    "invoice.create",
    "invoice.update",
    "invoice.send",
    "invoice.void",
    "invoice.delete",
    "quote.write",
  ],
  "payments:read": ["payment.read", "payment_instruction.read"],
  "payments:write": ["payment.create", "payment.delete"],
  "products:read": ["product.read"],
  "products:write": ["product.write"],
  "bills:read": ["bill.read"],
  "bills:write": ["bill.write"],
  "accounting:read": ["accounting.read", "fx_rate.read"],
  "accounting:write": ["accounting.reconcile"],
  "banking:read": ["bank_connection.read"],
  "banking:write": ["bank_connection.write"],
  "company:read": ["company.read"],
  "company:write": ["company.write"],
  "reports:read": ["report.read", "report.export"],
  "taxes:read": ["tax.read"],
  "audit:read": ["audit.read"],
  "webhooks:read": [],
  "webhooks:write": [],
};

/** Every scope there is. */
export const fisklScopes: readonly string[] = Object.keys(scopePermissions);

/** What somebody has who may do everything, installing apps included. */
export const everyPermission: readonly string[] = [...Object.values(scopePermissions).flat(), "oauth_app.install"];

/** What a token can do now: what its scopes stand for, as far as the user still may. */
export function effectivePermissions(scopes: readonly string[], user: ReadonlySet<string>): string[] {
  return scopes.flatMap((scope) => scopePermissions[scope] ?? []).filter((permission) => user.has(permission));
}
