import { ConfidentialClientApplication, type Configuration } from "@azure/msal-node";
import { OAuth2Client as BadgatewayClient, type OAuth2Token } from "@badgateway/oauth2-client";
import { betterAuth as createBetterAuth } from "better-auth";
import { memoryAdapter } from "better-auth/adapters/memory";
import { genericOAuth } from "better-auth/plugins";
import { OAuth2Client as GoogleClient } from "google-auth-library";
import * as oauth from "oauth4webapi";
import * as openid from "openid-client";
import { AuthorizationCode, ClientCredentials } from "simple-oauth2";
import { accessToken, client } from "./application.ts";

/** The alternatives, each used as its own documentation says. */

export interface Alternative {
  readonly name: string;
  /** A new token by client credentials, whatever is in memory. */
  clientCredentials?(): Promise<unknown>;
  /** Refreshes once and keeps what came. */
  refresh?(): Promise<unknown>;
  /** A token for one of many callers, renewed if it has expired. */
  obtain?(): Promise<unknown>;
  /** Lets the token at hand have expired, with this refresh token beside it. */
  expire(refreshToken: string): Promise<unknown> | unknown;
}

const basic = `Basic ${btoa(`${client.id}:${client.secret}`)}`;

/** The least code that does it: fetch, a Map, a promise. */
export function floor(origin: string): Alternative {
  let token: { value: string; refreshToken: string; expiresAt: number } | undefined;
  let flight: Promise<string> | undefined;
  async function request(parameters: Record<string, string>) {
    const response = await fetch(`${origin}/token`, {
      method: "POST",
      headers: { authorization: basic },
      body: new URLSearchParams(parameters),
    });
    if (!response.ok) throw new Error(await response.text());
    return (await response.json()) as { access_token: string; refresh_token?: string; expires_in: number };
  }
  async function refresh(): Promise<string> {
    const before = token?.refreshToken ?? "";
    const sent = Date.now();
    const answer = await request({ grant_type: "refresh_token", refresh_token: before });
    const { access_token, refresh_token = before, expires_in } = answer;
    token = { value: access_token, refreshToken: refresh_token, expiresAt: sent + expires_in * 1000 };
    return access_token;
  }
  return {
    name: "floor (fetch)",
    clientCredentials: () => request({ grant_type: "client_credentials" }),
    refresh,
    async obtain() {
      if (token && Date.now() < token.expiresAt) return token.value;
      flight ??= refresh().finally(() => {
        flight = undefined;
      });
      return flight;
    },
    expire(refreshToken) {
      token = { value: "", refreshToken, expiresAt: 0 };
    },
  };
}

export function oauth4webapi(origin: string): Alternative {
  const server = { issuer: origin, token_endpoint: `${origin}/token` };
  const own = { client_id: client.id };
  const authentication = oauth.ClientSecretBasic(client.secret);
  const options = { [oauth.allowInsecureRequests]: true };
  let current = "";
  return {
    name: "oauth4webapi",
    async clientCredentials() {
      const response = await oauth.clientCredentialsGrantRequest(server, own, authentication, {}, options);
      return oauth.processClientCredentialsResponse(server, own, response);
    },
    async refresh() {
      const response = await oauth.refreshTokenGrantRequest(server, own, authentication, current, options);
      const answer = await oauth.processRefreshTokenResponse(server, own, response);
      current = answer.refresh_token ?? current;
    },
    expire(refreshToken) {
      current = refreshToken;
    },
  };
}

export function openidClient(origin: string): Alternative {
  const server = { issuer: origin, token_endpoint: `${origin}/token` };
  const config = new openid.Configuration(server, client.id, client.secret, openid.ClientSecretBasic(client.secret));
  openid.allowInsecureRequests(config);
  let current = "";
  const refresh = async () => {
    const answer = await openid.refreshTokenGrant(config, current);
    current = answer.refresh_token ?? current;
  };
  return {
    name: "openid-client",
    clientCredentials: () => openid.clientCredentialsGrant(config),
    refresh,
    expire(refreshToken) {
      current = refreshToken;
    },
  };
}

export function simpleOauth2(origin: string): Alternative {
  const settings = { client, auth: { tokenHost: origin, tokenPath: "/token" } };
  const credentials = new ClientCredentials(settings);
  const code = new AuthorizationCode(settings);
  let token = code.createToken({});
  const refresh = async () => {
    const { refresh_token } = token.token;
    const next = await token.refresh();
    // It forgets the refresh token where the answer names none; an application has to remember it.
    token = code.createToken({ ...next.token, refresh_token: next.token.refresh_token ?? refresh_token });
  };
  return {
    name: "simple-oauth2",
    clientCredentials: () => credentials.getToken({}),
    refresh,
    async obtain() {
      if (token.expired(10)) await refresh();
      return token.token.access_token;
    },
    expire(refreshToken) {
      token = code.createToken({ access_token: "old", refresh_token: refreshToken, expires_at: new Date(0) });
    },
  };
}

export function google(origin: string): Alternative {
  const own = new GoogleClient({
    clientId: client.id,
    clientSecret: client.secret,
    endpoints: { oauth2TokenUrl: `${origin}/token` },
  });
  return {
    name: "google-auth-library",
    async refresh() {
      const { credentials } = await own.refreshAccessToken();
      own.setCredentials(credentials);
    },
    obtain: () => own.getAccessToken(),
    expire: (refreshToken) =>
      own.setCredentials({ access_token: "old", refresh_token: refreshToken, expiry_date: Date.now() - 1000 }),
  };
}

export function badgateway(origin: string): Alternative {
  const own = new BadgatewayClient({
    tokenEndpoint: `${origin}/token`,
    clientId: client.id,
    clientSecret: client.secret,
    server: origin,
  });
  let token: OAuth2Token = { accessToken: "old", refreshToken: "", expiresAt: 0 };
  let flight: Promise<void> | undefined;
  const refresh = async () => {
    token = await own.refreshToken(token);
  };
  return {
    name: "@badgateway/oauth2-client",
    clientCredentials: () => own.clientCredentials(),
    refresh,
    async obtain() {
      // As its fetch wrapper does.
      if ((token.expiresAt ?? 0) > Date.now()) return token.accessToken;
      flight ??= refresh().finally(() => {
        flight = undefined;
      });
      await flight;
      return token.accessToken;
    },
    expire(refreshToken) {
      token = { accessToken: "old", refreshToken, expiresAt: 0 };
    },
  };
}

/** msal speaks to https alone, so its own network module leads it to loopback. */
export async function msal(origin: string): Promise<Alternative & { cached(): Promise<unknown> }> {
  const authority = "https://login.bench.example/";
  const metadata = {
    issuer: authority,
    authorization_endpoint: `${authority}authorize`,
    token_endpoint: `${authority}token`,
    jwks_uri: `${authority}keys`,
  };
  const send = async (method: string, url: string, options?: { headers?: Record<string, string>; body?: string }) => {
    const response = await fetch(url.replace(authority, `${origin}/`), { method, ...options });
    return {
      headers: Object.fromEntries(response.headers),
      body: await response.json(),
      status: response.status,
    };
  };
  const configuration: Configuration = {
    auth: {
      clientId: client.id,
      clientSecret: client.secret,
      authority,
      knownAuthorities: ["login.bench.example"],
      authorityMetadata: JSON.stringify(metadata),
    },
    system: {
      protocolMode: "OIDC",
      networkClient: {
        sendGetRequestAsync: (url, options) => send("GET", url, options) as never,
        sendPostRequestAsync: (url, options) => send("POST", url, options) as never,
      },
    },
  };
  const own = new ConfidentialClientApplication(configuration);
  const scopes = ["read"];
  let current = "";
  return {
    name: "@azure/msal-node",
    clientCredentials: () => own.acquireTokenByClientCredential({ scopes, skipCache: true }),
    refresh: () => own.acquireTokenByRefreshToken({ scopes, refreshToken: current }),
    obtain: () => own.acquireTokenByClientCredential({ scopes }),
    expire(refreshToken) {
      current = refreshToken;
      own.clearCache();
    },
    cached: () => own.acquireTokenByClientCredential({ scopes }),
  };
}

export async function betterAuth(
  origin: string,
  count = 1,
): Promise<Alternative & { accessToken(at: number): Promise<unknown> }> {
  const user = { id: "user", name: "user", email: "user@example.com", emailVerified: true };
  const accounts = Array.from({ length: count }, (_, at) => ({
    id: `account-${at}`,
    accountId: `account-${at}`,
    providerId: "bank",
    userId: `user-${at}`,
    accessToken: accessToken(at),
    refreshToken: "",
    accessTokenExpiresAt: new Date(Date.now() + 3_600_000),
    createdAt: new Date(),
    updatedAt: new Date(),
  }));
  const auth = createBetterAuth({
    baseURL: "http://localhost:3000",
    secret: "a-secret-of-more-than-thirty-two-characters",
    database: memoryAdapter({ user: [user], session: [], account: accounts, verification: [] }),
    logger: { disabled: true },
    plugins: [
      genericOAuth({
        config: [
          {
            providerId: "bank",
            clientId: client.id,
            clientSecret: client.secret,
            authorizationUrl: `${origin}/authorize`,
            tokenUrl: `${origin}/token`,
            authentication: "basic",
          },
        ],
      }),
    ],
  });
  const accessTokenOf = (at: number) =>
    auth.api.getAccessToken({ body: { accountId: `account-${at}`, userId: `user-${at}` } });
  return {
    name: "better-auth",
    refresh: () => auth.api.refreshToken({ body: { accountId: "account-0", userId: "user-0" } }),
    obtain: () => accessTokenOf(0),
    expire(refreshToken) {
      const [account] = accounts;
      if (account) Object.assign(account, { refreshToken, accessTokenExpiresAt: new Date(0) });
    },
    accessToken: accessTokenOf,
  };
}
