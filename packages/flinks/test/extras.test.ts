import {
  type CallRequest,
  type ConnectionContext,
  ConnectorError,
  type ExtrasContext,
  type Fault,
  isConnectorError,
  Secret,
} from "@linkwright/core";
import { describe, expect, test } from "vitest";
import { type FlinksExtras, type FlinksOptions, flinks } from "../src/index.ts";
import { revokeConnection } from "../src/revocation.ts";

const scope = ["client:admin"];

/** The extras over a context that answers `json` and writes down what was asked. */
function extras(json: unknown, options: Partial<FlinksOptions> = {}) {
  const calls: [string, CallRequest | undefined][] = [];
  const context = {
    call: async (path: string, request?: CallRequest) => {
      calls.push([path, request]);
      return json;
    },
  } as unknown as ExtrasContext;
  const provider = flinks({
    clientId: "dc",
    clientSecret: "s3cr3t",
    redirectUri: "https://app.example/cb",
    ...options,
  });
  return { calls, handle: provider.extras?.(context) as FlinksExtras };
}

async function faultOf(work: Promise<unknown>): Promise<ConnectorError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isConnectorError(error)) throw new Error(`no ConnectorError: ${String(error)}`);
  return error;
}

describe("lists of banks", () => {
  const v1 = [{ provider_id: 1000, name: "Flinks Capital", country: "CA" }];
  const v2 = [{ providerId: 1000, name: "Flinks Capital", country: "CA", registrationStatus: "Activated" }];
  const bank = { providerId: 1000, name: "Flinks Capital", country: "CA" };

  test("both versions come in one shape, with the recipient's token", async () => {
    const first = extras(v1);
    expect(await first.handle.providers.list()).toEqual([bank]);
    expect(first.calls).toEqual([["/api/v1/providers", undefined]]);
    const second = extras(v2);
    expect(await second.handle.providers.listV2({ country: ["CA", "US"], isEnabledForClient: true })).toEqual([
      { ...bank, registrationStatus: "Activated" },
    ]);
    expect(second.calls).toEqual([["/api/v2/providers", { query: { country: "CA,US", isEnabledForClient: true } }]]);
  });

  test("the likely names of the second version's status", async () => {
    for (const name of ["registrationStatus", "registration_status", "status"]) {
      const [found] = await extras([{ providerId: 1, name: "x", [name]: "Suspended" }]).handle.providers.listV2();
      expect(found).toEqual({ providerId: 1, name: "x", registrationStatus: "Suspended" });
    }
  });

  test("filters that are left out are not sent", async () => {
    const { handle, calls } = extras([]);
    expect(await handle.providers.listV2()).toEqual([]);
    await handle.providers.listV2({ country: "US" });
    expect(calls.map(([, request]) => request?.query)).toEqual([
      { country: undefined, isEnabledForClient: undefined },
      { country: "US", isEnabledForClient: undefined },
    ]);
  });

  test("the Partner's list is the same path with another token", async () => {
    const { handle, calls } = extras(v1);
    expect(await handle.admin.providers.list()).toEqual([bank]);
    expect(calls).toEqual([["/api/v1/providers", { scope }]]);
  });

  test("one bank with what it supports", async () => {
    const { handle, calls } = extras({
      ...v1[0],
      provider_url: "https://bank.example",
      scopes: ["ACCOUNT_BASIC"],
      data_inventory: { accounts: ["CHECKING"] },
    });
    expect(await handle.admin.providers.get(1000)).toEqual({
      ...bank,
      providerUrl: "https://bank.example",
      scopes: ["ACCOUNT_BASIC"],
      dataInventory: { accounts: ["CHECKING"] },
    });
    expect(calls).toEqual([["/api/v1/providers/1000", { scope }]]);
  });

  test("an answer that is something else is a protocol fault, which quotes none of it", async () => {
    for (const json of [
      { secret: "canary" },
      [{ name: "canary" }],
      [{ provider_id: "canary", name: "x" }],
      undefined,
    ]) {
      const error = await faultOf(extras(json).handle.providers.list());
      expect(error.fault).toEqual({ kind: "protocol" });
      expect(error.message).toContain("the answer is not the documented providers");
      expect(error.message).not.toContain("canary");
    }
  });
});

describe("recipients", () => {
  const draft = {
    name: "Demo",
    scope: ["TRANSACTIONS"],
    redirectUris: ["https://app.example/cb"],
    logoUri: "https://app.example/logo.png",
    country: "CA",
    description: "A demo",
    termsUri: "https://app.example/terms",
    clientUri: "https://app.example",
    contacts: [{ email: "ops@app.example" }],
  } as const;

  test("G70 a new one's secret comes wrapped", async () => {
    const { handle, calls } = extras({ client_id: "dc-1", client_secret: "canary-secret", name: "Demo" });
    const made = await handle.admin.recipients.create(draft);
    expect(made.clientId).toBe("dc-1");
    expect(made.clientSecret).toBeInstanceOf(Secret);
    expect(made.clientSecret.reveal()).toBe("canary-secret");
    expect(JSON.stringify(made)).toBe('{"clientId":"dc-1","clientSecret":"[secret]"}');
    expect(calls).toEqual([
      [
        "/api/v1/recipients",
        {
          method: "POST",
          scope,
          json: {
            name: "Demo",
            scope: "ACCOUNT_BASIC TRANSACTIONS",
            redirect_uris: ["https://app.example/cb"],
            logo_uri: "https://app.example/logo.png",
            country: "CA",
            description: "A demo",
            terms_uri: "https://app.example/terms",
            client_uri: "https://app.example",
            contacts: [{ email: "ops@app.example" }],
          },
        },
      ],
    ]);
  });

  test("short and whole, without what was not told", async () => {
    const list = extras([{ client_id: "dc-1", name: "Demo" }, { client_id: "dc-2" }]);
    expect(await list.handle.admin.recipients.list()).toEqual([
      { clientId: "dc-1", name: "Demo" },
      { clientId: "dc-2" },
    ]);
    const one = extras({
      client_id: "dc-1",
      name: "Demo",
      scope: "ACCOUNT_BASIC TRANSACTIONS",
      redirect_uris: ["https://app.example/cb"],
      logo_uri: null,
      country: "CA",
      client_secret: "canary",
    });
    expect(await one.handle.admin.recipients.get("dc-1")).toEqual({
      clientId: "dc-1",
      name: "Demo",
      scope: ["ACCOUNT_BASIC", "TRANSACTIONS"],
      redirectUris: ["https://app.example/cb"],
      country: "CA",
    });
    expect(one.calls).toEqual([["/api/v1/recipients/dc-1", { scope }]]);
  });

  test("redirect URIs are replaced as an array, or as text where that is asked for", async () => {
    const uris = ["https://a.example/cb", "https://b.example/cb"];
    const asArray = extras({ client_id: "dc-1", redirect_uris: uris });
    expect(await asArray.handle.admin.recipients.updateRedirectUris("dc-1", uris)).toEqual(uris);
    expect(asArray.calls).toEqual([
      ["/api/v1/recipients/dc-1", { method: "PUT", scope, json: { redirect_uris: uris } }],
    ]);
    const asString = extras({ redirect_uris: uris.join(" ") }, { redirectUrisAs: "string" });
    expect(await asString.handle.admin.recipients.updateRedirectUris("dc-1", uris)).toEqual(uris);
    expect(asString.calls[0]?.[1]?.json).toEqual({ redirect_uris: "https://a.example/cb https://b.example/cb" });
  });

  test("G70 a regenerated secret comes wrapped, also where the answer is the secret alone", async () => {
    const { handle, calls } = extras({ client_secret: "canary-secret" });
    const made = await handle.admin.recipients.regenerateSecret("dc-1");
    expect(made.clientId).toBe("dc-1");
    expect(made.clientSecret.reveal()).toBe("canary-secret");
    expect(`${made.clientSecret}`).toBe("[secret]");
    expect(calls).toEqual([["/api/v1/recipients/dc-1/secret", { method: "POST", scope }]]);
    const error = await faultOf(extras({ client_secret: 7 }).handle.admin.recipients.regenerateSecret("dc-1"));
    expect(error.fault).toEqual({ kind: "protocol" });
  });

  test("an id cannot leave its segment of the path", async () => {
    const { handle, calls } = extras({ client_id: "x" });
    await handle.admin.recipients.get("a/../b?c#d");
    expect(calls[0]?.[0]).toBe("/api/v1/recipients/a%2F..%2Fb%3Fc%23d");
    for (const id of ["", ".", ".."])
      expect((await faultOf(handle.admin.recipients.get(id))).fault.kind).toBe("configuration");
    expect(calls).toHaveLength(1);
  });
});

describe("registrations with banks", () => {
  const wire = {
    client_id: "dc-1",
    client_name: "Demo",
    provider_id: 1000,
    provider_name: "Flinks Capital",
    country: "CA",
    registration_status: "PENDING_APPROVAL",
    requested_on: "2026-01-15",
  };
  const registration = {
    clientId: "dc-1",
    clientName: "Demo",
    providerId: 1000,
    providerName: "Flinks Capital",
    country: "CA",
    registrationStatus: "PENDING_APPROVAL",
    requestedOn: "2026-01-15",
  };

  test("are asked for by lists of ids, and listed", async () => {
    const { handle, calls } = extras([wire]);
    expect(await handle.admin.registrations.request(["dc-1", "dc-2"], [1000, 1001])).toBeUndefined();
    expect(await handle.admin.registrations.list()).toEqual([registration]);
    expect(await handle.admin.registrations.listFor("dc-1")).toEqual([registration]);
    expect(calls).toEqual([
      ["/api/v1/recipients/providers/requests/dc-1,dc-2/1000,1001", { method: "POST", scope }],
      ["/api/v1/recipients/providers/requests", { scope }],
      ["/api/v1/recipients/dc-1/providers/requests", { scope }],
    ]);
    expect((await faultOf(handle.admin.registrations.request([], [1000]))).fault.kind).toBe("configuration");
  });
});

describe("G73 letting go", () => {
  const revoked = (fault?: Fault) => {
    const calls: [string, CallRequest | undefined][] = [];
    const context = {
      call: async (path: string, request?: CallRequest) => {
        calls.push([path, request]);
        if (fault) throw new ConnectorError(fault, "no");
        return undefined;
      },
    } as unknown as ConnectionContext;
    return { calls, result: revokeConnection(context) };
  };

  test("by the connection's own token", async () => {
    const { calls, result } = revoked();
    expect(await result).toEqual([{ what: "connection", result: "revoked" }]);
    expect(calls).toEqual([["/api/v1/revoke", { method: "DELETE" }]]);
  });

  test.each([
    [{ kind: "reauthorize", reason: "revoked" }, "already_gone"],
    [{ kind: "retry", retryAt: 1 }, "failed"],
    [{ kind: "configuration" }, "failed"],
    [{ kind: "permission" }, "failed"],
    [{ kind: "protocol" }, "failed"],
  ] as [Fault, string][])("%j is reported as %s", async (fault, result) => {
    expect(await revoked(fault).result).toEqual([{ what: "connection", result }]);
  });

  test.each([{ kind: "store" }, { kind: "aborted" }] as Fault[])(
    "%j says nothing about Flinks and is passed on",
    async (fault) => {
      expect((await faultOf(revoked(fault).result)).fault).toEqual(fault);
    },
  );
});
