import { randomUUID } from "node:crypto";
import type { Context, Hono } from "hono";
import { consentPage, messagePage } from "../consent-page.ts";
import { callback } from "../oauth/authorize.ts";
import { opaque } from "../oauth/grants.ts";
import { startConsent } from "./consents.ts";
import { type FiskilErrorType, type FiskilSession, type FiskilState, fiskilErrorTypes } from "./options.ts";
import { authorize, refuse } from "./wire.ts";

/** Milliseconds that a session waits for its user. */
const patience = 5 * 86_400_000;

/** Where the hosted page stands, under the simulator's own origin. */
export const consentPath = "/consent-ui";

/** `POST /v1/auth/session`, and the hosted page that it leads to. */
export function serveSessions(app: Hono, state: FiskilState): void {
  const { sessions, clock } = state;

  app.post("/v1/auth/session", async (context) => {
    const token = authorize(state, context, "api:user.write", "goa");
    if (token instanceof Response) return token;
    const session = await readSession(state, context);
    if (session instanceof Response) return session;
    sessions.set(session.id, session);
    const seconds = Math.floor(session.expiresAt / 1000);
    return context.json({
      id: state.teamId,
      session_id: session.id,
      auth_url: authUrl(state, session.id),
      expires_at: state.switches.sessionExpiryFormat === "unix" ? seconds : new Date(seconds * 1000).toISOString(),
    });
  });

  /** The session, while somebody may still act on it. */
  const openSession = (context: Context) => {
    const session = sessions.get(context.req.query("sess_id") ?? context.req.query("session") ?? "");
    return session && session.outcome === undefined && clock.now() < session.expiresAt ? session : undefined;
  };
  const invalid = (context: Context) =>
    context.html(messagePage("AUTH_SESSION_INVALID", "This session is unknown, has expired, or was used before."), 400);

  app.get(consentPath, (context) => {
    const session = openSession(context);
    if (!session) return invalid(context);
    const { institutions } = state;
    const offered = institutions.filter(
      ({ id }) => session.institutionId === undefined || id === session.institutionId,
    );
    return context.html(
      consentPage({
        provider: "Fiskil",
        client: "Demo",
        asked: session.permissions ?? ["accounts", "balances", "transactions"],
        choices: [{ name: "institution", label: "Bank", options: offered.map(({ id, name }) => [id, name]) }],
        outcomes: fiskilErrorTypes.map((type) => [type, type]),
      }),
    );
  });

  app.post(consentPath, async (context) => {
    const session = openSession(context);
    if (!session) return invalid(context);
    const form = await context.req.formData();
    const decision = String(form.get("decision") ?? "deny");
    const institutionId = session.institutionId ?? String(form.get("institution") ?? state.institutions[0]?.id);
    const url =
      decision === "approve"
        ? succeed(state, session, institutionId)
        : fail(state, session, errorTypeOf(decision), form.get("error_description"));
    return url === undefined ? context.html(messagePage("Done", "You can close this window.")) : context.redirect(url);
  });
}

async function readSession(state: FiskilState, context: Context): Promise<FiskilSession | Response> {
  const body: unknown = await context.req.json().catch(() => undefined);
  const members = (typeof body === "object" && body !== null ? body : {}) as Record<string, unknown>;
  const text = (name: string) => {
    const value = members[name];
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const endUserId = text("end_user_id");
  if (endUserId === undefined) return refuse("goa", 400, "bad_request", "end_user_id is required");
  if (!state.endUsers.has(endUserId)) return refuse("goa", 404, "end_user_not_found", "no such end user");
  const institutionId = text("institution_id");
  if (institutionId !== undefined && !state.institutions.some(({ id }) => id === institutionId)) {
    return refuse("goa", 400, "invalid_institution_id", "no such institution");
  }
  const [redirectUri, cancelUri, arrangementId] = [text("redirect_uri"), text("cancel_uri"), text("arrangement_id")];
  const { redirectUris } = state.switches;
  for (const uri of [redirectUri, cancelUri]) {
    if (uri === undefined || redirectUris === "any" || redirectUris.includes(uri.split("?")[0] ?? "")) continue;
    return refuse("goa", 400, "bad_request", "this URI is not configured in the Console");
  }
  return {
    id: opaque("ses"),
    endUserId,
    ...(redirectUri !== undefined && { redirectUri }),
    ...(cancelUri !== undefined && { cancelUri }),
    ...(institutionId !== undefined && { institutionId }),
    ...(arrangementId !== undefined && { arrangementId }),
    ...(Array.isArray(members.permissions) && { permissions: members.permissions.map(String) }),
    expiresAt: state.clock.now() + patience,
  };
}

function authUrl({ origin, switches }: FiskilState, id: string): string {
  const base = `${origin}${consentPath}`;
  if (switches.authUrl === "session") return `${base}?session=${id}`;
  return `${switches.authUrl === "scheme-less" ? base.replace(/^http:\/\//, "") : base}?sess_id=${id}`;
}

/** Back to the caller's own URL, whatever it carries, with the session behind it. */
function succeed(state: FiskilState, session: FiskilSession, institutionId: string): string | undefined {
  session.outcome = "success";
  session.consentId = startConsent(state, { ...session, institutionId }).consentId;
  return session.redirectUri && callback(session.redirectUri, { [state.switches.sessionParameter]: session.id });
}

/** To the other URL, with what went wrong. */
function fail(
  { switches }: FiskilState,
  session: FiskilSession,
  type: FiskilErrorType,
  description: unknown,
): string | undefined {
  session.outcome = type;
  if (session.cancelUri === undefined) return undefined;
  const denied = type === "AUTH_SESSION_CANCELLED" || type === "CONSENT_ENDUSER_DENIED";
  return callback(session.cancelUri, {
    error: denied ? "access_denied" : "server_error",
    error_type: type,
    ...(switches.cancelParameters === 5 && { error_id: `err_${randomUUID()}` }),
    error_description: typeof description === "string" ? description : `The session ended with ${type}.`,
    ...(switches.cancelParameters === 5 && { error_uri: `https://docs.fiskil.com/errors#${type}` }),
  });
}

function errorTypeOf(decision: string): FiskilErrorType {
  return fiskilErrorTypes.find((type) => type === decision) ?? "CONSENT_ENDUSER_DENIED";
}
