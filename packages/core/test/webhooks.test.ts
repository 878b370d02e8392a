import {
  allowInsecureLoopback,
  ConnectorError,
  type ConnectorEvents,
  type ConsentReading,
  clientSecretBasic,
  createConnector,
  defineProvider,
  type EventName,
  keyring,
  memoryStore,
  type WebhookEffect,
} from "@linkwright/core";
import { virtualClock } from "@linkwright/testing";
import { describe, expect, test } from "vitest";
import { faultOf, key, session } from "./support/house.ts";
import { clientSecret, expectNoSecret, watchedHouse } from "./support/watched.ts";

/** A provider whose users consent on its own pages; its connections lean on the application's token. */

const redirectUri = "https://app.example/hosted";
const cancelUri = "https://app.example/hosted/cancelled";
const owner = "user_1";
const appToken = "at_0123456789-of-the-application";

interface Message {
  readonly id: string;
  readonly effects: readonly WebhookEffect[];
}

function hosted(id = "hosted") {
  const origin = `https://${id}.example`;
  return defineProvider({
    id,
    server: { issuer: origin, token_endpoint: `${origin}/token` },
    client: { id: "client", authentication: clientSecretBasic(clientSecret) },
    grants: {
      clientCredentials: {},
      hostedConsent: { redirectUri: `${redirectUri}/${id}`, cancelUri: `${cancelUri}/${id}` },
    },
    api: {
      base: `${origin}/api/`,
      fault: ({ status }) => (status === 410 ? { kind: "reauthorize", reason: "consent_ended" } : undefined),
    },
    connect: {
      begin: async (context, request) => {
        const opened = (await context.call("sessions", { method: "POST", json: { state: request.state } })) as {
          id: string;
        };
        return {
          url: `${origin}/pages/${opened.id}`,
          handle: opened.id,
          data: { session: opened.id, user: `of-${opened.id}` },
        };
      },
      handle: (callback) => callback.get("session_id") ?? undefined,
      pendingRefs: ({ user }) => [`user:${user}`],
      confirm: async (context) => (await context.call(`consents/${context.connection.data.session}`)) as ConsentReading,
    },
    disconnect: async (context) => {
      await context.call(`consents/${context.connection.data.session}`, { method: "DELETE" });
      return [{ what: "consent", result: "revoked" }];
    },
    webhook: {
      read: async ({ body, headers }) => {
        if (headers.get("x-signature") !== "good")
          throw new ConnectorError({ kind: "permission" }, "The webhook's signature is wrong.");
        const message = JSON.parse(new TextDecoder().decode(body)) as Message;
        return { ...message, event: message };
      },
    },
  });
}

async function hostedHouse(options: { freshness?: number } = {}) {
  const clock = virtualClock();
  const store = memoryStore({ clock });
  const consents = new Map<string, ConsentReading>();
  const calls: string[] = [];
  let sessions = 0;
  let failing = 0;
  let told: Record<string, string> = {};

  const api = (url: URL, method: string): Response => {
    if (url.pathname === "/token")
      return Response.json({ access_token: appToken, token_type: "Bearer", expires_in: 900 });
    if (failing > 0) {
      failing--;
      return Response.json({ error: "down" }, { status: 503, headers: told });
    }
    const [, , kind, id = ""] = url.pathname.split("/");
    if (kind === "sessions") return Response.json({ id: `session-${++sessions}` });
    if (kind === "data") return Response.json({ ok: true });
    if (kind === "over") return Response.json({}, { status: 410 });
    if (method === "DELETE") consents.delete(id);
    return Response.json(consents.get(id) ?? { consent: "pending" });
  };
  const application = (freshness = options.freshness ?? 30_000) =>
    createConnector({
      providers: { hosted: hosted(), second: hosted("second") },
      store,
      concurrency: "one-process",
      keys: keyring([{ id: "test", key }]),
      clock,
      freshness,
      fetch: async (input, init) => {
        const url = new URL(input);
        const method = init.method ?? "GET";
        calls.push(`${method} ${url.pathname}`);
        return api(url, method);
      },
      [allowInsecureLoopback]: true,
    });
  const connector = application();
  const events: { name: EventName; event: ConnectorEvents[EventName] }[] = [];
  for (const name of [
    "connection.connected",
    "connection.pending",
    "connection.ended",
    "connection.disconnected",
  ] as const)
    connector.on(name, (event) => events.push({ name, event }));
  const webhook = (
    message: Message,
    from: Pick<typeof connector, "providers"> = connector,
    headers = { "x-signature": "good" },
  ) =>
    from.providers.hosted.webhook(
      new Request("https://app.example/webhook", { method: "POST", body: JSON.stringify(message), headers }),
    );
  return {
    clock,
    store,
    consents,
    calls,
    connector,
    application,
    webhook,
    count: (call: string) => calls.filter((one) => one.startsWith(call)).length,
    told: (name: EventName) => events.filter((event) => event.name === name).length,
    failNext: (times: number, headers = {}) => {
      failing = times;
      told = headers;
    },
    /** The user goes to the provider's pages and comes back. */
    async link(consent?: ConsentReading, more: { owner?: string; connection?: string } = {}) {
      const flow = await connector.providers.hosted.connect({ owner, session, ...more });
      if (consent) consents.set(flow.handle ?? "", consent);
      return connector.complete(`${redirectUri}/hosted?session_id=${flow.handle}`, { session });
    },
    async [Symbol.asyncDispose]() {
      await connector.close();
      for (const seen of events) expectNoSecret(seen, [clientSecret, session, appToken]);
    },
  };
}

const active = (id: string): ConsentReading => ({
  consent: "active",
  refs: [`consent:${id}`],
  account: `account-${id}`,
});
const ended = (ref: string): WebhookEffect => ({ ref, effect: "ended", reason: "consent_ended" });
const confirm = (ref: string): WebhookEffect => ({ ref, effect: "confirm" });
const over = { kind: "reauthorize", reason: "consent_ended" };

describe("a consent on the provider's own pages", () => {
  test("G30 is asked for again when the provider allows it, and not before", async () => {
    await using h = await hostedHouse();
    const connection = await h.link();
    await h.clock.advance(10_000);
    h.failNext(1, { "retry-after": "60" });
    const until = h.clock.now() + 60_000;
    const asked = () => h.count("GET /api/consents");
    const before = asked();
    expect(await faultOf(connection.accessToken())).toMatchObject({ kind: "retry", retryAt: until });
    await h.clock.advance(59_000);
    expect(await faultOf(connection.accessToken())).toMatchObject({ kind: "retry", retryAt: until });
    await h.connector.maintain();
    expect(asked()).toBe(before + 1);
    await h.clock.advance(1_000);
    await h.connector.maintain();
    expect(asked()).toBe(before + 2);
  });

  test("G39 is pending until it is confirmed: at the callback, or at a later use", async () => {
    await using h = await hostedHouse();
    const connection = await h.link();
    expect(await connection.status()).toMatchObject({ health: "pending", bearer: "application" });
    expect(h.told("connection.pending")).toBe(1);
    expect(h.told("connection.connected")).toBe(0);
    const asked = h.count("GET /api/consents");
    expect(asked).toBe(1);
    const waiting = await faultOf(connection.accessToken());
    expect(waiting).toMatchObject({ kind: "retry", retryAt: expect.any(Number) });
    // Until then the provider is not asked again.
    expect(await faultOf(connection.fetch("data"))).toMatchObject({ kind: "retry" });
    expect(h.count("GET /api/consents")).toBe(asked);
    expect(h.count("GET /api/data")).toBe(0);

    h.consents.set("session-1", active("1"));
    if (waiting.kind !== "retry") throw new Error("it is to be tried again");
    await h.clock.advance(waiting.retryAt - h.clock.now());
    expect(await connection.accessToken()).toBe(appToken);
    expect((await connection.fetch("data")).status).toBe(200);
    expect(await connection.status()).toMatchObject({ health: "healthy", bearer: "application", account: "account-1" });
    expect(h.told("connection.connected")).toBe(1);
    expect(h.count("GET /api/consents")).toBe(asked + 1);
  });

  test("G74 an API that says that a consent is over ends it, and not the one that replaced it elsewhere", async () => {
    await using h = await hostedHouse();
    const { id } = await h.link(active("1"));
    const elsewhere = await h.application().connection(id, { owner });
    expect((await elsewhere.fetch("data")).status).toBe(200);
    const again = await h.link(active("2"), { connection: id });
    expect((await elsewhere.fetch("over")).status).toBe(410);
    expect((await again.status()).health).toBe("healthy");
    await h.clock.advance(30_000);
    await elsewhere.fetch("over");
    expect(await again.status()).toMatchObject({ health: "ended", reason: "consent_ended" });
  });

  test("G39 is active at once where the provider lists it at once", async () => {
    await using h = await hostedHouse();
    const connection = await h.link(active("1"));
    expect((await connection.status()).health).toBe("healthy");
    expect(await connection.accessToken()).toBe(appToken);
  });

  test("G39 stays pending where the provider cannot be asked, and maintenance asks again", async () => {
    await using h = await hostedHouse();
    const flow = await h.connector.providers.hosted.connect({ owner, session });
    h.consents.set("session-1", active("1"));
    h.failNext(1);
    const connection = await h.connector.complete(`${redirectUri}/hosted?session_id=${flow.handle}`, { session });
    expect((await connection.status()).health).toBe("pending");
    await h.clock.advance(60_000);
    expect((await h.connector.maintain()).outcomes).toMatchObject({ confirmed: 1 });
    expect((await connection.status()).health).toBe("healthy");
  });

  test("G39 that is never listed is given up on after a day", async () => {
    await using h = await hostedHouse();
    const connection = await h.link();
    for (let hours = 0; hours < 26; hours++) {
      await h.clock.advance(3_600_000);
      await h.connector.maintain();
    }
    expect(await connection.status()).toMatchObject({ health: "ended", reason: "expired" });
    expect(await faultOf(connection.accessToken())).toMatchObject({ kind: "reauthorize", reason: "expired" });
    const asked = h.count("GET /api/consents");
    await h.clock.advance(86_400_000);
    await h.connector.maintain();
    expect(h.count("GET /api/consents")).toBe(asked);
  });

  test("G39 that the provider refused ends the connection", async () => {
    await using h = await hostedHouse();
    const connection = await h.link({ consent: "ended" });
    expect(await connection.status()).toMatchObject({ health: "ended", reason: "consent_ended" });
    expect(await faultOf(connection.accessToken())).toMatchObject(over);
  });

  test("G61 its callback is known by state or, where there is none, by the session's handle; both are used up", async () => {
    await using h = await hostedHouse();
    const { handle } = await h.connector.providers.hosted.connect({ owner, session });
    const back = (query: string, path = redirectUri) => h.connector.complete(`${path}/hosted?${query}`, { session });
    expect(await faultOf(back("session_id=unknown"))).toMatchObject({ kind: "flow", reason: "unknown_state" });
    expect(await faultOf(back(""))).toMatchObject({ kind: "flow", reason: "unknown_state" });
    // A state that is there has to be right.
    const wrongState = back(`session_id=${handle}&state=${"D".repeat(43)}`);
    expect(await faultOf(wrongState)).toMatchObject({ kind: "flow", reason: "unknown_state" });
    const elsewhere = h.connector.complete(`${redirectUri}/hosted?session_id=${handle}`, {
      session: "another-browser-session",
    });
    expect(await faultOf(elsewhere)).toMatchObject({ kind: "flow", reason: "wrong_browser" });
    const wrongPath = h.connector.complete(`https://app.example/other?session_id=${handle}`, { session });
    expect(await faultOf(wrongPath)).toMatchObject({ kind: "flow", reason: "issuer" });
    await back(`session_id=${handle}`);
    expect(await faultOf(back(`session_id=${handle}`))).toMatchObject({ kind: "flow", reason: "used" });
  });

  test("its handle names where browsers come back to, as registered", async () => {
    await using h = await hostedHouse();
    expect(h.connector.providers.hosted.redirectUris).toEqual([`${redirectUri}/hosted`, `${cancelUri}/hosted`]);
    expect(h.connector.providers.second.redirectUris).toEqual([`${redirectUri}/second`, `${cancelUri}/second`]);
  });

  test("G63 a refusal on the cancel URI uses up the flow and makes no connection", async () => {
    await using h = await hostedHouse();
    const { handle } = await h.connector.providers.hosted.connect({ owner, session });
    const cancelled = h.connector.complete(`${cancelUri}/hosted?session_id=${handle}&error=access_denied`, { session });
    expect(await faultOf(cancelled)).toMatchObject({ kind: "cancelled" });
    const forward = h.connector.complete(`${redirectUri}/hosted?session_id=${handle}`, { session });
    expect(await faultOf(forward)).toMatchObject({ kind: "flow", reason: "used" });
    expect((await h.store.list({ prefix: "connection:", limit: 10 })).items).toEqual([]);
  });

  test("G73 disconnecting ends the consent and leaves the application's token", async () => {
    await using h = await hostedHouse();
    const connection = await h.link(active("1"));
    await connection.accessToken();
    expect(await connection.disconnect()).toEqual({
      disconnected: true,
      revocations: [{ what: "consent", result: "revoked" }],
    });
    expect(h.consents.size).toBe(0);
    expect(await faultOf(connection.accessToken())).toMatchObject({ kind: "gone" });
    expect(await h.connector.providers.hosted.app().accessToken()).toBe(appToken);
    expect(h.count("POST /token")).toBe(1);
  });
});

describe("a consent that ends elsewhere", () => {
  test("G74 ends the connection at once where it is learned, and within `freshness` everywhere else; the application's token lives", async () => {
    await using h = await hostedHouse();
    const connection = await h.link(active("1"));
    const other = await h.application().connection(connection.id, { owner });
    expect(await other.accessToken()).toBe(appToken);
    await h.clock.advance(20_000);
    const receipt = await h.webhook({ id: "m1", effects: [ended("consent:1")] });
    expect(receipt).toEqual({
      event: { id: "m1", effects: [ended("consent:1")] },
      duplicate: false,
      connections: [connection.id],
    });
    expect(await faultOf(connection.accessToken())).toMatchObject(over);
    expect(await faultOf(connection.fetch("data"))).toMatchObject(over);
    await h.clock.advance(10_001);
    expect(await faultOf(other.accessToken())).toMatchObject(over);
    expect(await faultOf(other.fetch("data"))).toMatchObject(over);
    expect(h.count("GET /api/data")).toBe(0);
    expect(await connection.status()).toMatchObject({ health: "ended", reason: "consent_ended" });
    expect(h.told("connection.ended")).toBe(1);
    const app = h.connector.providers.hosted.app();
    expect(await app.accessToken()).toBe(appToken);
    expect((await app.fetch("data")).status).toBe(200);
    expect(h.count("POST /token")).toBe(1);
  });

  test("G75 a message that came before is a duplicate, in every process; another id with the same news changes nothing", async () => {
    await using h = await hostedHouse();
    const connection = await h.link(active("1"));
    await h.webhook({ id: "m1", effects: [ended("consent:1")] });
    const before = await h.store.read(`connection:${connection.id}`);
    for (const from of [h.connector, h.application()])
      expect(await h.webhook({ id: "m1", effects: [ended("consent:1")] }, from)).toMatchObject({
        duplicate: true,
        connections: [],
      });
    expect(await h.webhook({ id: "m2", effects: [ended("consent:1")] })).toMatchObject({ duplicate: false });
    expect(await h.store.read(`connection:${connection.id}`)).toEqual(before);
    expect(h.told("connection.ended")).toBe(1);
  });

  test("G74 many deliveries at once end it once", async () => {
    await using h = await hostedHouse();
    await h.link(active("1"));
    const from = [h.connector, h.application()];
    await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        h.webhook({ id: `m${index % 4}`, effects: [ended("consent:1")] }, from[index % 2]),
      ),
    );
    expect(h.told("connection.ended")).toBeLessThanOrEqual(1);
    expect((await h.store.list({ prefix: "seen:", limit: 10 })).items).toHaveLength(4);
  });

  test("G74 out of order: news that it began, after news that it ended, does not revive it", async () => {
    await using h = await hostedHouse();
    const connection = await h.link();
    await h.webhook({ id: "ended", effects: [ended("user:of-session-1")] });
    h.consents.set("session-1", active("1"));
    await h.webhook({ id: "began", effects: [confirm("user:of-session-1")] });
    await h.connector.maintain();
    expect(await connection.status()).toMatchObject({ health: "ended", reason: "consent_ended" });
  });

  test("G39 a message that something changed makes the provider be asked: pending becomes active, active becomes ended", async () => {
    await using h = await hostedHouse();
    const connection = await h.link();
    h.consents.set("session-1", active("1"));
    await h.webhook({ id: "m1", effects: [confirm("user:of-session-1")] });
    expect((await connection.status()).health).toBe("healthy");
    expect(h.told("connection.connected")).toBe(1);
    h.consents.set("session-1", { consent: "pending" });
    await h.webhook({ id: "m2", effects: [confirm("consent:1")] });
    expect((await connection.status()).health).toBe("healthy");
    h.consents.set("session-1", { consent: "ended" });
    await h.webhook({ id: "m3", effects: [confirm("consent:1")] });
    expect(await faultOf(connection.accessToken())).toMatchObject(over);
  });

  test("G75 a message whose effect fails is not remembered: its repetition is applied", async () => {
    await using h = await hostedHouse();
    const connection = await h.link();
    h.consents.set("session-1", active("1"));
    h.failNext(1);
    const message = { id: "m1", effects: [confirm("user:of-session-1")] };
    expect(await faultOf(h.webhook(message))).toMatchObject({ kind: "retry" });
    expect((await connection.status()).health).toBe("pending");
    expect(await h.webhook(message)).toMatchObject({ duplicate: false, connections: [connection.id] });
    expect((await connection.status()).health).toBe("healthy");
  });

  test("G75 a message that the application could not handle is not remembered: it is applied, and handled when it comes again", async () => {
    await using h = await hostedHouse();
    const connection = await h.link(active("1"));
    const receive = (handle: (receipt: unknown) => unknown, signature = "good") => {
      const body = JSON.stringify({ id: "m1", effects: [ended("consent:1")] });
      const init = { method: "POST", body, headers: { "x-signature": signature } };
      return h.connector.providers.hosted.webhook(new Request("https://app.example/webhook", init), { handle });
    };
    const failure = new Error("the queue is full");
    await expect(receive(() => Promise.reject(failure))).rejects.toBe(failure);
    expect((await connection.status()).health).toBe("ended");
    expect((await h.store.list({ prefix: "seen:", limit: 10 })).items).toEqual([]);

    const handled: unknown[] = [];
    const seenBefore: number[] = [];
    const handle = async (receipt: unknown) => {
      seenBefore.push((await h.store.list({ prefix: "seen:", limit: 10 })).items.length);
      handled.push(receipt);
    };
    expect(await faultOf(receive(handle, "bad"))).toMatchObject({ kind: "permission" });
    expect(handled).toEqual([]);
    const receipt = await receive(handle);
    expect(receipt).toMatchObject({ duplicate: false, connections: [connection.id] });
    expect(handled).toEqual([receipt]);
    expect(await receive(handle)).toMatchObject({ duplicate: true });
    expect([handled.length, seenBefore]).toEqual([1, [0]]);
    expect(h.told("connection.ended")).toBe(1);
  });

  test("G75 a message that is not the provider's has no effect and is not remembered", async () => {
    await using h = await hostedHouse();
    const connection = await h.link(active("1"));
    const message = { id: "m1", effects: [ended("consent:1")] };
    expect(await faultOf(h.webhook(message, h.connector, { "x-signature": "bad" }))).toMatchObject({
      kind: "permission",
    });
    expect((await connection.status()).health).toBe("healthy");
    expect((await h.store.list({ prefix: "seen:", limit: 10 })).items).toEqual([]);
    expect(await h.webhook(message)).toMatchObject({ duplicate: false, connections: [connection.id] });
  });

  test("G51 a body of more than a mebibyte is refused before it is read, let alone believed", async () => {
    await using h = await hostedHouse();
    let sent = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        // Not quite endless, lest who reads it all takes the machine with it.
        if (++sent > 64) controller.close();
        else controller.enqueue(new Uint8Array(64 * 1024));
      },
    });
    const request = new Request("https://app.example/webhook", {
      method: "POST",
      body: endless,
      headers: { "x-signature": "good" },
      duplex: "half",
    } as RequestInit);
    expect(await faultOf(h.connector.providers.hosted.webhook(request))).toMatchObject({ kind: "protocol" });
    expect(sent).toBeLessThan(25);
  });

  test("G74 the right grant: another user's, another registration's and a former one stay as they are", async () => {
    await using h = await hostedHouse();
    const mine = await h.link(active("1"));
    const theirs = await h.link(active("2"), { owner: "user_2" });
    // The same references, at the other registration.
    await h.connector.providers.second.webhook(
      new Request("https://app.example/webhook", {
        method: "POST",
        body: JSON.stringify({ id: "m0", effects: [ended("consent:1")] }),
        headers: { "x-signature": "good" },
      }),
    );
    expect((await mine.status()).health).toBe("healthy");
    await h.webhook({ id: "m1", effects: [ended("consent:2")] });
    expect((await mine.status()).health).toBe("healthy");
    expect((await theirs.status()).health).toBe("ended");

    // Connected again: the old consent's end, told late, is not the new one's.
    h.consents.set("session-3", { consent: "active", refs: ["consent:3"], account: "account-1" });
    const again = await h.link(
      { consent: "active", refs: ["consent:3"], account: "account-1" },
      { connection: mine.id },
    );
    expect(again.id).toBe(mine.id);
    expect(await h.webhook({ id: "m2", effects: [ended("consent:1")] })).toMatchObject({ connections: [] });
    expect((await mine.status()).health).toBe("healthy");
    expect(await mine.accessToken()).toBe(appToken);
    await h.webhook({ id: "m3", effects: [ended("consent:3")] });
    expect(await faultOf(mine.accessToken())).toMatchObject(over);
  });

  test("G72 a reference stands in the store as a digest alone", async () => {
    await using h = await hostedHouse();
    await h.link(active("1"));
    const { items } = await h.store.list({ prefix: "", limit: 100 });
    expect(JSON.stringify(items)).not.toContain("consent:1");
  });
});

describe("where the connection carries its own tokens", () => {
  const webhook = {
    read: async ({ body }: { body: Uint8Array<ArrayBuffer> }) => {
      const message = JSON.parse(new TextDecoder().decode(body)) as Message;
      return { ...message, event: undefined as never };
    },
  };
  const house = () => watchedHouse({ bank: { webhook, connect: { granted: () => ({ refs: ["user:1"] }) } } });
  const tell = (h: Awaited<ReturnType<typeof house>>, id: string) => {
    const handle = h.application().providers.bank as unknown as { webhook(request: Request): Promise<unknown> };
    const body = JSON.stringify({ id, effects: [ended("user:1")] });
    return handle.webhook(new Request("https://app.example/webhook", { method: "POST", body }));
  };

  test("G74 a webhook beats a renewal in flight: the tokens that come are let go of, and nobody gets them", async () => {
    await using h = await house();
    const connection = await h.link();
    await h.clock.advance(301_000);
    const latch = h.server.faults.next("latch", { grantType: "refresh_token", handled: true });
    const renewing = h.refused(connection.accessToken());
    await latch.arrived;
    await tell(h, "m1");
    await tell(h, "m1");
    latch.release();
    expect((await renewing).fault).toEqual(over);
    expect((await h.refused(connection.fetch("/api/me"))).fault).toEqual(over);
    expect(await connection.status()).toMatchObject({ health: "ended", reason: "consent_ended" });
    expect(h.tokenRequests()).toBe(1);
    expect(h.server.journal.filter({ path: "/revoke" }).map(({ form }) => form?.token_type_hint)).toEqual([
      "refresh_token",
      "access_token",
    ]);
  });

  test("G74 a valid token in memory is handed out no longer than `freshness` after an end declared elsewhere", async () => {
    await using h = await house();
    const connection = await h.link();
    const app = h.connector.providers.bank.app();
    const appsToken = await app.accessToken();
    await connection.accessToken();
    await tell(h, "m1");
    await h.clock.advance(30_001);
    expect((await h.refused(connection.accessToken())).fault).toEqual(over);
    expect(await app.accessToken()).toBe(appsToken);
    expect(h.tokenRequests()).toBe(0);
  });

  test("G74 markEnded: at once here, with its reason, idempotent, and nothing is revoked", async () => {
    await using h = await house();
    const connection = await h.link();
    const other = await h.link();
    await connection.accessToken();
    await h.connector.markEnded(connection.id, { owner: "user_1" });
    expect((await h.refused(connection.accessToken())).fault).toEqual(over);
    await h.connector.markEnded(connection.id, { owner: "user_1", reason: "revoked" });
    expect((await h.refused(connection.accessToken())).fault).toEqual(over);
    await h.connector.markEnded(other.id, { owner: "user_1", reason: "expired" });
    expect((await h.refused(other.accessToken())).fault).toEqual({ kind: "reauthorize", reason: "expired" });
    expect(h.told("connection.ended")).toBe(2);
    expect(h.server.journal.count({ path: "/revoke" })).toBe(0);
    expect(h.tokenRequests()).toBe(0);
    // Only the user can revive it.
    const flow = await h.connector.providers.bank.connect({ owner: "user_1", session, connection: connection.id });
    await h.connector.complete(await h.server.consent(flow.url), { session });
    expect((await connection.fetch("/api/me")).status).toBe(200);
  });

  test("G74 markEnded beats a renewal in flight in another process, and what that brings is let go of", async () => {
    await using h = await house();
    const connection = await h.link();
    await h.clock.advance(301_000);
    const latch = h.server.faults.next("latch", { grantType: "refresh_token", handled: true });
    const renewing = h.refused(connection.accessToken());
    await latch.arrived;
    await h.application().markEnded(connection.id, { owner: "user_1", reason: "revoked" });
    latch.release();
    const revoked = { kind: "reauthorize", reason: "revoked" };
    expect((await renewing).fault).toEqual(revoked);
    expect((await h.refused(connection.fetch("/api/me"))).fault).toEqual(revoked);
    expect(h.server.journal.filter({ path: "/revoke" }).map(({ form }) => form?.token_type_hint)).toEqual([
      "refresh_token",
      "access_token",
    ]);
  });

  test("G74 endings in any order, and more than once, come to the same: the first reason stands, and it is told once", async () => {
    for (const order of [
      ["webhook", "mark", "disconnect"],
      ["mark", "webhook", "disconnect"],
      ["disconnect", "webhook", "mark"],
      ["mark", "disconnect", "webhook"],
    ]) {
      await using h = await house();
      const connection = await h.link();
      const handle = h.connector.providers.bank as unknown as { webhook(request: Request): Promise<unknown> };
      const end = {
        webhook: (id: string) => {
          const body = JSON.stringify({ id, effects: [ended("user:1")] });
          return handle.webhook(new Request("https://app.example/webhook", { method: "POST", body }));
        },
        mark: () => h.connector.markEnded(connection.id, { owner: "user_1", reason: "revoked" }),
        disconnect: () => connection.disconnect(),
      };
      for (const [index, step] of order.flatMap((step) => [step, step]).entries()) {
        await end[step as keyof typeof end](`m${index}`).catch((error: { fault: object }) =>
          expect(error.fault).toEqual({ kind: "gone", reason: "unknown" }),
        );
        if (step === order[0] && step !== "disconnect")
          expect(await connection.status()).toMatchObject({
            health: "ended",
            reason: step === "mark" ? "revoked" : "consent_ended",
          });
      }
      expect(await h.store.read(`connection:${connection.id}`)).toBeUndefined();
      expect(h.told("connection.ended")).toBe(order[0] === "disconnect" ? 0 : 1);
      expect(h.told("connection.disconnected")).toBe(1);
    }
  });

  test("G74 what named a former grant does not name the new one, also where the new one has no name", async () => {
    let refs: readonly string[] | undefined = ["user:1"];
    await using h = await watchedHouse({ bank: { webhook, connect: { granted: () => (refs ? { refs } : {}) } } });
    const connection = await h.link();
    refs = undefined;
    const flow = await h.connector.providers.bank.connect({ owner: "user_1", session, connection: connection.id });
    await h.connector.complete(await h.server.consent(flow.url), { session });
    await tell(h, "m1");
    expect((await connection.status()).health).toBe("healthy");
    expect((await connection.fetch("/api/me")).status).toBe(200);
  });

  test("G74 news of the old grant that is being applied while the user connects again does not end the new one", async () => {
    await using h = await house();
    const connection = await h.link();
    const flow = await h.connector.providers.bank.connect({ owner: "user_1", session, connection: connection.id });
    const callback = await h.server.consent(flow.url);
    const { list } = h.store;
    let reconnected = false;
    Object.assign(h.store, {
      list: async (...query: Parameters<typeof list>) => {
        const page = await list(...query);
        if (query[0].ref !== undefined && !reconnected) {
          reconnected = true;
          await h.connector.complete(callback, { session });
        }
        return page;
      },
    });
    await tell(h, "m1");
    expect(reconnected).toBe(true);
    expect((await connection.status()).health).toBe("healthy");
    expect((await connection.fetch("/api/me")).status).toBe(200);
  });
});
