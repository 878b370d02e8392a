import type { Context, Hono } from "hono";
import { listedConsents } from "./consents.ts";
import type { FiskilAccount } from "./data.ts";
import type { FiskilConsent, FiskilState } from "./options.ts";
import { authorize, cursorRefusal, paged, refuse } from "./wire.ts";

/** What a consent opens: accounts, balances, transactions, identity. */
export function serveBanking(app: Hono, state: FiskilState): void {
  const serve = (
    path: string,
    name: string,
    permission: string,
    items: (shared: readonly Shared[], context: Context) => readonly unknown[] | Response,
  ) =>
    app.get(path, (context) => {
      const token = authorize(state, context, "api:banking", "short");
      if (token instanceof Response) return token;
      const endUserId = context.req.query("end_user_id");
      if (endUserId === undefined) return refuse("short", 400, "bad_request", "end_user_id is required");
      // Somebody who was deleted has nothing left, which is no error.
      const consents = state.endUsers.has(endUserId) ? listedConsents(state, endUserId) : [];
      const shared = consents
        .filter((consent) => consent.active && consent.permissions.includes(permission))
        .flatMap((consent) => consent.accounts.map((account) => ({ consent, account })));
      const found = items(shared, context);
      if (found instanceof Response) return found;
      const page = paged(state, context, found);
      return page ? context.json({ [name]: page.items, links: page.links }) : cursorRefusal("short");
    });

  serve("/v1/banking/accounts", "accounts", "accounts", (shared) => shared.map(shownAccount));
  serve("/v1/banking/balances", "balances", "balances", (shared, context) =>
    ofAccount(shared, context).map(({ account: { account_id, balance } }) => ({
      account_id,
      current_balance: balance.current,
      available_balance: balance.available,
      currency: balance.currency,
    })),
  );
  serve("/v1/banking/transactions", "transactions", "transactions", (shared, context) => {
    const { from, to, status } = context.req.query();
    if ([from, to].some((instant) => instant !== undefined && !fullInstant.test(instant))) {
      return refuse("short", 400, "bad_request", "from and to are RFC 3339 instants");
    }
    return ofAccount(shared, context)
      .flatMap(({ account: { account_id, transactions } }) => transactions.map((one) => ({ account_id, ...one })))
      .filter((one) => status === undefined || one.status === status)
      .filter(({ posting_date_time }) => {
        const at = Date.parse(posting_date_time);
        return (from === undefined || at >= Date.parse(from)) && (to === undefined || at <= Date.parse(to));
      });
  });
  serve("/v1/common/identity", "identities", "accounts", (shared, context) => {
    const user = state.endUsers.get(context.req.query("end_user_id") ?? "");
    const first = shared[0];
    return user && first
      ? [{ end_user_id: user.id, institution_id: first.consent.institutionId, name: user.name }]
      : [];
  });
}

interface Shared {
  readonly consent: FiskilConsent;
  readonly account: FiskilAccount;
}

const fullInstant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

function ofAccount(shared: readonly Shared[], context: Context): readonly Shared[] {
  const wanted = context.req.query("account_id");
  return shared.filter(({ account }) => wanted === undefined || account.account_id === wanted);
}

function shownAccount({ consent, account }: Shared): Record<string, unknown> {
  const { balance, transactions, ...shown } = account;
  return {
    ...shown,
    fiskil_id: `fa_${account.account_id}`,
    arrangement_id: consent.arrangementId,
    institution_id: consent.institutionId,
  };
}
