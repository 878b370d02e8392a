import type { Hono } from "hono";
import { authenticateClient, type Client } from "../oauth/clients.ts";
import { OAuthError, refusalResponse } from "../oauth/error.ts";
import type { TokenSet } from "../oauth/grants.ts";
import { serveStandardTokenEndpoint } from "../oauth/token-endpoint.ts";
import type { TokenRequest } from "../oauth/token-request.ts";
import { bearerToken, type TokenResponse } from "../oauth/token-response.ts";
import { adminScope, type FlinksState } from "./options.ts";

/** `POST /api/v1/token`, and `/api/v1/revoke` by DELETE and POST. */
export function serveFlinksTokens(app: Hono, state: FlinksState): void {
  const { clients, grants, switches } = state;
  serveStandardTokenEndpoint(app, "/api/v1/token", {
    clients,
    grants,
    switches: {
      get bodies() {
        return switches.bodies;
      },
    },
    authenticate: (request) => authenticate(state, request),
    early: (request) =>
      request.parameters.grant_type === "refresh_token" ? upstreamRefusal(state, request) : undefined,
    clientScope(client, asked = []) {
      if (asked.every((one) => client.scopes?.includes(one))) return asked;
      throw new OAuthError("invalid_scope", "The scope is not allowed for this client.");
    },
    answer: (set) => flinksAnswer(state, set),
  });

  app.on(["DELETE", "POST"], "/api/v1/revoke", (context) => {
    try {
      revoke(state, context.req.raw);
      return context.body(null, 204);
    } catch (error) {
      return refusalResponse(error);
    }
  });
}

/** A token set in Flinks's words: nothing about scope, and an `expires_in` that need not be true. */
export function flinksAnswer({ switches }: FlinksState, set: TokenSet): TokenResponse {
  const admin = set.accessToken.scope.includes(adminScope);
  if (admin && switches.bareAppAnswer) return { access_token: set.accessToken.value };
  return {
    access_token: set.accessToken.value,
    token_type: "Bearer",
    ...(set.refreshToken !== undefined && { refresh_token: set.refreshToken }),
    ...(switches.expiresIn !== "absent" && { expires_in: switches.expiresIn }),
    ...(switches.scopeInAnswer && { scope: set.accessToken.scope.join(" ") }),
  };
}

function authenticate(state: FlinksState, request: TokenRequest): Client {
  const { clients, retiredSecrets, switches } = state;
  const options = { status: 400, methods: switches.clientAuthentication };
  const { client_id: clientId = "", client_secret: secret = "" } = request.parameters;
  const client = clients.get(clientId);
  if (switches.secretOverlap && client && retiredSecrets.get(clientId)?.has(secret)) {
    return authenticateClient(new Map([[clientId, { ...client, clientSecret: secret }]]), request, options);
  }
  return authenticateClient(clients, request, options);
}

/** What Flinks answers when the tokens it holds itself no longer work at the bank. */
function upstreamRefusal({ switches, grants, users }: FlinksState, { parameters }: TokenRequest): Response | undefined {
  const expired = switches.upstreamExpired;
  if (!expired) return undefined;
  const grant = grants.grantOfRefreshToken(parameters.refresh_token ?? "");
  const { status, error, body = "json", user } = expired;
  if (user !== undefined && grant?.subject !== users.get(user)?.customerId) return undefined;
  if (body === "empty") return new Response(null, { status });
  if (body === "html") {
    return new Response(`<html><body><h1>${status}</h1></body></html>`, {
      status,
      headers: { "content-type": "text/html" },
    });
  }
  const description = "The data provider no longer accepts the tokens held for this connection.";
  return Response.json(error === undefined ? { message: description } : { error, error_description: description }, {
    status,
  });
}

/** The access token is the credential and names the connection; nothing else is read. */
function revoke({ grants }: FlinksState, request: Request): void {
  const value = bearerToken(request);
  const token = value === undefined ? undefined : grants.valid(value);
  if (!token || (token.grant && token.grant.revokedAt !== undefined)) {
    throw new OAuthError("invalid_request", "The access token is missing, expired or revoked.");
  }
  if (!token.grant) throw new OAuthError("unsupported_token_type", "Not the token of a connection.");
  grants.revokeGrant(token.grant);
}
