import { generateKeyPairSync } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
// @ts-expect-error: it ships no types; what is used of it is declared below.
import Provider from "oidc-provider";
import { vi } from "vitest";

/** `oidc-provider`, a certified authorization server that is not ours, on loopback, with a user who does as told. */
export interface IndependentServer extends AsyncDisposable {
  readonly origin: string;
  /** Every request that it received. */
  readonly requests: readonly { readonly method: string; readonly path: string; readonly authorization?: string }[];
  count(path: string): number;
  /** The user follows the authorization URL to its end; returns where the browser is sent. */
  authorize(url: string, decision?: "approve" | "deny"): Promise<string>;
}

interface Oidc {
  callback(): (request: IncomingMessage, response: ServerResponse) => void;
  interactionFinished(
    request: IncomingMessage,
    response: ServerResponse,
    result: object,
    options: object,
  ): Promise<void>;
  readonly Grant: new (members: object) => { addOIDCScope(scope: string): void; save(): Promise<string> };
  readonly AccessToken: { find(value: string): Promise<{ accountId: string; scope: string } | undefined> };
  readonly ClientCredentials: { find(value: string): Promise<{ clientId: string; scope: string } | undefined> };
}

export const redirectUri = "https://app.example/callback";

export async function independentServer(clientSecret: string): Promise<IndependentServer> {
  // Its advice for production is not for here.
  const silenced = (["info", "warn"] as const).map((level) => vi.spyOn(console, level).mockImplementation(() => {}));
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = {
    client_secret: clientSecret,
    redirect_uris: [redirectUri],
    grant_types: ["authorization_code", "refresh_token", "client_credentials"],
    scope: "read write",
  };
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const provider: Oidc = new (Provider as new (issuer: string, configuration: object) => Oidc)(origin, {
    clients: [
      { ...client, client_id: "basic", token_endpoint_auth_method: "client_secret_basic" },
      { ...client, client_id: "post", token_endpoint_auth_method: "client_secret_post" },
      {
        client_id: "public",
        redirect_uris: [redirectUri],
        grant_types: ["authorization_code", "refresh_token"],
        scope: "read write",
        token_endpoint_auth_method: "none",
      },
    ],
    scopes: ["read", "write"],
    jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), use: "sig", alg: "RS256" }] },
    cookies: { keys: ["for cookies of tests"] },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      revocation: { enabled: true },
    },
    renderError: async (ctx: { body: unknown }, error: object) => {
      ctx.body = error;
    },
    pkce: { required: () => true },
    rotateRefreshToken: true,
    issueRefreshToken: async () => true,
    ttl: {
      AccessToken: 300,
      ClientCredentials: 300,
      RefreshToken: 86_400,
      Grant: 86_400,
      Interaction: 600,
      Session: 600,
    },
    findAccount: async (_: unknown, id: string) => ({ accountId: id, claims: async () => ({ sub: id }) }),
    interactions: { url: (_: unknown, interaction: { uid: string }) => `/interaction/${interaction.uid}` },
    // Consent is given with the login: each authorization is a grant of its own.
    loadExistingGrant: async (ctx: {
      oidc: { client: { clientId: string }; session: { accountId: string }; params: { scope: string } };
    }) => {
      const grant = new provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
      grant.addOIDCScope(ctx.oidc.params.scope);
      await grant.save();
      return grant;
    },
  });

  let decided: "approve" | "deny" = "approve";
  const requests: { method: string; path: string; authorization?: string }[] = [];
  const answer = provider.callback();
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    const path = new URL(request.url ?? "", origin).pathname;
    const { authorization } = request.headers;
    requests.push({ method: request.method ?? "", path, ...(authorization !== undefined && { authorization }) });
    if (path.startsWith("/interaction/")) {
      const result =
        decided === "approve"
          ? { login: { accountId: "user-1" } }
          : { error: "access_denied", error_description: "The user said no." };
      void provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
    } else if (path === "/api/me") void me(authorization, response);
    else answer(request, response);
  });

  async function me(authorization: string | undefined, response: ServerResponse): Promise<void> {
    const value = authorization?.replace(/^Bearer /, "") ?? "";
    const token = (await provider.AccessToken.find(value)) ?? (await provider.ClientCredentials.find(value));
    if (!token) response.writeHead(401, { "www-authenticate": 'Bearer error="invalid_token"' }).end();
    else
      response
        .writeHead(200, { "content-type": "application/json" })
        .end(JSON.stringify({ sub: "accountId" in token ? token.accountId : token.clientId, scope: token.scope }));
  }

  return {
    origin,
    requests,
    count: (path) => requests.filter((request) => request.path === path).length,
    async authorize(url, decision = "approve") {
      decided = decision;
      const cookies = new Map<string, string>();
      for (let at = url, hops = 0; hops < 10; hops++) {
        if (!at.startsWith(origin)) return at;
        const headers = { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; ") };
        const response = await fetch(at, { redirect: "manual", headers });
        for (const cookie of response.headers.getSetCookie()) {
          const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
          cookies.set(name, value);
        }
        const location = response.headers.get("location");
        if (location === null) throw new Error(`${response.status}: ${await response.text()}`);
        at = new URL(location, at).href;
      }
      throw new Error("it redirects in circles");
    },
    async [Symbol.asyncDispose]() {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      for (const spy of silenced) spy.mockRestore();
    },
  };
}
