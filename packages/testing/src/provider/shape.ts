import type { AnyProvider } from "@linkwright/core";
import type { ClientAuthentication } from "../oauth/clients.ts";

/** What a definition says of its server: read off its data, and off its dialect by asking it. */
export interface Shape {
  readonly endpoints: {
    readonly issuer: string;
    readonly authorization_endpoint?: string;
    readonly token_endpoint: string;
    readonly revocation_endpoint?: string;
  };
  /** Where token requests go once the dialect has had its say. */
  readonly tokenEndpoints: readonly string[];
  /** What they are written in. */
  readonly bodies: readonly ("form" | "json")[];
  readonly grantTypes: readonly string[];
  readonly redirectUris: readonly string[];
  /** The client's method, as the server sees it. `undefined`: none of the standard's. */
  readonly authentication: ClientAuthentication | undefined;
  readonly apiOrigins: readonly string[];
}

export function shapeOf(provider: AnyProvider): Shape {
  const { server, grants, api, client } = provider;
  const issuer = server.issuer.replace(/\/$/, "");
  const invented = (path: string) => (server.discovery ? issuer + path : undefined);
  const authorization = server.authorization_endpoint ?? invented("/authorize");
  const revocation = server.revocation_endpoint ?? invented("/revoke");
  const token = server.token_endpoint ?? `${issuer}/token`;
  const grantTypes = [
    ...(grants.authorizationCode ? ["authorization_code"] : []),
    ...(grants.refreshToken ? ["refresh_token"] : []),
    ...(grants.clientCredentials ? ["client_credentials"] : []),
  ];
  const samples = grantTypes.map((grantType) => sampleRequest(provider, token, grantType));
  const bodies = [...new Set(samples.map(({ body }) => body))];
  return {
    endpoints: {
      issuer: server.issuer,
      token_endpoint: token,
      ...(authorization !== undefined && { authorization_endpoint: authorization }),
      ...(revocation !== undefined && { revocation_endpoint: revocation }),
    },
    tokenEndpoints: [...new Set([token, ...samples.map(({ url }) => url)])],
    bodies: bodies.length > 0 ? bodies : ["form"],
    grantTypes,
    redirectUris: [grants.authorizationCode?.redirectUri, grants.hostedConsent?.redirectUri].filter(
      (uri) => uri !== undefined,
    ),
    authentication: methodOf(client.authentication.method, bodies),
    apiOrigins: [
      ...new Set((api ? [api.base, ...(api.origins ?? [])] : []).map((address: string) => new URL(address).origin)),
    ],
  };
}

/** What the dialect makes of a standard request: its address and the form of its body. */
function sampleRequest(
  { client, dialect }: AnyProvider,
  url: string,
  grantType: string,
): { readonly url: string; readonly body: "form" | "json" } {
  const headers = new Headers({ "content-type": "application/x-www-form-urlencoded;charset=UTF-8" });
  const parameters: Record<string, string> = {
    client_id: client.id,
    client_secret: "sample",
    grant_type: grantType,
    ...(grantType === "authorization_code" && { code: "sample", redirect_uri: "https://app.example/callback" }),
    ...(grantType === "refresh_token" && { refresh_token: "sample" }),
  };
  try {
    const made = dialect?.request?.({ url, headers, body: new URLSearchParams(parameters) });
    const type = made?.headers.get("content-type") ?? "";
    const { origin, pathname } = new URL(made?.url ?? url);
    return { url: origin + pathname, body: type.includes("json") ? "json" : "form" };
  } catch {
    // A dialect that needs what a sample does not have; it will say so itself.
    return { url, body: "form" };
  }
}

function methodOf(method: string, bodies: readonly string[]): ClientAuthentication | undefined {
  switch (method) {
    case "client_secret_post":
      return bodies.includes("json") ? "client_secret_json" : "client_secret_post";
    case "client_secret_basic":
    case "none":
      return method;
    default:
      return undefined;
  }
}
