import { type AnyProvider, type Clock, revealSecret } from "@linkwright/core";
import type { Hono } from "hono";
import type { Client } from "../oauth/clients.ts";
import type { Grants } from "../oauth/grants.ts";
import { bearerOf } from "../oauth/resource.ts";
import { serveAuthorizationServer, standardOutcomes } from "../oauth/server.ts";
import { type StandardTokenEndpoint, serveStandardTokenEndpoint } from "../oauth/token-endpoint.ts";
import { bearerToken, tokenResponse } from "../oauth/token-response.ts";
import { clientAuthenticator } from "./client.ts";
import type { ApiBearer, ProviderSimulatorOptions } from "./options.ts";
import { rateLimiter } from "./rate-limit.ts";
import type { Shape } from "./shape.ts";
import type { ProviderSwitches } from "./switches.ts";
import { refusedTokens, tokenReader, tokenRefusal } from "./token.ts";

/** What a simulated provider is put together from. */
export interface Parts {
  readonly provider: AnyProvider;
  readonly options: ProviderSimulatorOptions;
  readonly shape: Shape;
  readonly client: Client;
  readonly switches: ProviderSwitches;
  readonly clock: Clock;
  readonly grants: Grants;
  /** The app of each origin. */
  readonly apps: ReadonlyMap<string, Hono>;
}

/** Puts the endpoints of a definition onto the apps of its hosts: the author's own first, the API last. */
export function assemble(parts: Parts): void {
  const { options, shape, switches, apps } = parts;
  const { serve } = options;
  const at = (url: URL) => apps.get(url.origin) as Hono;
  if (serve)
    for (const app of apps.values())
      app.use("*", async (context, next) => (await serve(context.req.raw.clone())) ?? (await next()));

  limitTokens(parts, at);
  const token = tokenEndpoint(parts);
  serveAuthorizationServer({
    endpoints: shape.endpoints,
    at,
    token,
    page: {
      provider: parts.provider.id,
      users: () => options.users ?? ["user-1", "user-2"],
      untick: true,
      outcomes: standardOutcomes,
    },
    on: { metadata: () => switches.metadata, revocation: () => switches.revocation, iss: () => switches.iss },
  });
  for (const endpoint of shape.tokenEndpoints)
    serveStandardTokenEndpoint(at(new URL(endpoint)), new URL(endpoint).pathname, token);
  const serveApi = apiOf(parts);
  for (const origin of shape.apiOrigins) apps.get(origin)?.all("*", (context) => serveApi(context.req.raw));
}

function limitTokens({ clock, options, shape }: Parts, at: (url: URL) => Hono): void {
  const limited = rateLimiter(clock, options.rateLimits?.token);
  for (const endpoint of shape.tokenEndpoints)
    at(new URL(endpoint)).use(new URL(endpoint).pathname, async (_context, next) => {
      const headers = limited();
      if (!headers) return next();
      const { status, body } = tokenRefusal(options, {
        status: 429,
        error: "temporarily_unavailable",
        error_description: "Too many requests.",
      });
      return Response.json(body, { status, headers });
    });
}

function tokenEndpoint(parts: Parts): StandardTokenEndpoint {
  const { provider, shape, client, options, clock, grants, switches } = parts;
  const { answer, scopes, extensionGrants } = options;
  return {
    clients: new Map([[client.clientId, client]]),
    grants,
    switches,
    ...(scopes && { scopes }),
    ...(extensionGrants && { extensions: extensionGrants }),
    read: tokenReader(options, switches),
    authenticate: clientAuthenticator(provider, shape, client, options, clock),
    ...(answer && {
      answer(set, { parameters }) {
        const subject = set.accessToken.grant?.subject;
        const standard = tokenResponse(set, { scope: switches.scopeInAnswer });
        return answer(standard, { parameters, now: clock.now(), ...(subject !== undefined && { subject }) });
      },
    }),
    refuse: refusedTokens(options),
  };
}

/** The API: a bearer is asked for, then the author's answer, else whose token it was. */
function apiOf({ provider, options, clock, grants }: Parts): (request: Request) => Promise<Response> {
  const limited = rateLimiter(clock, options.rateLimits?.api);
  const { staticToken } = provider.grants;
  const key = staticToken && revealSecret(staticToken.token);
  return async (request) => {
    const headers = limited();
    if (headers) return Response.json({ message: "Too many requests." }, { status: 429, headers });
    const bearer = await bearerFor(request);
    if (bearer instanceof Response) return bearer;
    const own = await options.api?.(request, bearer);
    if (own) return own;
    const { subject, clientId, scope } = bearer;
    return Response.json({
      ...(subject !== undefined && { sub: subject }),
      client_id: clientId,
      scope: scope.join(" "),
    });
  };

  async function bearerFor(request: Request): Promise<ApiBearer | Response> {
    if (key !== undefined && bearerToken(request) === (await key)) return { scope: [], clientId: provider.client.id };
    const token = bearerOf(request, grants);
    if (token instanceof Response) return token;
    const { grant, scope, clientId } = token;
    return { ...(grant && { subject: grant.subject }), scope, clientId };
  }
}
