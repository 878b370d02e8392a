import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
// @ts-expect-error: it ships no types; what is used of it is declared below.
import Provider from "oidc-provider";
import { vi } from "vitest";
import type { Certificate } from "./certificates.ts";

/** `oidc-provider`, a certified authorization server that is not ours, set up for one feature after the other. */
export interface IndependentServer extends AsyncDisposable {
  /** Its issuer. */
  readonly origin: string;
  /** The same server where client certificates are asked for; the same origin without TLS. */
  readonly mtlsOrigin: string;
  readonly provider: Oidc;
  /** Paths of all requests, as they came, by origin. */
  readonly requests: readonly { readonly method: string; readonly path: string; readonly mtls: boolean }[];
  count(path: string): number;
  /** The user follows the authorization URL to its end; returns where the browser is sent: an address, or a form as one. */
  authorize(url: string, decision?: "approve" | "deny"): Promise<string>;
  /** The user decides at the device's code. */
  atDevice(userCode: string, decision?: "approve" | "deny"): Promise<void>;
}

export interface ServerOptions {
  readonly clients: readonly object[];
  /** Members of the configuration that the feature needs. */
  readonly configuration?: { readonly features?: object; readonly [member: string]: unknown };
  /** Certificates on both sides; plain http where left out. */
  readonly tls?: { readonly server: Certificate; readonly authority: Certificate };
  /** Called once the server is there, to register grants, for example. */
  readonly extend?: (provider: Oidc) => void;
}

export interface Oidc {
  callback(): (request: IncomingMessage, response: ServerResponse) => void;
  interactionFinished(
    request: IncomingMessage,
    response: ServerResponse,
    result: object,
    options: object,
  ): Promise<void>;
  registerGrantType(name: string, handler: (context: never) => Promise<void>, parameters: readonly string[]): void;
  readonly Grant: new (
    members: object,
  ) => {
    addOIDCScope(scope: string): void;
    addResourceScope(resource: string, scope: string): void;
    save(): Promise<string>;
  };
  readonly AccessToken: Model<StoredToken>;
  readonly ClientCredentials: Model<StoredToken>;
  readonly RefreshToken: Model<object>;
  readonly Client: Model<{ clientId: string }>;
}

interface Model<T> {
  new (members: object): T & { save(): Promise<string> };
  find(value: string): Promise<T | undefined>;
}

/** An access token as the server keeps it. */
export interface StoredToken {
  readonly accountId?: string;
  readonly clientId: string;
  readonly scope: string;
  readonly aud?: string;
  /** The thumbprint of the DPoP key that it is bound to. */
  readonly jkt?: string;
  /** The thumbprint of the certificate that it is bound to. */
  readonly "x5t#S256"?: string;
  readonly expiration: number;
}

export const redirectUri = "https://app.example/callback";

/** The server's own keys, so that tests can forge what only it could. */
export const signingKeys = {
  rsa: generateKeyPairSync("rsa", { modulusLength: 2048 }),
  ec: generateKeyPairSync("ec", { namedCurve: "P-256" }),
};

export async function independentServer(options: ServerOptions): Promise<IndependentServer> {
  // Its advice for production is not for here.
  const silenced = (["info", "warn"] as const).map((level) => vi.spyOn(console, level).mockImplementation(() => {}));
  const { tls } = options;
  const servers = tls
    ? [
        createTlsServer(tls.server),
        createTlsServer({ ...tls.server, ca: tls.authority.cert, requestCert: true, rejectUnauthorized: false }),
      ]
    : [createServer()];
  const [origin = "", mtlsOrigin = origin] = await Promise.all(
    servers.map((one) => listen(one, tls ? "https" : "http")),
  );
  const provider: Oidc = new (Provider as new (issuer: string, configuration: object) => Oidc)(origin, {
    scopes: ["openid", "offline_access", "read", "write"],
    jwks: {
      keys: [
        { ...signingKeys.rsa.privateKey.export({ format: "jwk" }), kid: "rsa", use: "sig" },
        { ...signingKeys.ec.privateKey.export({ format: "jwk" }), kid: "ec", use: "sig" },
      ],
    },
    cookies: { keys: ["for cookies of tests"] },
    renderError: async (ctx: { body: unknown }, error: object) => {
      ctx.body = error;
    },
    pkce: { required: () => true },
    rotateRefreshToken: true,
    issueRefreshToken: async (_: unknown, client: { grantTypeAllowed(name: string): boolean }) =>
      client.grantTypeAllowed("refresh_token"),
    ttl: {
      AccessToken: 300,
      ClientCredentials: 300,
      DeviceCode: 600,
      IdToken: 300,
      RefreshToken: 86_400,
      Grant: 86_400,
      Interaction: 600,
      Session: 600,
    },
    findAccount: async (_: unknown, id: string) => ({ accountId: id, claims: async () => ({ sub: id }) }),
    interactions: { url: (_: unknown, interaction: { uid: string }) => `/interaction/${interaction.uid}` },
    // Consent is given with the login: each authorization is a grant of its own.
    loadExistingGrant: async ({ oidc }: Authorization) => {
      const grant = new provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
      grant.addOIDCScope(oidc.params.scope ?? "");
      for (const resource of [oidc.params.resource ?? []].flat()) grant.addResourceScope(resource, "read write");
      await grant.save();
      return grant;
    },
    ...options.configuration,
    clients: options.clients,
    ...(tls && {
      discovery: {
        mtls_endpoint_aliases: Object.fromEntries(
          Object.entries(mtlsPaths).map(([endpoint, path]) => [endpoint, mtlsOrigin + path]),
        ),
      },
    }),
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      revocation: { enabled: true },
      ...options.configuration?.features,
      ...(tls && {
        mTLS: {
          enabled: true,
          certificateBoundAccessTokens: true,
          tlsClientAuth: true,
          getCertificate: ({ socket }: { socket: TLSSocket }) => {
            const certificate = socket.getPeerCertificate?.();
            return certificate?.raw && new X509Certificate(certificate.raw).toString();
          },
          certificateAuthorized: ({ socket }: { socket: TLSSocket }) => socket.authorized,
          certificateSubjectMatches: ({ socket }: { socket: TLSSocket }, property: string, expected: string) =>
            property === "tls_client_auth_san_dns" &&
            (socket.getPeerCertificate().subjectaltname ?? "").split(", ").includes(`DNS:${expected}`),
        },
      }),
    },
  });
  options.extend?.(provider);

  let decided: "approve" | "deny" = "approve";
  const requests: { method: string; path: string; mtls: boolean }[] = [];
  const answer = provider.callback();
  for (const [index, server] of servers.entries())
    server.on("request", (request: IncomingMessage, response: ServerResponse) => {
      const path = new URL(request.url ?? "", origin).pathname;
      requests.push({ method: request.method ?? "", path, mtls: index === 1 });
      // One issuer at two addresses, as behind a proxy.
      request.headers.host = new URL(origin).host;
      if (!path.startsWith("/interaction/")) return answer(request, response);
      const result =
        decided === "approve"
          ? { login: { accountId: "user-1" }, consent: {} }
          : { error: "access_denied", error_description: "The user said no." };
      void provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
    });

  /** A browser with its own cookies; follows redirects as long as they stay here. */
  function browser() {
    const cookies = new Map<string, string>();
    return async (url: string, form?: Record<string, string>): Promise<{ url: string; page: string }> => {
      for (let at = url, body = form, hops = 0; hops < 10; hops++) {
        if (!at.startsWith(origin)) return { url: at, page: "" };
        const response = await transport(at, {
          redirect: "manual",
          headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; ") },
          ...(body && { method: "POST", body: new URLSearchParams(body) }),
        });
        body = undefined;
        for (const cookie of response.headers.getSetCookie()) {
          const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
          cookies.set(name, value);
        }
        const location = response.headers.get("location");
        if (location === null) return { url: at, page: await response.text() };
        at = new URL(location, at).href;
      }
      throw new Error("it redirects in circles");
    };
  }
  let transport: typeof fetch = fetch;
  if (tls) {
    const { Agent, fetch: tlsFetch } = await import("undici");
    const dispatcher = new Agent({ connect: { ca: tls.authority.cert } });
    transport = ((url: string, init: object) => tlsFetch(url, { ...init, dispatcher })) as unknown as typeof fetch;
  }

  return {
    origin,
    mtlsOrigin,
    provider,
    requests,
    count: (path) => requests.filter((request) => request.path === path).length,
    async authorize(url, decision = "approve") {
      decided = decision;
      const at = await browser()(url);
      if (at.page !== "") throw new Error(at.page);
      return at.url;
    },
    async atDevice(userCode, decision = "approve") {
      decided = decision;
      const go = browser();
      const form = await go(`${origin}/device`);
      const confirm = await go(`${origin}/device`, { xsrf: hidden(form.page, "xsrf"), user_code: userCode });
      const end = await go(`${origin}/device`, {
        xsrf: hidden(confirm.page, "xsrf"),
        user_code: userCode,
        ...(decision === "approve" ? { confirm: "yes" } : { abort: "yes" }),
      });
      if (/"error"/.test(end.page)) throw new Error(end.page);
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(
        servers.map(
          (server) =>
            new Promise<void>((resolve) => {
              server.close(() => resolve());
              server.closeAllConnections();
            }),
        ),
      );
      for (const spy of silenced) spy.mockRestore();
    },
  };
}

interface Authorization {
  readonly oidc: {
    readonly client: { readonly clientId: string };
    readonly session: { readonly accountId: string };
    readonly params: { readonly scope?: string; readonly resource?: string | readonly string[] };
  };
}

const mtlsPaths = {
  token_endpoint: "/token",
  revocation_endpoint: "/token/revocation",
  pushed_authorization_request_endpoint: "/request",
  device_authorization_endpoint: "/device/auth",
} as const;

const hidden = (page: string, name: string): string =>
  new RegExp(`name="${name}" value="([^"]+)"`).exec(page)?.[1] ?? "";

function listen(server: Server, scheme: string): Promise<string> {
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve(`${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`)),
  );
}
