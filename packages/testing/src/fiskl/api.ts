import type { Context } from "hono";
import { Hono } from "hono";
import { bearerToken } from "../oauth/token-response.ts";
import type { FisklInvoice, FisklState, FisklUser } from "./options.ts";
import { effectivePermissions } from "./scopes.ts";

interface Caller {
  readonly user: FisklUser;
  readonly permissions: readonly string[];
  /** Absent for an API key. */
  readonly scopes?: readonly string[];
}

/** `/v1`: what the API serves of a company's books. */
export function fisklApi(state: FisklState): Hono {
  const { switches } = state;
  const app = new Hono();
  const serve = (
    method: "GET" | "POST",
    path: string,
    permission: string | undefined,
    answer: (caller: Caller, context: Context) => unknown,
  ) =>
    app.on(method, `/v1${path}`, async (context) => {
      const caller = identify(state, context.req.raw);
      if (!caller) {
        return refuse(401, "Unauthorized", "The credential is missing, expired or revoked.", {
          "www-authenticate": 'Bearer error="invalid_token"',
        });
      }
      if (switches.subscription !== "active") {
        return refuse(switches.subscription, "Subscription", "The subscription is not active.");
      }
      if (permission !== undefined && !caller.permissions.includes(permission)) {
        return refuse(403, "Forbidden", `This needs ${permission}.`, {
          "www-authenticate": 'Bearer error="insufficient_scope"',
        });
      }
      const body = await answer(caller, context);
      return body instanceof Response ? body : Response.json(body);
    });

  serve("GET", "/date-periods", undefined, () => [
    { name: "This Month", start: "2026-01-01", end: "2026-01-31" },
    { name: "Last Month", start: "2025-12-01", end: "2025-12-31", isDefault: true },
  ]);
  serve("GET", "/me/permissions", undefined, ({ permissions, scopes }) => ({ permissions, ...(scopes && { scopes }) }));
  serve("GET", "/clients", "client.read", ({ user }, context) => list(state, context, user.company.clients));
  serve("GET", "/invoices", "invoice.read", ({ user }, context) => list(state, context, user.company.invoices));
  serve("GET", "/invoices/:id", "invoice.read", ({ user }, context) => {
    const found = user.company.invoices.find(({ id }) => String(id) === context.req.param("id"));
    return found ?? refuse(404, "Not Found", "No such invoice.");
  });
  serve("POST", "/invoices", "invoice.create", async ({ user }, context) => createInvoice(user, await json(context)));
  app.notFound(() => refuse(404, "Not Found", "No such resource."));
  return app;
}

/** Both kinds of credential come in one header. What they can do is looked up at each call. */
function identify({ grants, users, apiKeys, now }: FisklState, request: Request): Caller | undefined {
  const credential = bearerToken(request) ?? "";
  if (credential.startsWith("fsk_")) {
    const key = apiKeys.get(credential);
    const owner = users.get(key?.user ?? "");
    if (!key || !owner || key.revoked || now() >= (key.expiresAt ?? Number.POSITIVE_INFINITY)) return undefined;
    return { user: owner, permissions: key.permissions.filter((one) => owner.permissions.has(one)) };
  }
  const token = grants.valid(credential);
  const user = users.get(token?.grant?.subject ?? "");
  if (!token || !user) return undefined;
  return { user, permissions: effectivePermissions(token.scope, user.permissions), scopes: token.scope };
}

/** `page` counts from 0; `sort` is a field, and `,desc` where it goes down. */
function list({ switches }: FisklState, context: Context, items: readonly object[]): unknown {
  const { page = "0", size = "20", sort } = context.req.query();
  const [from, count] = [Number(page), Number(size)];
  if (!Number.isInteger(from) || !Number.isInteger(count) || from < 0 || count < 1) {
    return refuse(400, "Bad Request", "page and size are whole numbers.");
  }
  const [field, direction] = (sort ?? "").split(",");
  const value = (item: object) => String((item as Record<string, unknown>)[field ?? ""] ?? "");
  const sorted = field
    ? items.toSorted(
        (a, b) => value(a).localeCompare(value(b), "en", { numeric: true }) * (direction === "desc" ? -1 : 1),
      )
    : items;
  const content = sorted.slice(from * count, (from + 1) * count);
  return switches.listEnvelope === "array"
    ? content
    : { content, page: from, size: count, totalElements: items.length };
}

/** The same `externalId` again yields the invoice of the first time. Totals that are sent count for nothing. */
function createInvoice({ company }: FisklUser, body: Record<string, unknown>): unknown {
  const { externalId, clientId, invoiceDate, dueDate, items } = body;
  const before = externalId === undefined ? undefined : company.invoices.find((one) => one.externalId === externalId);
  if (before) return before;
  if (typeof clientId !== "number" || !Array.isArray(items)) {
    return refuse(400, "Bad Request", "clientId and items are needed.");
  }
  const total = items.reduce((sum: number, item: { quantity?: unknown; price?: unknown }) => {
    return sum + Number(item.quantity ?? 1) * Number(item.price ?? 0);
  }, 0);
  const invoice: FisklInvoice = {
    id: Math.max(4820, ...company.invoices.map(({ id }) => id)) + 1,
    ...(typeof externalId === "string" && { externalId }),
    clientId,
    invoiceDate: String(invoiceDate),
    dueDate: String(dueDate),
    items,
    total,
    status: "Draft",
  };
  company.invoices.push(invoice);
  return Response.json(invoice, { status: 201 });
}

async function json(context: Context): Promise<Record<string, unknown>> {
  const body: unknown = await context.req.json().catch(() => undefined);
  return typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
}

function refuse(status: number, error: string, message: string, headers: Record<string, string> = {}): Response {
  return Response.json({ status, error, message }, { status, headers });
}
