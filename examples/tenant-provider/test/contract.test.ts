import { providerContract } from "@linkwright/testing/provider";
import { describe, test } from "vitest";
import { ledgerlineServer, provider } from "./support/ledgerline-server.ts";

const cases = providerContract({
  provider,
  server: ledgerlineServer,
  connect: { tenant: "tenant-north" },
  scope: ["books.read", "books.write"],
  leastScope: ["offline_access"],
  read: "invoices",
  errors: [
    { at: "renewal", status: 400, body: { error: "invalid_grant" }, kind: "reauthorize" },
    {
      at: "api",
      status: 403,
      body: { code: "TENANT_DISCONNECTED" },
      kind: "reauthorize",
      reason: "consent_ended",
    },
    { at: "api", status: 401, body: {}, kind: "stale_token" },
  ],
});

describe("G81 ledgerline keeps the provider contract", () => {
  for (const { name, run } of cases) test(name, run);
});
