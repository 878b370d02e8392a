import type { Hono } from "hono";
import type { TokenSet } from "../oauth/grants.ts";
import type { FiskilState } from "./options.ts";
import { refuse } from "./wire.ts";

/** Seconds that the old guide names. */
const oldLifetime = 3600;

/** `POST /v1/token`: credentials as JSON members, no grant type, no scope, no refresh token. */
export function serveFiskilToken(app: Hono, state: FiskilState): void {
  const { switches, keys, grants } = state;
  app.post("/v1/token", async (context) => {
    const body: unknown = context.req.header("content-type")?.startsWith("application/json")
      ? await context.req.json().catch(() => undefined)
      : undefined;
    const { client_id: id, client_secret: secret } = (body ?? {}) as Record<string, unknown>;
    if (typeof id !== "string" || typeof secret !== "string") {
      return refuse("goa", 400, "bad_request", "client_id and client_secret are required as JSON");
    }
    const key = keys.get(id);
    if (!key || key.clientSecret !== secret) {
      return switches.tokenErrors === "goa"
        ? refuse("goa", 401, "unauthorized", "invalid client credentials")
        : refuse("oauth", 401, "invalid_client", "invalid client credentials");
    }
    const lifetime = switches.tokenShape === "access_token" ? oldLifetime : undefined;
    return context.json(answer(switches.tokenShape, grants.clientCredentials(key, key.scopes ?? [], lifetime)));
  });
}

function answer(shape: FiskilState["switches"]["tokenShape"], { accessToken, expiresIn }: TokenSet) {
  const { value } = accessToken;
  if (shape === "token") return { token: value, expires_in: expiresIn };
  return {
    ...(shape === "typed" ? { token: value } : { access_token: value }),
    token_type: "Bearer",
    expires_in: expiresIn,
  };
}
