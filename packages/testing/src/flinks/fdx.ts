import { randomUUID } from "node:crypto";
import type { Context, Hono } from "hono";
import type { Grant } from "../oauth/grants.ts";
import { bearerToken } from "../oauth/token-response.ts";
import type { Refusal } from "../simulator.ts";
import type { FlinksAccount, FlinksUser } from "./data.ts";
import type { FlinksState } from "./options.ts";

/** An error in FDX's numbering, which is not HTTP's. */
class FdxError extends Error {
  readonly code: number;
  readonly status: number;

  constructor(code: number, status: number, message: string) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

const base = "/api/fdx/5";

/** An error by where it happens: numbered on data endpoints, in OAuth's words elsewhere. */
export function flinksRefusal(status: number, path: string): Refusal {
  const contentType = "application/json";
  const message = `The simulator was asked for ${status}.`;
  if (path.startsWith(base)) {
    return { body: { code: status === 429 ? 1207 : status, message, debugMessage: message }, contentType };
  }
  const error = status === 503 ? "temporarily_unavailable" : status >= 500 ? "server_error" : "invalid_request";
  return { body: { error, error_description: message }, contentType };
}

/** The data endpoints: customers, accounts, transactions, payment networks, statements. */
export function serveFdx(app: Hono, state: FlinksState): void {
  const serve = (
    path: string,
    scopes: readonly string[],
    answer: (user: FlinksUser, context: Context, grant: Grant) => Response,
  ) =>
    app.get(base + path, (context) => {
      const response = guarded(state, context, scopes, answer);
      response.headers.set("ob-correlation-id", context.req.header("ob-correlation-id") ?? randomUUID());
      response.headers.set("ob-trace-id", randomUUID().replaceAll("-", ""));
      return response;
    });

  serve("/customers/current", ["CUSTOMER_CONTACT", "CUSTOMER_PERSONAL"], (user) =>
    Response.json({
      customerId: user.customerId,
      name: user.name,
      addresses: [],
      telephones: [],
      email: user.email,
    }),
  );

  serve("/accounts", ["ACCOUNT_BASIC"], (user, context, grant) => {
    const detailed = context.req.query("resultType") === "details";
    if (detailed && !grant.scope.includes("ACCOUNT_DETAILED")) throw notAuthorized();
    const ids = context.req.query("accountIds")?.split(",");
    const accounts = user.accounts.filter(({ accountId }) => !ids || ids.includes(accountId));
    return paged(
      state,
      context,
      "accounts",
      accounts.map((account) => wrapped(account, detailed)),
    );
  });

  serve("/accounts/:id", ["ACCOUNT_BASIC"], (user, context, grant) =>
    Response.json(wrapped(accountOf(user, context), grant.scope.includes("ACCOUNT_DETAILED"))),
  );

  serve("/accounts/:id/transactions", ["TRANSACTIONS"], (user, context) => {
    const account = accountOf(user, context);
    const from = instant(context.req.query("startTime"), Number.NEGATIVE_INFINITY);
    const until = instant(context.req.query("endTime"), Number.POSITIVE_INFINITY);
    if (from > until) throw new FdxError(703, 400, "Invalid date range");
    const kind = account.kind.replace("Account", "Transaction");
    const transactions = account.transactions
      .filter(({ transactionTimestamp }) => {
        const at = Date.parse(transactionTimestamp);
        return at >= from && at <= until;
      })
      .map((transaction) => ({ [kind]: { accountId: account.accountId, ...transaction } }));
    return paged(state, context, "transactions", transactions);
  });

  serve("/accounts/:id/payment-networks", ["ACCOUNT_PAYMENTS"], (user, context, grant) => {
    const account = accountOf(user, context);
    const bank = state.providers.find(({ provider_id }) => String(provider_id) === grant.details.providerId);
    if (!bank?.paymentNetworks) throw new FdxError(501, 405, "Subsystem unavailable");
    const network = { bankId: "000100200", identifier: account.accountId, type: "CA_ACSS", transferIn: true };
    return paged(state, context, "paymentNetworks", [network]);
  });

  serve("/accounts/:id/statements", ["STATEMENTS"], (user, context) => {
    const { accountId, statements = [] } = accountOf(user, context);
    return paged(
      state,
      context,
      "statements",
      statements.map((statement) => ({ accountId, ...statement })),
    );
  });

  serve("/accounts/:id/statements/:statementId", ["STATEMENTS"], (user, context) => {
    const wanted = context.req.param("statementId");
    const found = accountOf(user, context).statements?.some(({ statementId }) => statementId === wanted);
    if (!found) throw new FdxError(1107, 404, "Data not found for request parameters");
    return new Response("%PDF-1.4\n%%EOF\n", { headers: { "content-type": "application/pdf" } });
  });
}

function guarded(
  state: FlinksState,
  context: Context,
  scopes: readonly string[],
  answer: (user: FlinksUser, context: Context, grant: Grant) => Response,
): Response {
  const { switches, grants, users } = state;
  try {
    if (switches.throttled) throw new FdxError(1207, switches.throttled.status, "Too many requests");
    const value = bearerToken(context.req.raw);
    const grant = value === undefined ? undefined : grants.valid(value)?.grant;
    // A token that is no good gets a message alone, unlike every other error here.
    if (!grant) return Response.json({ message: "Unauthorized" }, { status: switches.staleTokenStatus });
    const user = [...users.values()].find(({ customerId }) => customerId === grant.subject);
    if (!user) throw new FdxError(601, 404, "Customer not found");
    const { notAuthorized: gone } = switches;
    if (gone === "everywhere" || gone.some((path) => path.test(context.req.path))) throw notAuthorized();
    if (!scopes.some((scope) => grant.scope.includes(scope))) throw notAuthorized();
    return answer(user, context, grant);
  } catch (error) {
    if (!(error instanceof FdxError)) throw error;
    const { code, message, status } = error;
    const { retryAfter } = (code === 1207 && switches.throttled) || {};
    return Response.json(
      { code, message, debugMessage: `${message}; ${context.req.path}` },
      { status, headers: retryAfter === undefined ? {} : { "retry-after": retryAfter } },
    );
  }
}

const notAuthorized = () => new FdxError(602, 401, "Customer not authorized");

function accountOf(user: FlinksUser, context: Context): FlinksAccount {
  const account = user.accounts.find(({ accountId }) => accountId === context.req.param("id"));
  if (!account) throw new FdxError(701, 404, "Account not found");
  if (account.closed) throw new FdxError(705, 409, "Account closed");
  return account;
}

/** Of a lightweight account, the full number and the available balance stay behind. */
function wrapped({ kind, accountId, account }: FlinksAccount, detailed: boolean): Record<string, unknown> {
  const { accountNumber, availableBalance, ...light } = account;
  return { [kind]: { accountId, ...(detailed ? account : light) } };
}

function instant(text: string | undefined, absent: number): number {
  if (text === undefined) return absent;
  const time = Date.parse(text);
  if (Number.isNaN(time)) throw new FdxError(702, 400, "Invalid start or end date");
  return time;
}

/** A page by opaque offset, with the next one as a number to send back and as a link. */
function paged(state: FlinksState, context: Context, name: string, items: readonly unknown[]): Response {
  const { offset, limit = "100" } = context.req.query();
  const start = offset === undefined ? 0 : Number.parseInt(Buffer.from(offset, "base64url").toString(), 10);
  const size = Number(limit);
  if (!(start >= 0) || !Number.isInteger(size) || size < 1) throw new FdxError(401, 400, "Invalid input");
  const end = start + size;
  if (end >= items.length) {
    return Response.json({ page: { totalElements: items.length }, links: {}, [name]: items.slice(start) });
  }
  const nextOffset = Buffer.from(String(end)).toString("base64url");
  const next = new URL(`${state.origin}${context.req.path}`);
  for (const [key, value] of Object.entries(context.req.query())) next.searchParams.set(key, value);
  next.searchParams.set("offset", nextOffset);
  return Response.json({
    page: { nextOffset, totalElements: items.length },
    links: { next: { href: next.href } },
    [name]: items.slice(start, end),
  });
}
