import {
  allowInsecureLoopback,
  type ConsentReading,
  clientSecretBasic,
  createConnector,
  defineProvider,
  keyring,
  memoryStore,
} from "@linkwright/core";
import { simulateAuthorizationServer, virtualClock } from "@linkwright/testing";
import { expect, test } from "vitest";
import { bank, house, key, passing, patient, session, settled, shared } from "./support/house.ts";

/** Connecting again, and asking about a consent, while other processes work on the same connection. */

const day = 86_400_000;
const owner = "user_1";
const keys = keyring([{ id: "test", key }]);

/** A provider whose requests name the consent that they are made under. */
function consenting() {
  const clock = virtualClock();
  const store = shared(memoryStore({ clock }));
  const consents = new Map<string, ConsentReading>();
  const asked: string[] = [];
  const origin = "https://hosted.example";
  const provider = defineProvider({
    id: "hosted",
    server: { issuer: origin, token_endpoint: `${origin}/token` },
    client: { id: "client", authentication: clientSecretBasic("secret") },
    grants: { clientCredentials: {}, hostedConsent: { redirectUri: "https://app.example/hosted" } },
    api: {
      base: `${origin}/api/`,
      request(request, connection) {
        const url = new URL(request.url);
        if (connection) url.searchParams.set("consent", connection.data.session ?? "");
        return { ...request, url };
      },
      fault: ({ status }) => (status === 410 ? { kind: "reauthorize", reason: "consent_ended" } : undefined),
    },
    connect: {
      begin: async (context) => {
        const { id } = (await context.call("sessions", { method: "POST", json: {} })) as { id: string };
        return { url: `${origin}/pages/${id}`, handle: id, data: { session: id } };
      },
      confirm: async (context) => (await context.call(`consents/${context.connection.data.session}`)) as ConsentReading,
    },
  });
  let sessions = 0;
  const answer = (url: URL): Response => {
    const [, , kind, id = ""] = url.pathname.split("/");
    if (url.pathname === "/token") return Response.json({ access_token: "app", token_type: "Bearer", expires_in: 900 });
    if (kind === "sessions") return Response.json({ id: `session-${++sessions}` });
    if (kind === "consents") return Response.json(consents.get(id) ?? { consent: "pending" });
    const consent = url.searchParams.get("consent") ?? "";
    return Response.json({ consent }, { status: consents.get(consent)?.consent === "active" ? 200 : 410 });
  };
  const application = () =>
    createConnector({
      providers: { hosted: provider },
      store: { ...store, reach: "cluster" },
      keys,
      clock,
      async fetch(input) {
        const url = new URL(input);
        asked.push(url.pathname);
        return answer(url);
      },
    });
  async function link(from: ReturnType<typeof application>, consent?: ConsentReading, connection?: string) {
    const again = connection !== undefined && { connection };
    const flow = await from.providers.hosted.connect({ owner, session, ...again });
    if (consent) consents.set(flow.handle ?? "", consent);
    const linked = await from.complete(`https://app.example/hosted?state=${flow.state}`, { session });
    return { connection: linked, consent: flow.handle ?? "" };
  }
  return { clock, consents, asked, application, link };
}

test("G74 a request is made for the consent that stands, and not for the one that memory knows of", async () => {
  const h = consenting();
  const [here, there] = [h.application(), h.application()];
  const first = await h.link(here, { consent: "active" });
  expect(await (await first.connection.fetch("data")).json()).toEqual({ consent: first.consent });
  const second = await h.link(there, { consent: "active" }, first.connection.id);
  h.consents.set(first.consent, { consent: "ended" });
  await h.clock.advance(30_000);
  expect(await (await first.connection.fetch("data")).json()).toEqual({ consent: second.consent });
  expect((await first.connection.status()).health).toBe("healthy");
});

test("G39 ten calls at once for a pending connection put off the next look as one does", async () => {
  const h = consenting();
  const { connection, consent } = await h.link(h.application());
  await h.clock.advance(2000);
  await Promise.allSettled(Array.from({ length: 10 }, () => connection.fetch("data")));
  const { retryAt = 0 } = await connection.status();
  expect(retryAt - h.clock.now()).toBeLessThanOrEqual(2000);
  h.consents.set(consent, { consent: "active" });
  await h.clock.advance(2000);
  expect((await connection.fetch("data")).status).toBe(200);
});

test("G74 what the provider says of a consent counts, though asking had to renew", async () => {
  const clock = virtualClock();
  await using server = await simulateAuthorizationServer({ clock, accessTokenLifetime: 300 });
  let reading: ConsentReading = { consent: "active" };
  const provider = defineProvider({
    ...bank(server),
    connect: {
      granted: () => ({ refs: ["customer:1"] }),
      confirm: async (context) => {
        await context.call("/api/me");
        return reading;
      },
    },
    webhook: { read: async () => ({ id: "message", event: {}, effects: [{ ref: "customer:1", effect: "confirm" }] }) },
  });
  const connector = createConnector({
    providers: { bank: provider },
    store: memoryStore({ clock }),
    concurrency: "one-process",
    keys,
    clock,
    [allowInsecureLoopback]: true,
  });
  const flow = await connector.providers.bank.connect({ owner, session });
  const connection = await connector.complete(await server.consent(flow.url), { session });
  reading = { consent: "ended" };
  await clock.advance(301_000);
  const message = new Request("https://app.example/webhook", { method: "POST", body: "{}" });
  expect((await connector.providers.bank.webhook(message)).connections).toEqual([connection.id]);
  expect(await connection.status()).toMatchObject({ health: "ended", reason: "consent_ended" });
});

test("G57 G68 a refresh token that is kept when its user connects again is as old as it was", async () => {
  await using h = await house({
    bank: {
      grants: { refreshToken: { rotation: "fixed", idleTimeout: 30 * 86_400 } },
      connect: { granted: () => ({ account: "a" }) },
    },
    server: { refresh: { kind: "fixed", idleTimeout: 30 * day } },
  });
  const connection = await h.link();
  await h.clock.advance(20 * day);
  h.server.faults.next("omit-refresh-token", { grantType: "authorization_code" });
  const flow = await h.connector.providers.bank.connect({ owner, session, connection: connection.id });
  await h.connector.complete(await h.server.consent(flow.url), { session });
  for (let today = 20; today < 50; today++) {
    await h.clock.advance(day);
    await h.connector.maintain();
  }
  expect((await connection.status()).health).toBe("healthy");
});

test("G05 G68 what another process's renewal makes of a kept refresh token meanwhile is not lost, nor is it presented twice", async () => {
  const clock = virtualClock();
  const store = shared(memoryStore({ clock }));
  await using h = await house({
    clock,
    store,
    timing: patient,
    bank: { connect: { granted: () => ({ account: "a" }) } },
  });
  const connection = await h.link();
  await clock.advance(301_000);
  // The server has rotated, and its answer is on the way.
  const latch = h.server.faults.next("latch", { grantType: "refresh_token", handled: true });
  const renewing = (await h.application().connection(connection.id, { owner })).accessToken();
  await latch.arrived;
  h.server.faults.next("omit-refresh-token", { grantType: "authorization_code" });
  const flow = await h.connector.providers.bank.connect({ owner, session, connection: connection.id });
  const again = await h.connector.complete(await h.server.consent(flow.url), { session });
  await clock.advance(301_000);
  // The new access token is over, and what would renew it is on its way still.
  const waiting = again.accessToken();
  await clock.advance(1000);
  await settled();
  expect(h.tokenRequests()).toBe(1);
  latch.release();
  expect(await passing(clock, waiting)).toMatch(/^at_/);
  expect(await renewing).toMatch(/^at_/);
  expect(h.server.counters.reuses).toBe(0);
});
