import { OAuthError } from "./error.ts";
import type { TokenRequest } from "./token-request.ts";

/** How a client shows who it is: RFC 6749 §2.3.1, and its credentials as members of a JSON body. */
export type ClientAuthentication = "client_secret_basic" | "client_secret_post" | "client_secret_json" | "none";

/** A client as the server knows it. Members may be changed while the server runs, as an operator would. */
export interface Client {
  readonly clientId: string;
  /** Absent for a public client. */
  clientSecret?: string;
  /** Shown on the consent page. */
  name: string;
  /** The methods that are accepted; any other is `invalid_client`. */
  authentication: readonly ClientAuthentication[];
  /** Compared as strings, whole. */
  redirectUris: readonly string[];
  /** What it may ask for; absent: anything that the server knows. */
  scopes?: readonly string[];
  grantTypes: readonly string[];
  /** `required`: no code without S256. `ignored`: the server knows no PKCE. */
  pkce: "required" | "optional" | "ignored";
}

/** A client to register; what is left out follows from whether there is a secret. */
export type ClientRegistration = Pick<Client, "clientId"> & Partial<Client>;

const everyGrant = ["authorization_code", "refresh_token", "client_credentials"];

export function registerClient(registration: ClientRegistration): Client {
  const confidential = registration.clientSecret !== undefined;
  return {
    name: registration.clientId,
    authentication: confidential ? ["client_secret_basic", "client_secret_post"] : ["none"],
    redirectUris: [],
    grantTypes: confidential ? everyGrant : everyGrant.slice(0, 2),
    pkce: confidential ? "optional" : "required",
    ...registration,
  };
}

export function clientRegistry(registrations: readonly ClientRegistration[]): Map<string, Client> {
  return new Map(registrations.map((registration) => [registration.clientId, registerClient(registration)]));
}

/**
 * The client that sends a token request, shown by exactly one method.
 *
 * @param options - `status`: of `invalid_client`, 401 by the RFC. `methods`: those that this server knows, over the
 *   client's own.
 * @throws OAuthError `invalid_client`, or `invalid_request` where two methods are used at once.
 */
export function authenticateClient(
  clients: ReadonlyMap<string, Client>,
  request: TokenRequest,
  { status = 401, methods }: { readonly status?: number; readonly methods?: readonly ClientAuthentication[] } = {},
): Client {
  const { parameters, authorization } = request;
  const basic = authorization === undefined ? undefined : basicCredentials(authorization);
  const refuse = (description: string) =>
    new OAuthError(
      "invalid_client",
      description,
      status,
      basic && status === 401 ? { "www-authenticate": 'Basic realm="token"' } : {},
    );

  if (basic && parameters.client_secret !== undefined) {
    throw new OAuthError("invalid_request", "More than one method of client authentication.");
  }
  if (authorization !== undefined && !basic) throw refuse("The Authorization header is not readable.");
  const clientId = basic?.clientId ?? parameters.client_id;
  if (basic && parameters.client_id !== undefined && parameters.client_id !== clientId) {
    throw new OAuthError("invalid_request", "client_id differs between header and body.");
  }
  const client = clientId === undefined ? undefined : clients.get(clientId);
  if (!client) throw refuse("Unknown client.");

  const secret = basic?.clientSecret ?? parameters.client_secret;
  const method: ClientAuthentication = basic
    ? "client_secret_basic"
    : secret === undefined
      ? "none"
      : request.sentAs === "json"
        ? "client_secret_json"
        : "client_secret_post";
  if (!(methods ?? client.authentication).includes(method)) throw refuse(`This client does not use ${method}.`);
  if (method !== "none" && secret !== client.clientSecret) throw refuse("Wrong client secret.");
  return client;
}

/** Each half is form-encoded before it is joined (RFC 6749 §2.3.1). */
function basicCredentials(authorization: string): { clientId: string; clientSecret: string } | undefined {
  const [, encoded] = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(authorization) ?? [];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, "base64").toString("utf8");
  const colon = text.indexOf(":");
  if (colon < 0) return undefined;
  try {
    const decode = (half: string) => decodeURIComponent(half.replaceAll("+", " "));
    return { clientId: decode(text.slice(0, colon)), clientSecret: decode(text.slice(colon + 1)) };
  } catch {
    return undefined;
  }
}
