import { describe, expect, test } from "vitest";
import { bench, faultOf, redirectUri } from "./bench.ts";

const draft = {
  name: "Demo",
  scope: ["TRANSACTIONS"],
  redirectUris: [redirectUri],
  logoUri: "https://app.example/logo.png",
  country: "CA",
  description: "A demo",
  termsUri: "https://app.example/terms",
  clientUri: "https://app.example",
  contacts: [{ email: "ops@app.example" }],
} as const;

const capital = { providerId: 1000, name: "Flinks Capital", country: "CA" };

describe("lists of banks", () => {
  test("one path, two meanings: the recipient's banks, and all of them", async () => {
    await using it = await bench();
    const own = await it.flinks.providers.list();
    expect(own).toEqual([capital, { providerId: 1001, name: "Second Bank", country: "CA" }]);
    const all = await it.partner.admin.providers.list();
    expect(all.map(({ providerId }) => providerId)).toEqual([1000, 1001, 2000]);
    const [recipients, partners] = it.tokenRequests("client_credentials");
    expect(recipients?.json).not.toHaveProperty("scope");
    expect(partners?.json).toMatchObject({ scope: "client:admin" });
  });

  test("the second version in the same shape, by country and by registration", async () => {
    await using it = await bench();
    it.simulator.register("dc-demo0001", 2000, "SUSPENDED");
    const all = await it.flinks.providers.listV2();
    expect(all.map(({ providerId, registrationStatus }) => [providerId, registrationStatus])).toEqual([
      [1000, "Activated"],
      [1001, "Activated"],
      [2000, "Suspended"],
    ]);
    expect(all[0]).toMatchObject(capital);
    const ids = async (query: Parameters<typeof it.flinks.providers.listV2>[0]) =>
      (await it.flinks.providers.listV2(query)).map(({ providerId }) => providerId);
    expect(await ids({ country: "US" })).toEqual([2000]);
    expect(await ids({ country: ["CA", "US"], isEnabledForClient: true })).toEqual([1000, 1001]);
    expect(await ids({ isEnabledForClient: false })).toEqual([2000]);
  });

  test("one bank with its scopes", async () => {
    await using it = await bench();
    expect(await it.partner.admin.providers.get(1001)).toMatchObject({
      providerId: 1001,
      providerUrl: "https://bank-1001.example",
      scopes: ["ACCOUNT_BASIC", "TRANSACTIONS"],
      dataInventory: { accounts: ["DEPOSIT_ACCOUNT"] },
    });
    const missing = await faultOf(it.partner.admin.providers.get(7));
    expect(missing.fault).toEqual({ kind: "configuration" });
    expect(missing.details).toMatchObject({
      provider: "flinks",
      registration: "partner",
      code: "invalid_request",
      status: 400,
    });
  });
});

describe("the application's own token", () => {
  test("G15 is shared by every call, one for each scope", async () => {
    await using it = await bench();
    await Promise.all(Array.from({ length: 20 }, () => it.flinks.providers.list()));
    expect(it.tokenRequests("client_credentials")).toHaveLength(1);
    const admin = it.partner.app({ scope: ["client:admin"] });
    await it.partner.admin.recipients.list();
    expect((await admin.fetch("/api/v1/recipients")).status).toBe(200);
    expect(it.tokenRequests("client_credentials")).toHaveLength(2);
  });

  test("G55 is asked for anew when it ends, also where the answer names no lifetime", async () => {
    await using it = await bench({ simulator: { switches: { bareAppAnswer: true } } });
    for (let lifetime = 1; lifetime <= 3; lifetime++) {
      await it.partner.admin.recipients.list();
      expect(it.tokenRequests("client_credentials")).toHaveLength(lifetime);
      await it.clock.advance(300_000);
    }
    expect(it.tokenRequests("refresh_token")).toHaveLength(0);
  });

  test("G54 refused early with 400, where Partners work: one new token, one request more", async () => {
    await using it = await bench();
    await it.partner.admin.recipients.list();
    it.simulator.revokeAccessTokens();
    expect(await it.partner.admin.recipients.create(draft)).toMatchObject({ clientId: expect.stringMatching(/^dc-/) });
    expect(it.tokenRequests("client_credentials")).toHaveLength(2);
    expect(
      it.simulator.journal.filter({ method: "POST", path: "/api/v1/recipients" }).map(({ status }) => status),
    ).toEqual([400, 200]);
    expect(it.simulator.recipients.size).toBe(2);
  });

  test("G54 a request that is wrong is refused twice at most, and told", async () => {
    await using it = await bench();
    const error = await faultOf(it.partner.admin.recipients.get("dc-nobody"));
    expect(error.fault).toEqual({ kind: "configuration" });
    expect(error.message).toContain("No such recipient.");
    expect(it.simulator.journal.count({ path: "/api/v1/recipients/dc-nobody" })).toBe(2);
  });

  test("a recipient is no Partner", async () => {
    await using it = await bench();
    const error = await faultOf(it.flinks.admin.recipients.list());
    expect(error.fault).toEqual({ kind: "configuration" });
    expect(error.details.code).toBe("invalid_scope");
  });
});

test("a recipient from its creation to its first list of banks", async () => {
  await using it = await bench();
  const { admin } = it.partner;
  const made = await admin.recipients.create(draft);
  expect(made.clientSecret.reveal()).toBe(it.simulator.clients.get(made.clientId)?.clientSecret);
  expect(await admin.recipients.get(made.clientId)).toEqual({
    clientId: made.clientId,
    name: "Demo",
    scope: ["ACCOUNT_BASIC", "TRANSACTIONS"],
    redirectUris: [redirectUri],
    logoUri: draft.logoUri,
    country: "CA",
    description: "A demo",
    termsUri: draft.termsUri,
    clientUri: draft.clientUri,
    contacts: [{ email: "ops@app.example" }],
  });
  expect((await admin.recipients.list()).map(({ clientId }) => clientId)).toEqual(["dc-demo0001", made.clientId]);

  await admin.registrations.request([made.clientId], [1000, 2000]);
  const pending = await admin.registrations.listFor(made.clientId);
  expect(
    pending.map(({ clientId, providerId, registrationStatus }) => [clientId, providerId, registrationStatus]),
  ).toEqual([
    [made.clientId, 1000, "PENDING_APPROVAL"],
    [made.clientId, 2000, "PENDING_APPROVAL"],
  ]);
  expect(pending[0]).toMatchObject({
    clientName: "Demo",
    providerName: "Flinks Capital",
    requestedOn: "2026-01-15T02:03:04.000Z",
  });
  it.simulator.register(made.clientId, 1000, "ACTIVE");
  expect(
    (await admin.registrations.list()).find(
      ({ clientId, providerId }) => clientId === made.clientId && providerId === 1000,
    )?.registrationStatus,
  ).toBe("ACTIVE");

  const uris = ["https://app.example/other", redirectUri];
  expect(await admin.recipients.updateRedirectUris(made.clientId, uris)).toEqual(uris);
  expect(it.simulator.clients.get(made.clientId)?.redirectUris).toEqual(uris);
  const renewed = await admin.recipients.regenerateSecret(made.clientId);
  expect(renewed.clientId).toBe(made.clientId);
  expect(renewed.clientSecret.reveal()).not.toBe(made.clientSecret.reveal());
  expect(renewed.clientSecret.reveal()).toBe(it.simulator.clients.get(made.clientId)?.clientSecret);
});

test("redirect URIs as text, where Flinks reads them so", async () => {
  await using it = await bench({
    adapter: { redirectUrisAs: "string" },
    simulator: { switches: { redirectUrisRequest: "string" } },
  });
  const uris = ["https://app.example/a", "https://app.example/b"];
  expect(await it.partner.admin.recipients.updateRedirectUris("dc-demo0001", uris)).toEqual(uris);
});
