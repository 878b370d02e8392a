// #region contract
import { createHmac } from "node:crypto";
import { type ProviderSimulator, simulate } from "@linkwright/testing";
import { providerContract } from "@linkwright/testing/provider";
import { quay } from "./odd-provider.ts";

const webhookSecret = "canary-webhook-secret";
const provider = quay({
  clientId: "client",
  clientSecret: "canary-client-secret",
  webhookSecret,
  redirectUri: "https://app.example/callback",
});

/** Quay's words for what RFC 6749 calls otherwise. */
const codes: Readonly<Record<string, string>> = { invalid_grant: "GRANT_OVER", invalid_client: "BAD_APP" };

export const cases = providerContract({
  provider,
  async server(clock) {
    const bank: ProviderSimulator = await simulate(provider, {
      clock,
      refresh: "rotating",
      // The inverse of the dialect: what Quay would answer.
      answer: ({ access_token, refresh_token, expires_in }, { subject }) => ({
        token: access_token,
        renewal: refresh_token,
        ttl: expires_in,
        customer: subject,
      }),
      refusal: ({ error, error_description }) => ({ body: { code: codes[error] ?? error, text: error_description } }),
      // Its API, once the bearer was found good.
      api({ method, url }, { subject }) {
        if (method !== "DELETE" || new URL(url).pathname !== "/api/consent") return undefined;
        bank.revokeGrants(subject);
        return new Response(null, { status: 204 });
      },
    });
    return bank;
  },
  connect: { branch: "west" },
  scope: ["read"],
  read: "/api/accounts",
  appRead: "/api/branches",
  // What its documentation says of refusals; each becomes a case.
  errors: [
    { at: "renewal", status: 400, body: { code: "GRANT_OVER" }, kind: "reauthorize" },
    { at: "api", status: 400, body: { code: "TOKEN_OLD" }, kind: "stale_token" },
    { at: "api", status: 403, body: { code: "CONSENT_OVER" }, kind: "reauthorize", reason: "consent_ended" },
  ],
  webhook() {
    const body = JSON.stringify({ id: "m-1", type: "statement.ready", customer: "user-1" });
    const signature = createHmac("sha256", webhookSecret).update(body).digest("hex");
    const headers = { "quay-signature": signature };
    return new Request("https://app.example/webhooks/quay", { method: "POST", body, headers });
  },
});
// #endregion
