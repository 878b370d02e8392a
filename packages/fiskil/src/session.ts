import {
  type BeginRequest,
  ConnectorError,
  type FaultReading,
  type HostedSession,
  isConnectorError,
  misconfigured,
  type ProviderContext,
} from "@linkwright/core";
import * as z from "zod";
import { parsed } from "./answers.ts";
import { endUsers } from "./end-users.ts";
import { said } from "./errors.ts";
import type { ConnectParameters } from "./parameters.ts";

const sessionAnswer = z.object({
  // `id` is the team's, not the session's.
  session_id: z.string().min(1),
  auth_url: z.string().min(1),
  expires_at: z.unknown(),
});

/**
 * Opens an auth session: the end user is created where asked for, then `POST /v1/auth/session`.
 *
 * @param authOrigin - The origin that `auth_url` must lead to, or a subdomain of it.
 */
export function beginSession(authOrigin: string) {
  return async (context: ProviderContext, request: BeginRequest<ConnectParameters>): Promise<HostedSession> => {
    const { parameters, state, connection } = request;
    const { permissions, arrangementId, endUser } = parameters;
    const institutionId = parameters.institutionId ?? (connection?.data.institutionId || undefined);
    const before = connection?.data.endUserId;
    if (before && (endUser || (parameters.endUserId ?? before) !== before))
      throw misconfigured(
        "fiskil: connecting again keeps the end user; leave out endUser and endUserId, or start a new connection",
      );
    const existing = parameters.endUserId ?? before;
    if (!existing && !endUser) throw misconfigured("fiskil: connect needs endUserId, or endUser to create one");

    const startedAt = context.clock.now();
    const endUserId = existing ?? (await endUsers(context).create(endUser ?? {})).id;
    try {
      const answer = await context.call("/v1/auth/session", {
        method: "POST",
        json: {
          end_user_id: endUserId,
          redirect_uri: withState(request.redirectUri, state),
          cancel_uri: withState(request.cancelUri, state),
          institution_id: institutionId,
          permissions,
          arrangement_id: arrangementId,
        },
      });
      const session = parsed(sessionAnswer, answer, "POST /v1/auth/session");
      const expiresAt = instant(session.expires_at);
      return {
        url: checkedUrl(session.auth_url, authOrigin),
        handle: session.session_id,
        ...(expiresAt !== undefined && { expiresAt }),
        ...(permissions && { scope: permissions }),
        // Every member each time: connecting again writes over what the last flow left.
        data: {
          endUserId,
          sessionId: session.session_id,
          startedAt: String(startedAt),
          sessionExpiresAt: String(expiresAt ?? ""),
          institutionId: institutionId ?? "",
          renews: arrangementId ?? "",
        },
      };
    } catch (error) {
      throw existing ? error : withEndUser(error, endUserId);
    }
  };
}

/** The session's id in a callback: documented as `session_id`, elsewhere called `sess_id`. */
export function sessionHandle(callback: URLSearchParams): string | undefined {
  return callback.get("session_id") || callback.get("sess_id") || undefined;
}

/** Whatever the reason, the session is spent: every further try needs a new flow. */
const refusals: Readonly<Record<string, FaultReading["kind"]>> = {
  AUTH_SESSION_CANCELLED: "cancelled",
  CONSENT_ENDUSER_DENIED: "cancelled",
  // Only the user can mend it, at the bank: another try now would end the same way.
  CONSENT_ENDUSER_INELIGIBLE: "permission",
  AUTH_SESSION_INVALID: "retry",
  CONSENT_UPSTREAM_PROCESSING_ERROR: "retry",
  CONSENT_OTP_FAILURE: "retry",
  CONSENT_TIMEOUT: "retry",
  CONSUMERDATA_PROCESSING_ERROR: "retry",
};

/** Reads a callback to `cancel_uri`. What to do is in `error_type`; `error` is coarse, and not documented for most types. */
export function sessionRefusal(callback: URLSearchParams): FaultReading | undefined {
  const code = callback.get("error_type");
  if (!code) return undefined;
  const kind =
    (Object.hasOwn(refusals, code) && refusals[code]) ||
    (callback.get("error") === "access_denied" ? "cancelled" : "retry");
  const description = callback.get("error_description") ?? undefined;
  return { kind, ...said({ code, description, id: callback.get("error_id") ?? undefined }) };
}

/** Appended as text, so that the caller's own query stays byte for byte. */
function withState(uri: string, state: string): string {
  return `${uri}${uri.includes("?") ? "&" : "?"}state=${encodeURIComponent(state)}`;
}

/** Fiskil's samples show it as a URL, and once without a scheme. The browser is sent there, so it must be Fiskil's own. */
function checkedUrl(authUrl: string, authOrigin: string): string {
  const own = new URL(authOrigin);
  const text = authUrl.includes("://") ? authUrl : `${own.protocol}//${authUrl.replace(/^\/+/, "")}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (
    url &&
    url.protocol === own.protocol &&
    !url.username &&
    !url.password &&
    (url.host === own.host || url.host.endsWith(`.${own.host}`))
  )
    return url.href;
  throw new ConnectorError(
    { kind: "protocol" },
    `fiskil: the session's auth_url does not lead to ${authOrigin}; if Fiskil moved its consent pages, set authOrigin.`,
  );
}

/** Unix seconds by the reference, RFC 3339 in the quick start. */
function instant(value: unknown): number | undefined {
  const seconds = typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value;
  const ms = typeof seconds === "number" ? seconds * 1000 : Date.parse(String(seconds));
  return Number.isFinite(ms) && ms > 0 ? ms : undefined;
}

/** A user was created and the session was not: who tries again must not create another. */
function withEndUser(error: unknown, endUserId: string): unknown {
  if (!isConnectorError(error)) return error;
  const message = `${error.message} The end user was created: try again with endUserId "${endUserId}".`;
  const support = { ...error.details.support, end_user_id: endUserId };
  return new ConnectorError(error.fault, message, { ...error.details, support });
}
