import { fiskil } from "@linkwright/fiskil";
import { fiskl } from "@linkwright/fiskl";
import { flinks } from "@linkwright/flinks";
import { fisklScopes, simulateFiskil, simulateFiskl, simulateFlinks } from "@linkwright/testing";
import { type ContractCase, providerContract } from "@linkwright/testing/provider";
import { describe, expect, test } from "vitest";

/** The adapters of this house keep the contract that it asks of others, each against its own simulator. */

const redirectUri = "https://app.example/callback";
const clientSecret = "canary-client-secret-é+/%:";

const run = (cases: readonly ContractCase[]) => {
  for (const { name, run } of cases) test(name, run, 30_000);
};

describe("G81 flinks keeps the provider contract", () => {
  run(
    providerContract({
      provider: ({ origin }) => flinks({ clientId: "dc-demo0001", clientSecret, redirectUri, baseUrl: origin }),
      server: (clock) =>
        simulateFlinks({
          clock,
          recipients: [{ clientId: "dc-demo0001", clientSecret, redirectUris: [redirectUri], providers: [1000] }],
        }),
      connect: { providerId: 1000 },
      scope: ["ACCOUNT_BASIC", "TRANSACTIONS"],
      leastScope: ["ACCOUNT_BASIC"],
      read: "/api/fdx/5/accounts",
      appRead: "/api/v1/providers",
      errors: [
        { at: "renewal", status: 401, body: { message: "no" }, kind: "reauthorize" },
        { at: "renewal", status: 400, body: { error: "invalid_client" }, kind: "configuration" },
        { at: "application", status: 400, body: { error: "invalid_grant" }, kind: "configuration" },
        { at: "api", status: 422, body: { code: 1207, message: "slow down" }, kind: "retry" },
        { at: "api", status: 404, body: { code: 701, message: "no account" }, kind: "permission" },
        {
          at: "api",
          status: 403,
          body: { code: 602, message: "no consent" },
          kind: "reauthorize",
          reason: "consent_ended",
        },
      ],
    }),
  );
});

describe("G81 fiskl's connected apps keep the provider contract", () => {
  for (const kind of ["confidential", "public"] as const)
    describe(kind, () => {
      run(
        providerContract({
          provider: ({ origin, otherOrigin: issuer }) => {
            const endpoints = {
              authorization: `${issuer}/oauth/authorize`,
              token: `${issuer}/oauth/token`,
              revocation: `${issuer}/oauth/revoke`,
            };
            const shared = { clientId: "app_01", redirectUri, issuer, endpoints, baseUrl: origin } as const;
            return kind === "public"
              ? fiskl({ client: kind, ...shared })
              : fiskl({ client: kind, clientSecret, refresh: "rotating", ...shared });
          },
          server: async (clock) => {
            const secret = kind === "public" ? {} : { clientSecret };
            const clients = [{ clientId: "app_01", redirectUris: [redirectUri], ...secret }];
            const server = await simulateFiskl({ clock, clients });
            return { ...server, otherOrigin: server.webAppOrigin };
          },
          scope: ["invoicing:read", "contacts:read"],
          read: "/v1/invoices",
        }),
      );
    });
});

test("G81 the scopes of this suite are Fiskl's", () => {
  expect(fisklScopes).toContain("contacts:read");
});

describe("G81 fiskl's API keys keep the provider contract", () => {
  run(
    providerContract({
      provider: ({ origin }) => fiskl({ client: "key", apiKey: "fsk_test_000000000001", baseUrl: origin }),
      server: (clock) => simulateFiskl({ clock }),
      appRead: "/v1/invoices",
    }),
  );
});

describe("G81 fiskil keeps the provider contract", () => {
  run(
    providerContract({
      provider: ({ origin }) =>
        fiskil({
          clientId: "key_01example",
          clientSecret: "s3cr3t-example",
          redirectUri,
          cancelUri: "https://app.example/cancelled",
          baseUrl: origin,
          authOrigin: origin,
          webhookSecret: "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=",
        }),
      server: (clock) => simulateFiskil({ clock }),
      connect: { endUser: {} },
      read: "/v1/banking/accounts",
      appRead: "/v1/end-users",
      webhook: ({ webhooks }) => webhooks.request(webhooks.sent[0]?.data ?? {}, { messageId: "m-1" }),
      errors: [
        { at: "application", status: 401, body: { name: "unauthorized", message: "no" }, kind: "configuration" },
        { at: "application", status: 400, body: { name: "timeout", temporary: true }, kind: "retry" },
        { at: "api", status: 403, body: { name: "forbidden" }, kind: "permission" },
        { at: "api", status: 401, body: { name: "unauthorized" }, kind: "stale_token" },
      ],
    }),
  );
});
