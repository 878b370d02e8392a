import {
  type Answer,
  ConnectorError,
  clientSecretPost,
  type Dialect,
  defineProvider,
  type FaultReading,
  hideSecret,
  isConnectorError,
  type Revocation,
  revealSecret,
  type SecretSource,
  type WebhookDefinition,
} from "@linkwright/core";
import * as z from "zod";

/** Quay: codes and refresh tokens as everybody has them, in words of its own. */
export interface QuayOptions {
  readonly clientId: string;
  readonly clientSecret: SecretSource;
  readonly webhookSecret: SecretSource;
  readonly redirectUri: string;
  readonly baseUrl?: string;
}

// #region dialect
const members = (answer: Answer) => (answer.json ?? {}) as Readonly<Record<string, unknown>>;

const dialect: Dialect = {
  // Quay reads JSON. The engine made a form, with the client's credentials in it.
  request({ url, headers, body }) {
    headers.set("content-type", "application/json");
    return { url, headers, body: JSON.stringify(Object.fromEntries(new URLSearchParams(body))) };
  },
  // Its answers have other names. What is not named here stays, for `granted` to read.
  response(answer) {
    const { token, renewal, ttl, ...rest } = members(answer);
    return { ...rest, access_token: token, refresh_token: renewal, expires_in: ttl };
  },
  // Its refusals carry a code, and no `error`. What is left `undefined` is read by RFC 6749 and the status.
  fault(answer) {
    const { code, text } = members(answer);
    const kind = code === "GRANT_OVER" ? "reauthorize" : code === "BAD_APP" ? "configuration" : undefined;
    return kind && { kind, code: String(code), ...(typeof text === "string" && { description: text }) };
  },
};
// #endregion

// #region api
const apiFault = (answer: Answer): FaultReading | undefined => {
  if (answer.status < 400) return undefined;
  const { code, trace } = members(answer);
  const said = { code: String(code ?? answer.status), ...(typeof trace === "string" && { support: { trace } }) };
  if (code === "TOKEN_OLD") return { kind: "stale_token", ...said }; // one renewal, and the request once more
  if (code === "CONSENT_OVER") return { kind: "reauthorize", reason: "consent_ended", ...said }; // ends the connection
  return undefined;
};
// #endregion

// #region webhook
export interface QuayEvent {
  readonly id: string;
  readonly type: "customer.left" | "statement.ready";
  readonly customer: string;
}

const event = z.object({ id: z.string(), type: z.enum(["customer.left", "statement.ready"]), customer: z.string() });

function webhook(source: SecretSource): WebhookDefinition<QuayEvent> {
  const secret = hideSecret(source);
  return {
    async read({ body, headers }) {
      const bytes = new TextEncoder().encode(await revealSecret(secret));
      const key = await crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
      const pairs = headers.get("quay-signature")?.match(/[0-9a-f]{2}/gi) ?? [];
      const signature = Uint8Array.from(pairs, (pair) => Number.parseInt(pair, 16));
      // Over the bytes as they came, in constant time, before anything is parsed.
      if (!(await crypto.subtle.verify("HMAC", key, signature, body)))
        throw new ConnectorError({ kind: "protocol" }, "quay: this message is not signed with webhookSecret.");
      const json: unknown = await new Response(body).json().catch(() => undefined);
      const { data: message } = event.safeParse(json);
      if (!message) throw new ConnectorError({ kind: "protocol" }, "quay: a signed message that cannot be read.");
      const left = message.type === "customer.left";
      return {
        id: message.id, // the same for every delivery of one message
        event: message,
        effects: left ? [{ ref: customerRef(message.customer), effect: "ended", reason: "consent_ended" }] : [],
      };
    },
  };
}

const customerRef = (customer: unknown) => `customer:${String(customer)}`;
// #endregion

// #region provider
export function quay(options: QuayOptions) {
  const { clientId, clientSecret, redirectUri, baseUrl = "https://quay.example" } = options;
  return defineProvider({
    id: "quay",
    server: { issuer: baseUrl, authorization_endpoint: `${baseUrl}/authorize`, token_endpoint: `${baseUrl}/token` },
    client: { id: clientId, authentication: clientSecretPost(clientSecret) },
    grants: {
      authorizationCode: { redirectUri, pkce: "S256", scope: ["read"] },
      refreshToken: { rotation: "observed" }, // not documented: treated as one that rotates
      clientCredentials: {},
    },
    accessToken: { lifetime: 600, type: "Bearer" }, // where an answer names neither
    dialect,
    api: {
      base: baseUrl,
      request(request) {
        request.headers.set("quay-version", "2");
        return request;
      },
      fault: apiFault,
    },
    connect: {
      parameters: z.object({ branch: z.string() }), // typed and checked, by any Standard Schema library
      authorize: ({ branch }) => ({ branch_id: branch }),
      granted: ({ customer }) => ({ account: String(customer), refs: [customerRef(customer)] }),
    },
    // No RFC 7009: the consent is deleted, with the connection's own token.
    async disconnect(context): Promise<readonly Revocation[]> {
      try {
        await context.call("/api/consent", { method: "DELETE" });
        return [{ what: "consent", result: "revoked" }];
      } catch (error) {
        const dead = isConnectorError(error) && error.fault.kind === "reauthorize";
        return [{ what: "consent", result: dead ? "already_gone" : "failed" }];
      }
    },
    webhook: webhook(options.webhookSecret),
    extras: (context) => ({ branches: () => context.call("/api/branches") as Promise<readonly string[]> }),
  });
}
// #endregion
