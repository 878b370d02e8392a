import {
  type ConnectionContext,
  type ConsentReading,
  days,
  isConnectorError,
  type ProviderContext,
  type Revocation,
} from "@linkwright/core";
import * as z from "zod";
import { list, segment } from "./answers.ts";
import { endUserOf } from "./guard.ts";
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

/** How long a flow may wait for its consent: an auth session lives five days. */
const longestFlow = days(5) * 1000;

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
    const flowing = isFlowing(data) && context.clock.now() - Number(data.startedAt) < longestFlow;
    const fresh = flowing && newest(listed, data.institutionId || hint.institutionId, data, clockSkew);
    const found = fresh || listed.find(({ arrangement_id }) => arrangement_id === data.arrangementId);
    if (!found?.active) return { consent: flowing || !data.arrangementId ? "pending" : "ended" };

    const confirmedSession = (fresh ? data.sessionId : data.confirmedSession) ?? "";
    const { arrangement_id: arrangementId, institution_id: institutionId = "", permissions } = found;
    const consentId = consentIdOf(found, listed, data, hint);
    const consentExpiresAt = instant(found.expires_at);
    return {
      consent: "active",
      account: endUserId,
      data: { endUserId, arrangementId, institutionId, consentId, confirmedSession },
      // While a new consent is awaited, the end of the one before is its consequence, and must not end the connection.
      refs: [
        refs.endUser(endUserId),
        refs.arrangement(arrangementId),
        ...(consentId && (fresh || !flowing) ? [refs.consent(consentId)] : []),
      ],
      ...(consentExpiresAt !== undefined && { consentExpiresAt }),
      ...(permissions && { scope: permissions }),
    };
  };
}

/** Revokes the connection's own consent. The application's token opens other users' data and is left alone. */
export function disconnectConsent(clockSkew: number) {
  return async (context: ConnectionContext): Promise<readonly Revocation[]> => {
    const { data } = context.connection;
    // The user may have consented without our having heard of it.
    const reading = isFlowing(data) ? await confirmConsent(clockSkew)(context) : undefined;
    const found = reading?.consent === "active" ? reading.data?.arrangementId : undefined;
    const own = [...new Set([data.arrangementId, found])].filter((id) => id !== undefined);
    for (const arrangementId of own) await consents(context).revoke(arrangementId);
    return [{ what: "consent", result: own.length > 0 ? "revoked" : "already_gone" }];
  };
}

/** Whether a flow came back whose consent has not been found yet. */
const isFlowing = (data: Names): boolean => data.sessionId !== data.confirmedSession;

/** Only that the user is no more ends a consent: a 404 of another kind is a wrong path. */
function deletedUser(error: unknown): undefined {
  if (isConnectorError(error) && error.fault.kind === "gone" && error.details.code === "end_user_not_found") return;
  throw error;
}

type Names = Readonly<Record<string, string>>;

function newest(
  consents: readonly Consent[],
  institution: string | undefined,
  flow: Names,
  skew: number,
): Consent | undefined {
  const since = Number(flow.startedAt) - skew * 1000;
  return consents
    .filter(({ active, institution_id }) => active && (!institution || institution_id === institution))
    .filter((one) => one.arrangement_id === flow.renews || givenAt(one) >= since)
    .sort((one, other) => givenAt(other) - givenAt(one))[0];
}

/** When it was given, or given again; consents without a time are older than any. */
function givenAt({ created_at, last_consent }: Consent): number {
  return Math.max(instant(created_at) ?? 0, instant(last_consent) ?? 0);
}

/**
 * The consent id that a message named, if it can only be this one's: how it relates to the arrangement id is not documented, and
 * with two consents at one institution it might be the other's, whose end would then be taken for this one's.
 */
function consentIdOf(found: Consent, consents: readonly Consent[], data: Names, hint: Names): string {
  const there = consents.filter(({ active, institution_id }) => active && institution_id === found.institution_id);
  const named = there.length === 1 && hint.institutionId === found.institution_id && hint.consentId;
  return named || (found.arrangement_id === data.arrangementId && data.consentId) || "";
}

function instant(time: string | null | undefined): number | undefined {
  const ms = Date.parse(time ?? "");
  return Number.isNaN(ms) ? undefined : ms;
}
