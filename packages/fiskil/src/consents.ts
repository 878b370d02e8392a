import {
  type ConnectionContext,
  type ConsentReading,
  isConnectorError,
  type ProviderContext,
  type Revocation,
} from "@linkwright/core";
import * as z from "zod";
import { list, segment } from "./answers.ts";
import { endUserOf } from "./guard.ts";
import { instant, isFlowing, lookedForUntil, type Names, namedIn, newest } from "./matching.ts";
import { refs } from "./refs.ts";

const text = z.string().optional();

const consent = z.looseObject({
  /** What revoking names. Webhooks name a consent by another id, `consent_id`. */
  arrangement_id: z.string().min(1),
  active: z.boolean(),
  end_user_id: text,
  institution_id: text,
  institution_name: text,
  institution_type: text,
  account_ids: z.array(z.string()).nullish(),
  permissions: z.array(z.string()).nullish(),
  duration: z.number().optional(),
  created_at: text,
  expires_at: z.string().nullish(),
  last_accessed: z.string().nullish(),
  last_consent: z.string().nullish(),
  termination_reason: z.string().nullish(),
});

/** A consent as Fiskil lists it, under Fiskil's names. Times are ISO 8601, `duration` is seconds. */
export interface Consent extends z.output<typeof consent> {}

/** Which consents are listed. */
export interface ConsentsQuery {
  readonly endUserId: string;
  /** Only those that are active, or only those that are not. */
  readonly active?: boolean;
}

/** Consents of any end user. */
export interface Consents {
  /** Every page. Needs the scope `api:user.read` on the API key. */
  list(query: ConsentsQuery): Promise<Consent[]>;
  /**
   * Ends a consent; Fiskil answers alike for one that it does not know. That of a connection ends with `connection.disconnect()`.
   * Needs `api:user.write`.
   */
  revoke(arrangementId: string): Promise<void>;
}

export function consents(context: ProviderContext): Consents {
  return {
    list: ({ endUserId, active }) =>
      list(context, "/v1/consent", "consents", consent, { end_user_id: endUserId, active }),
    async revoke(arrangementId) {
      await context.call(`/v1/consent/${segment(arrangementId)}`, { method: "DELETE" });
    },
  };
}

/**
 * Asks how a connection's consent stands. Neither a callback nor a session names the arrangement it led to, so that of a flow is
 * found by what is known of it: the institution, and that it is no older than the flow. While a connection is connected again,
 * the arrangement it has stands until the new one is there.
 *
 * @param clockSkew - Seconds by which this machine's clock may run ahead.
 */
export function confirmConsent(clockSkew: number) {
  return async (context: ConnectionContext, hint: Names = {}): Promise<ConsentReading> => {
    const { data } = context.connection;
    const endUserId = endUserOf(context.connection);
    const listed = await consents(context).list({ endUserId }).catch(deletedUser);
    if (!listed) return { consent: "ended" };
    const since = Number(data.startedAt) - clockSkew * 1000;
    // What was published before the flow began is about another consent.
    const message = Number(hint.publishedAt) < since ? {} : hint;
    const flowing = isFlowing(data) && context.clock.now() < lookedForUntil(data);
    const fresh = flowing && newest(listed, data.institutionId || message.institutionId, data.renews, since);
    const found = fresh || listed.find(({ arrangement_id }) => arrangement_id === data.arrangementId);
    if (!found?.active) return { consent: flowing || !data.arrangementId ? "pending" : "ended" };

    // While a new consent is awaited, a message may be about that one, and the end of the one before is its consequence.
    const settled = fresh || !flowing;
    const confirmedSession = (fresh ? data.sessionId : data.confirmedSession) ?? "";
    const { arrangement_id: arrangementId, institution_id: institutionId = "", permissions } = found;
    const consentId = (settled && namedIn(message, found, listed)) || (!fresh && data.consentId) || "";
    // At the bank, what was agreed to before may stand on.
    const replaced = [...idsIn(data.replaced), ...idsIn(data.arrangementId)]
      .filter((id) => id !== arrangementId && listed.some((one) => one.active && one.arrangement_id === id))
      .join(" ");
    const consentExpiresAt = instant(found.expires_at);
    return {
      consent: "active",
      account: endUserId,
      data: {
        endUserId,
        arrangementId,
        institutionId,
        consentId,
        confirmedSession,
        ...((replaced || data.replaced) && { replaced }),
      },
      refs: [
        refs.endUser(endUserId),
        refs.arrangement(arrangementId),
        ...(consentId && settled ? [refs.consent(consentId)] : []),
      ],
      ...(consentExpiresAt !== undefined && { consentExpiresAt }),
      ...(permissions && { scope: permissions }),
    };
  };
}

/**
 * Revokes the connection's own consent, and those that it replaced and that still stand. The application's token opens other
 * users' data and is left alone.
 */
export function disconnectConsent(clockSkew: number) {
  return async (context: ConnectionContext): Promise<readonly Revocation[]> => {
    const { data } = context.connection;
    // The user may have consented without our having heard of it.
    const reading = isFlowing(data) ? await confirmConsent(clockSkew)(context) : undefined;
    const found = reading?.consent === "active" ? reading.data?.arrangementId : undefined;
    const own = new Set([data.replaced, data.arrangementId, found].flatMap(idsIn));
    const { revoke } = consents(context);
    let result: Revocation["result"] = "already_gone";
    for (const arrangementId of own) if (await revoke(arrangementId).then(() => true, gone)) result = "revoked";
    return [{ what: "consent", result }];
  };
}

/** One that is gone must not keep the others from being revoked. */
function gone(error: unknown): false {
  if (isConnectorError(error) && error.fault.kind === "gone") return false;
  throw error;
}

/** The ids of arrangements, with spaces between. */
const idsIn = (ids: string | undefined): string[] => ids?.split(" ").filter(Boolean) ?? [];

/** Only that the user is no more ends a consent: a 404 of another kind is a wrong path. */
function deletedUser(error: unknown): undefined {
  if (isConnectorError(error) && error.fault.kind === "gone" && error.details.code === "end_user_not_found") return;
  throw error;
}
