import type { AccessToken, Grants } from "./grants.ts";
import { bearerToken } from "./token-response.ts";

/** The token behind a request, or RFC 6750's refusal: 401 without a good one, 403 where it lacks `scope`. */
export function bearerOf(request: Request, grants: Grants, scope?: string): AccessToken | Response {
  const refuse = (status: number, challenge: string) =>
    Response.json({ message: "no" }, { status, headers: { "www-authenticate": challenge } });
  const value = bearerToken(request);
  if (value === undefined) return refuse(401, 'Bearer realm="api"');
  const token = grants.valid(value);
  if (!token) return refuse(401, 'Bearer realm="api", error="invalid_token", error_description="Expired or revoked."');
  if (scope !== undefined && !token.scope.includes(scope)) {
    return refuse(403, `Bearer realm="api", error="insufficient_scope", scope="${scope}"`);
  }
  return token;
}

/** A resource that tells whose token it was read with. */
export function resource(request: Request, grants: Grants, scope?: string): Response {
  const token = bearerOf(request, grants, scope);
  if (token instanceof Response) return token;
  return Response.json({
    ...(token.grant && { sub: token.grant.subject }),
    client_id: token.clientId,
    scope: token.scope.join(" "),
  });
}
