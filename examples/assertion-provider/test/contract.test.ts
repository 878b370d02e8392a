import type { ProviderHandle } from "@linkwright/core";
import { providerContract } from "@linkwright/testing/provider";
import { describe, test } from "vitest";
import { provider, tallyroomServer } from "./support/tallyroom-server.ts";

const cases = providerContract({
  provider,
  server: tallyroomServer,
  establish: (handle: ProviderHandle<typeof provider>, { owner, server }) =>
    handle.connectCompany({ owner, authorization: server.authorize("company-north") }),
  read: "payslips",
  end: (server) => server.end(),
  // The key that is registered is another's.
  refuseClient({ keys }) {
    const registered = keys.splice(0);
    return () => keys.push(...registered);
  },
  errors: [
    { at: "renewal", status: 400, body: { error: "invalid_grant" }, kind: "reauthorize" },
    { at: "renewal", status: 401, body: { error: "invalid_client" }, kind: "configuration" },
    { at: "api", status: 401, body: {}, kind: "stale_token" },
  ],
});

describe("G81 tallyroom keeps the provider contract", () => {
  for (const { name, run } of cases) test(name, run);
});
