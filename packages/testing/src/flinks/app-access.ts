import { OAuthError } from "../oauth/error.ts";
import type { AccessToken } from "../oauth/grants.ts";
import { bearerToken } from "../oauth/token-response.ts";
import { adminScope, type FlinksState } from "./options.ts";

/** What an application's own token opens: the lists of banks, and for a partner the recipients. */
export interface AppAccess {
  readonly token: AccessToken;
  readonly admin: boolean;
}

/**
 * The application behind a request, or the refusal: an expired or unknown token is 400 where partners work, and 401
 * with a message alone elsewhere.
 */
export function appAccess({ grants }: FlinksState, request: Request, need: "app" | "admin"): AppAccess | Response {
  const value = bearerToken(request) ?? "";
  const token = grants.valid(value);
  const admin = (token ?? grants.known(value))?.scope.includes(adminScope) ?? false;
  if (token && !token.grant && (need === "app" || admin)) return { token, admin };
  if (need === "app" && !admin) return Response.json({ message: "Unauthorized" }, { status: 401 });
  const error = token
    ? new OAuthError("unauthorized_client", `This needs ${adminScope}.`)
    : new OAuthError("invalid_request", "The access token is missing or expired.");
  return Response.json(error.parameters, { status: 400 });
}
