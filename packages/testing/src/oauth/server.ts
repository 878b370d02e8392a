import type { Hono } from "hono";
import { type AuthorizationPage, serveAuthorizationPage } from "./authorization-page.ts";
import type { AuthorizationRules } from "./authorize.ts";
import { type StandardTokenEndpoint, serveRevocationEndpoint, serveStandardTokenEndpoint } from "./token-endpoint.ts";

/** Where an authorization server answers, in the words of RFC 8414. */
export interface Endpoints {
  readonly issuer: string;
  readonly authorization_endpoint?: string;
  readonly token_endpoint: string;
  readonly revocation_endpoint?: string;
}

/** An authorization server: its addresses, its token side, what its page shows, and what of it is on at the moment. */
export interface AuthorizationServerSetup {
  readonly endpoints: Endpoints;
  /** The app of the host that an address is on. */
  readonly at: (url: URL) => Hono;
  readonly token: StandardTokenEndpoint;
  readonly page: Pick<AuthorizationPage, "provider" | "users" | "untick" | "outcomes" | "grant"> &
    Pick<AuthorizationRules, "check">;
  readonly on: {
    /** RFC 8414; `"oidc"`: where OpenID Connect Discovery has it, too. */
    readonly metadata: () => boolean | "oidc";
    readonly revocation: () => boolean;
    /** `iss` in authorization responses (RFC 9207). */
    readonly iss: () => boolean;
  };
}

/** Errors that an authorization response may carry besides a denial (RFC 6749 §4.1.2.1). */
export const standardOutcomes = [
  ["server_error", "Server error"],
  ["temporarily_unavailable", "Temporarily unavailable"],
  ["invalid_scope", "Invalid scope"],
  ["unauthorized_client", "Unauthorized client"],
] as const;

/** Serves the authorization page, the token endpoint, RFC 7009 and RFC 8414 metadata: those that have an address. */
export function serveAuthorizationServer(setup: AuthorizationServerSetup): void {
  const { endpoints, at, token, page, on } = setup;
  const { issuer, authorization_endpoint, token_endpoint, revocation_endpoint } = endpoints;
  const scopes = token.scopes && { scopes: token.scopes };
  const place = (endpoint: string) => {
    const url = new URL(endpoint);
    return { app: at(url), path: url.pathname };
  };

  if (authorization_endpoint !== undefined) {
    const { app, path } = place(authorization_endpoint);
    const { check, ...shown } = page;
    const rules = () => ({
      clients: token.clients,
      ...scopes,
      ...(on.iss() && { iss: issuer }),
      ...(check && { check }),
    });
    serveAuthorizationPage(app, { ...shown, path, grants: token.grants, rules });
  }
  const tokenPlace = place(token_endpoint);
  serveStandardTokenEndpoint(tokenPlace.app, tokenPlace.path, token);
  if (revocation_endpoint !== undefined) {
    const { app, path } = place(revocation_endpoint);
    serveRevocationEndpoint(app, path, token, on.revocation);
  }

  const serveMetadata = (address: string, served: () => boolean) => {
    const { app, path } = place(address);
    app.get(path, (context, next) => (served() ? Promise.resolve(context.json(metadata())) : next()));
  };
  serveMetadata(metadataUrl(issuer), () => on.metadata() !== false);
  serveMetadata(`${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`, () => on.metadata() === "oidc");

  function metadata(): object {
    const clients = [...token.clients.values()];
    return {
      issuer,
      authorization_endpoint,
      token_endpoint,
      ...(on.revocation() && { revocation_endpoint }),
      ...(scopes && { scopes_supported: token.scopes }),
      response_types_supported: ["code"],
      grant_types_supported: [...new Set(clients.flatMap((client) => client.grantTypes))],
      token_endpoint_auth_methods_supported: [...new Set(clients.flatMap((client) => client.authentication))],
      code_challenge_methods_supported: ["S256"],
      ...(on.iss() && { authorization_response_iss_parameter_supported: true }),
    };
  }
}

/** RFC 8414 §3.1: the well-known path goes between the host and the issuer's own path. */
function metadataUrl(issuer: string): string {
  const { origin, pathname } = new URL(issuer);
  return `${origin}/.well-known/oauth-authorization-server${pathname.replace(/\/$/, "")}`;
}
