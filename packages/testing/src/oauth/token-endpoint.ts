import type { Hono } from "hono";
import { authenticateClient, type Client } from "./clients.ts";
import { OAuthError, refusalResponse } from "./error.ts";
import type { Grants, TokenSet } from "./grants.ts";
import { readTokenRequest, required, scopeList, type TokenRequest } from "./token-request.ts";
import { tokenResponse } from "./token-response.ts";

/** Read at each request. */
export interface StandardTokenSwitches {
  scopeInAnswer: "always" | "changed" | "never";
  bodies: readonly ("form" | "json")[];
}

/** Reads a grant of another kind. */
export type ExtensionGrant = (
  parameters: Readonly<Record<string, string>>,
) => ExtensionSubject | undefined | Promise<ExtensionSubject | undefined>;

/** For whom a grant type of its own gives tokens. */
export interface ExtensionSubject {
  /** Whose grant it is; absent: the application's own. */
  readonly subject?: string;
  /** Default: what was asked for. */
  readonly scope?: readonly string[];
}

/** A token endpoint; what a provider does in its own way is a function, and the RFC's where left out. */
export interface StandardTokenEndpoint {
  readonly clients: ReadonlyMap<string, Client>;
  readonly grants: Grants;
  readonly switches: Pick<StandardTokenSwitches, "bodies"> & Partial<StandardTokenSwitches>;
  readonly scopes?: readonly string[];
  /** Reads what was sent. */
  readonly read?: (request: Request) => TokenRequest | Promise<TokenRequest>;
  /** @throws OAuthError `invalid_client`. */
  readonly authenticate?: (request: TokenRequest) => Client | Promise<Client>;
  /** An answer that comes before anything is redeemed, or `undefined`. */
  readonly early?: (request: TokenRequest) => Response | undefined;
  /** Other grants (RFC 6749 §4.5), by their `grant_type`: who they stand for. `undefined`: the grant is refused. */
  readonly extensions?: Readonly<Record<string, ExtensionGrant>>;
  /** The scope of a client's own token. */
  readonly clientScope?: (client: Client, asked: readonly string[] | undefined) => readonly string[];
  /** The body of an answer. */
  readonly answer?: (set: TokenSet, request: TokenRequest) => unknown;
  readonly refuse?: (thrown: unknown) => Response;
}

/** Serves the token endpoint of RFC 6749 §3.2 for the three grants that this house knows. */
export function serveStandardTokenEndpoint(app: Hono, path: string, endpoint: StandardTokenEndpoint): void {
  const { read, refuse = refusalResponse } = endpoint;
  app.post(path, async (context) => {
    try {
      const raw = context.req.raw;
      const request = await (read?.(raw) ?? readTokenRequest(raw, endpoint.switches.bodies));
      const client = await authenticated(endpoint, request);
      const early = endpoint.early?.(request);
      if (early) return early;
      return Response.json(await redeem(endpoint, client, request), {
        headers: { "cache-control": "no-store", pragma: "no-cache" },
      });
    } catch (error) {
      return refuse(error);
    }
  });
}

/** Serves RFC 7009. */
export function serveRevocationEndpoint(
  app: Hono,
  path: string,
  endpoint: StandardTokenEndpoint,
  on: () => boolean,
): void {
  app.post(path, async (context) => {
    if (!on()) return context.notFound();
    try {
      const request = await readTokenRequest(context.req.raw, ["form", ...endpoint.switches.bodies]);
      const client = await authenticated(endpoint, request);
      endpoint.grants.revokeToken(client, required(request.parameters, "token"));
      return new Response(null, { status: 200 });
    } catch (error) {
      return refusalResponse(error);
    }
  });
}

const authenticated = (endpoint: StandardTokenEndpoint, request: TokenRequest) =>
  endpoint.authenticate?.(request) ?? authenticateClient(endpoint.clients, request);

async function redeem(endpoint: StandardTokenEndpoint, client: Client, request: TokenRequest): Promise<unknown> {
  const { grants, switches, extensions = {}, clientScope = standardScope(endpoint.scopes), answer } = endpoint;
  const { parameters } = request;
  const grantType = required(parameters, "grant_type");
  const extension = Object.hasOwn(extensions, grantType) ? extensions[grantType] : undefined;
  const known = ["authorization_code", "refresh_token", "client_credentials"].includes(grantType);
  if (!known && !extension) throw new OAuthError("unsupported_grant_type", `${grantType} is not served.`);
  if (known && !client.grantTypes.includes(grantType)) {
    throw new OAuthError("unauthorized_client", `This client may not use ${grantType}.`);
  }
  const asked = parameters.scope === undefined ? undefined : scopeList(parameters.scope);
  const set = extension ? await byExtension(extension) : tokens();
  if (answer) return answer(set, request);
  const compared = grantType !== "authorization_code" && asked;
  return tokenResponse(set, { scope: switches.scopeInAnswer ?? "always", ...(compared && { asked: compared }) });

  async function byExtension(read: ExtensionGrant): Promise<TokenSet> {
    const found = await read(parameters);
    if (!found) throw new OAuthError("invalid_grant", "This grant is not accepted.");
    const { subject, scope = asked ?? [] } = found;
    return subject === undefined ? grants.clientCredentials(client, scope) : grants.issue({ client, subject, scope });
  }

  function tokens(): TokenSet {
    if (grantType === "authorization_code") {
      const codeVerifier = parameters.code_verifier;
      return grants.redeemCode(client, {
        code: required(parameters, "code"),
        redirectUri: required(parameters, "redirect_uri"),
        ...(codeVerifier !== undefined && { codeVerifier }),
      });
    }
    if (grantType === "refresh_token") return grants.refresh(client, required(parameters, "refresh_token"), asked);
    return grants.clientCredentials(client, clientScope(client, asked));
  }
}

/** What is asked for, where it is the client's; everything that is, where nothing is. */
const standardScope =
  (all: readonly string[] | undefined) =>
  (client: Client, asked: readonly string[] | undefined): readonly string[] => {
    const allowed = client.scopes ?? all;
    if (asked?.some((one) => allowed && !allowed.includes(one))) {
      throw new OAuthError("invalid_scope", "Not for this client.");
    }
    return asked ?? client.scopes ?? [];
  };
