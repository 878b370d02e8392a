import { randomUUID } from "node:crypto";
import type { Context, Hono } from "hono";
import type { FiskilConsent, FiskilSession, FiskilState } from "./options.ts";
import { authorize, cursorRefusal, paged, refuse, type Version } from "./wire.ts";

/** What a user agreed to, whether through the hosted page or by a test's shortcut. */
export type ConsentWish = Pick<FiskilSession, "endUserId" | "permissions" | "arrangementId"> & {
  readonly institutionId: string;
};

/** Starts a consent, or renews the arrangement that is named: its end is set on the clock, its webhooks go out. */
export function startConsent(state: FiskilState, wish: ConsentWish): FiskilConsent {
  const { clock, switches, consents } = state;
  const now = clock.now();
  const { consentDuration: duration, consentListedAfter } = switches;
  const before = wish.arrangementId === undefined ? undefined : consents.get(wish.arrangementId);
  const consent: FiskilConsent = {
    createdAt: now,
    listedAt: now + consentListedAfter,
    arrangementId: randomUUID(),
    endUserId: wish.endUserId,
    institutionId: wish.institutionId,
    permissions: wish.permissions ?? ["accounts", "balances", "transactions"],
    accounts: state.accountsOf(wish.endUserId, wish.institutionId),
    ...before,
    consentId: randomUUID(),
    duration,
    lastConsentAt: now,
    expiresAt: now + duration * 1000,
    active: true,
    terminationReason: null,
  };
  consents.set(consent.arrangementId, consent);

  const { consentId } = consent;
  clock.after(duration * 1000, () => {
    // A renewal put another consent in its place.
    const current = consents.get(consent.arrangementId);
    if (current?.consentId === consentId) endConsent(state, current, "Expired");
  });
  const announce = () => {
    state.emit(before ? "consent.updated" : "consent.received", consent);
    if (!switches.syncEvents) return;
    const account_ids = consent.accounts.map(({ account_id }) => account_id);
    state.emit("common.identity.sync.completed", consent);
    for (const kind of ["accounts", "balances", "transactions"]) {
      state.emit(`banking.${kind}.sync.completed`, consent, { account_ids });
    }
  };
  if (consentListedAfter > 0) clock.after(consentListedAfter, announce);
  else announce();
  return consent;
}

/** Ends a consent, whoever ended it; the webhook does not say who. An ended one stays as it is. */
export function endConsent(state: FiskilState, consent: FiskilConsent, reason: string): void {
  if (!consent.active) return;
  consent.active = false;
  consent.terminationReason = reason;
  state.emit("consent.revoked", consent);
}

/** Consents of one end user, or of all, that lists show by now. */
export function listedConsents({ consents, clock }: FiskilState, endUserId?: string): FiskilConsent[] {
  return [...consents.values()].filter(
    (consent) => (endUserId === undefined || consent.endUserId === endUserId) && clock.now() >= consent.listedAt,
  );
}

/** `/v1/consent`. */
export function serveConsents(app: Hono, state: FiskilState, versionOf: (context: Context) => Version): void {
  app.get("/v1/consent", (context) => {
    const token = authorize(state, context, "api:user.read", "goa");
    if (token instanceof Response) return token;
    const { end_user_id: endUserId, active } = context.req.query();
    if (endUserId !== undefined && !state.endUsers.has(endUserId)) {
      return refuse("goa", 404, "end_user_not_found", "no such end user");
    }
    const found = listedConsents(state, endUserId).filter(
      (consent) => active === undefined || String(consent.active) === active,
    );
    const shape = (consent: FiskilConsent) => shown(state, consent);
    if (versionOf(context) !== "v3") return context.json(found.map(shape));
    const page = paged(state, context, found);
    return page ? context.json({ consents: page.items.map(shape), links: page.links }) : cursorRefusal("goa");
  });

  app.delete("/v1/consent/:arrangement", (context) => {
    const token = authorize(state, context, "api:user.write", "goa");
    if (token instanceof Response) return token;
    const consent = state.consents.get(context.req.param("arrangement"));
    if (consent) endConsent(state, consent, "Revoked");
    return context.body(null, 204);
  });
}

function shown(state: FiskilState, consent: FiskilConsent): Record<string, unknown> {
  const institution = state.institutions.find(({ id }) => id === consent.institutionId);
  const instant = (time: number) => new Date(time).toISOString().replace(".000Z", "Z");
  return {
    arrangement_id: consent.arrangementId,
    active: consent.active,
    end_user_id: consent.endUserId,
    end_user_email: state.endUsers.get(consent.endUserId)?.email,
    institution_id: consent.institutionId,
    institution_name: institution?.name,
    institution_type: institution?.industry,
    institution_logo: "https://img.example/l.svg",
    account_ids: consent.accounts.map(({ account_id }) => account_id),
    permissions: consent.permissions,
    duration: consent.duration,
    created_at: instant(consent.createdAt),
    expires_at: instant(consent.expiresAt),
    last_accessed: instant(consent.lastConsentAt),
    last_consent: instant(consent.lastConsentAt),
    termination_reason: consent.terminationReason,
    app_name: "Demo",
    app_logo: "https://app.example/l.png",
  };
}
