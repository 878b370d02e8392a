import {
  type Application,
  allowInsecureLoopback,
  type Clock,
  type Connection,
  type ConnectionStatus,
  type Connector,
  ConnectorError,
  clientSecretBasic,
  createConnector,
  dangerouslyUnsealed,
  defineProvider,
  type Keyring,
  keyring,
  memoryStore,
  type ProviderDefinition,
  type ProviderHandle,
  publicClient,
  type Store,
} from "@linkwright/core";
import { virtualClock } from "@linkwright/testing";
import { describe, expect, expectTypeOf, test } from "vitest";
import { faultOf, house, key, session, shared } from "./support/house.ts";
import { watchedHouse } from "./support/watched.ts";

const endpoints = {
  issuer: "https://bank.example",
  authorization_endpoint: "https://bank.example/authorize",
  token_endpoint: "https://bank.example/token",
};
const authorizationCode = { redirectUri: "https://app.example/callback", pkce: "S256" as const };

type Loose = Partial<ProviderDefinition> & Record<string, unknown>;
const define = (changes: Loose = {}) =>
  defineProvider({
    id: "bank",
    server: endpoints,
    client: { id: "client", authentication: clientSecretBasic("secret") },
    grants: { authorizationCode },
    ...changes,
  } as ProviderDefinition);

/** `createConnector` as JavaScript would call it. */
const create = (changes: Record<string, unknown> = {}) =>
  createConnector({
    providers: { bank: define() },
    store: memoryStore(),
    concurrency: "one-process",
    keys: keyring([{ id: "test", key }]),
    ...changes,
  } as Parameters<typeof createConnector>[0]);

function thrown(work: () => unknown): ConnectorError {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(ConnectorError);
    return error as ConnectorError;
  }
  throw new Error("it was accepted");
}

test("createConnector does no I/O: store, fetch, keys and timers are left alone until they are needed", async () => {
  const calls: string[] = [];
  const forbidden = (name: string) => async () => {
    calls.push(name);
    throw new Error(`${name} was called`);
  };
  const names = ["read", "write", "remove", "list", "due", "close", "watch"] as const;
  const store = { reach: "cluster", ...Object.fromEntries(names.map((name) => [name, forbidden(name)])) };
  const clock: Clock = {
    now: () => 0,
    monotonic: () => 0,
    after: () => {
      calls.push("after");
      return () => {};
    },
  };
  const connector = create({
    store: store as unknown as Store,
    concurrency: undefined,
    clock,
    fetch: forbidden("fetch"),
    keys: keyring([{ id: "vault", key: forbidden("vault") as never }]),
    providers: {
      bank: define({
        server: { ...endpoints, discovery: true },
        client: { id: "client", authentication: clientSecretBasic(forbidden("secret")) },
        webhook: { read: forbidden("webhook") },
      }),
    },
  });
  connector.on("connection.connected", () => {});
  await new Promise((resolve) => setImmediate(resolve));
  expect(calls).toEqual([]);
  await expect(connector.ready()).rejects.toThrow();
  expect(calls).toEqual(["vault"]);
});

describe("ready()", () => {
  test("passes where all is well, and leaves nothing behind", async () => {
    const store = memoryStore();
    await create({ store }).ready();
    expect((await store.list({ prefix: "", limit: 10 })).items).toEqual([]);
  });

  const broken = async () => {
    throw new Error("connection refused");
  };
  test.each<[string, Partial<Store>]>([
    ["cannot be written", { write: broken }],
    ["cannot be read", { read: broken }],
    ["cannot remove", { remove: broken }],
    ["gives back something else", { read: async () => ({ value: "other", version: "1" }) }],
    ["forgets", { read: async () => undefined }],
    ["always conflicts", { write: async () => "conflict" }],
  ])("G21 a store that %s is a `store` fault", async (_, defect) => {
    const fault = await faultOf(create({ store: { ...memoryStore(), ...defect } }).ready());
    expect(fault.kind).toBe("store");
    expect(fault.message).toMatch(/store/);
  });

  test("G08 a store that never answers is given up on", async () => {
    const clock = virtualClock();
    const asked = Promise.withResolvers<void>();
    const read = () => {
      asked.resolve();
      return new Promise<never>(() => {});
    };
    const ready = faultOf(create({ clock, store: { ...memoryStore({ clock }), read } }).ready());
    await asked.promise;
    await clock.advance(10_001);
    expect(await ready).toMatchObject({ kind: "store" });
  });

  test.each<[string, () => Promise<never>]>([
    ["too short", async () => new Uint8Array(16) as never],
    ["of another kind", async () => ({ kty: "RSA", n: "x", e: "AQAB" }) as never],
    ["no key at all", async () => undefined as never],
    [
      "not to be had",
      async () => {
        throw new Error("vault sealed");
      },
    ],
  ])("G71 a key that turns out %s is `configuration`, and names the key", async (_, source) => {
    const fault = await faultOf(create({ keys: keyring([{ id: "2026-11", key: source }]) }).ready());
    expect(fault.kind).toBe("configuration");
    expect(fault.message).toContain("2026-11");
  });
});

describe("bad configuration is refused, naming the option and the remedy", () => {
  const lan = "http://192.168.0.7:8080";
  const local = { ...endpoints, token_endpoint: "http://127.0.0.1:8080/token" };
  test.each<[string, Loose, RegExp, Record<symbol, unknown>?]>([
    [
      "no token endpoint",
      { server: { issuer: endpoints.issuer } },
      /server\.token_endpoint is missing; give it, or set server\.discovery/,
    ],
    [
      "no authorization endpoint",
      { server: { issuer: endpoints.issuer, token_endpoint: endpoints.token_endpoint } },
      /server\.authorization_endpoint is missing; give it/,
    ],
    [
      "C15 an http endpoint",
      { server: { ...endpoints, token_endpoint: "http://bank.example/token" } },
      /server\.token_endpoint .* not https/,
    ],
    [
      "C15 http on loopback, not allowed",
      { server: local },
      /server\.token_endpoint .* set \[allowInsecureLoopback\]: true/,
    ],
    [
      "C15 http in the local network, though loopback is allowed",
      { server: { ...endpoints, token_endpoint: `${lan}/token` } },
      /server\.token_endpoint .* not https/,
      { [allowInsecureLoopback]: true },
    ],
    [
      "C15 a host that only looks like loopback",
      { server: { ...endpoints, token_endpoint: "http://127.0.0.1.evil.example/token" } },
      /server\.token_endpoint/,
      { [allowInsecureLoopback]: true },
    ],
    [
      "C15 an http revocation endpoint",
      { server: { ...endpoints, revocation_endpoint: "http://bank.example/r" } },
      /server\.revocation_endpoint/,
    ],
    ["C9 an http issuer", { server: { ...endpoints, issuer: "http://bank.example" } }, /server\.issuer/],
    [
      "an issuer that is no URL",
      { server: { ...endpoints, issuer: "bank" } },
      /server\.issuer "bank" is not an absolute URL/,
    ],
    [
      "an endpoint with credentials",
      { server: { ...endpoints, token_endpoint: "https://user:pass@bank.example/token" } },
      /server\.token_endpoint .* no credentials/,
    ],
    ["an http API", { api: { base: "http://api.example" } }, /api\.base/],
    [
      "an http origin of the API",
      { api: { base: "https://api.example", origins: ["http://api.example"] } },
      /api\.origins/,
    ],
    [
      "an empty client id",
      { client: { id: "", authentication: publicClient() } },
      /client\.id is missing; give the client_id/,
    ],
    ["a provider id that is no name", { id: "My Bank" }, /id "My Bank" is not a lower-case name/],
    [
      "a relative redirect URI",
      { grants: { authorizationCode: { ...authorizationCode, redirectUri: "/callback" } } },
      /redirectUri "\/callback" must be an absolute URL/,
    ],
    [
      "a redirect URI with a fragment",
      { grants: { authorizationCode: { ...authorizationCode, redirectUri: "https://app.example/callback#here" } } },
      /redirectUri .* without credentials and fragment/,
    ],
    [
      "C15 an http redirect URI",
      { grants: { authorizationCode: { ...authorizationCode, redirectUri: "http://app.example/callback" } } },
      /redirectUri .* not https; plain http is for loopback/,
    ],
    [
      "C2 a PKCE method that is none",
      { grants: { authorizationCode: { ...authorizationCode, pkce: "plain" } } } as unknown as Loose,
      /pkce is neither "S256" nor "unsupported"/,
    ],
    [
      "C1 a public client without PKCE",
      {
        client: { id: "client", authentication: publicClient() },
        grants: { authorizationCode: { ...authorizationCode, pkce: "unsupported" } },
      },
      /pkce must be "S256" for a public client/,
    ],
    [
      "hosted consent without begin and confirm",
      { grants: { hostedConsent: { redirectUri: "https://app.example/hosted" }, clientCredentials: {} } },
      /connect needs begin and confirm/,
    ],
    [
      "hosted consent without the application's token",
      {
        grants: { hostedConsent: { redirectUri: "https://app.example/hosted" } },
        connect: {
          begin: async () => ({ url: "https://bank.example" }),
          confirm: async () => ({ consent: "pending" }),
        },
      },
      /grants\.clientCredentials is needed/,
    ],
    [
      "a relative cancel URI",
      {
        grants: {
          hostedConsent: { redirectUri: "https://app.example/hosted", cancelUri: "back" },
          clientCredentials: {},
        },
        connect: {
          begin: async () => ({ url: "https://bank.example" }),
          confirm: async () => ({ consent: "pending" }),
        },
      },
      /cancelUri "back"/,
    ],
  ])("%s", (_, changes, message, more = {}) => {
    const error = thrown(() => create({ providers: { mine: define(changes) }, ...more }));
    expect(error.fault).toEqual({ kind: "configuration" });
    expect(error.message).toMatch(message);
    expect(error.message).toContain('Registration "mine"');
    expect(error.message).not.toContain("user:pass");
  });

  test("C15 C16 loopback is accepted where it was allowed, and for redirect URIs", () => {
    const server = { ...local, issuer: "http://localhost:8080", authorization_endpoint: "http://[::1]:8080/authorize" };
    create({ providers: { bank: define({ server }) }, [allowInsecureLoopback]: true });
    for (const redirectUri of [
      "http://127.0.0.1:4711/callback",
      "http://[::1]/callback",
      "http://localhost:3000/callback",
    ])
      create({ providers: { bank: define({ grants: { authorizationCode: { ...authorizationCode, redirectUri } } }) } });
  });

  test.each<[string, Record<string, unknown>, RegExp]>([
    ["G28 a path in place of a store", { store: "linkwright.db" }, /store is an address; give a store object/],
    [
      "G28 a URI in place of a store",
      { store: "postgres://user:hunter2@db/linkwright" },
      /store is an address; give a store object/,
    ],
    ["G28 a URL in place of a store", { store: new URL("redis://localhost") }, /store is an address/],
    ["G28 no store", { store: undefined }, /store is not a store; it needs the methods read, write/],
    ["G28 an object that is no store", { store: new Map() }, /store is not a store; it needs the methods read, write/],
    ["a store that lacks a method", { store: { ...memoryStore(), due: undefined } }, /store is not a store/],
    [
      "G28 a store of one process, not said so",
      { concurrency: undefined },
      /works within one process alone; give a shared store, or say concurrency: "one-process"/,
    ],
    ["another word for it", { concurrency: "many" }, /concurrency: "one-process"/],
    ["G72 no keys", { keys: undefined }, /keys/],
    ["G72 keys that are none", { keys: { seal: {} } }, /keys/],
    ["no providers", { providers: {} }, /providers is empty; register at least one/],
    ["no providers at all", { providers: undefined }, /providers is empty/],
    [
      "a registration name with a colon",
      { providers: { "a:b": define() } },
      /"a:b" is no registration name; use letters/,
    ],
    [
      "a registration name that begins with a digit",
      { providers: { "1st": define() } },
      /"1st" is no registration name/,
    ],
    ["an endless registration name", { providers: { ["x".repeat(65)]: define() } }, /is no registration name/],
  ])("%s", (_, changes, message) => {
    const error = thrown(() => create(changes));
    expect(error.fault).toEqual({ kind: "configuration" });
    expect(error.message).toMatch(message);
    expect(error.message).not.toContain("hunter2");
  });

  test.each<[string, () => Keyring, RegExp]>([
    ["no key", () => keyring([]), /no key was given; give at least one/],
    [
      "a short key",
      () => keyring([{ id: "a", key: new Uint8Array(31) }]),
      /key "a" is not 256 bits long; give 32 random bytes/,
    ],
    ["a short JWK", () => keyring([{ id: "a", key: { kty: "oct", k: "c2hvcnQ" } }]), /key "a" is not 256 bits long/],
    [
      "a JWK of another kind",
      () => keyring([{ id: "a", key: { kty: "EC", crv: "P-256" } }]),
      /key "a" is not 256 bits long/,
    ],
    [
      "a key twice",
      () =>
        keyring([
          { id: "a", key },
          { id: "a", key },
        ]),
      /two keys have the id "a"; give each its own/,
    ],
    ["a key without an id", () => keyring([{ id: "", key }]), /a key has no id/],
  ])("G71 a keyring with %s", (_, make, message) => {
    const error = thrown(make);
    expect(error.fault).toEqual({ kind: "configuration" });
    expect(error.message).toMatch(message);
  });

  const other = { ...endpoints, issuer: "https://other.example" };
  const iss = { authorization_response_iss_parameter_supported: true };
  const at = (redirectUri: string) => ({ grants: { authorizationCode: { ...authorizationCode, redirectUri } } });
  test.each([
    ["the same", "https://app.example/callback"],
    ["the same but for a query that anyone can add to", "https://app.example/callback?bank=b"],
    ["the same but for a host that a proxy may hide", "https://b.app.example/callback"],
  ])("G64 C7 two issuers that name themselves in no callback must not share a redirect URI: %s", (_, redirectUri) => {
    const providers = { a: define(), b: define({ server: other, ...at(redirectUri) }) };
    const error = thrown(() => create({ providers }));
    expect(error.fault).toEqual({ kind: "configuration" });
    expect(error.message).toMatch(/"a" and "b" share the redirect URI's path \/callback; give each a path of its own/);
  });

  test("G64 C7 they may where one of the two names itself, whichever comes first, or the issuer is one", () => {
    create({ providers: { a: define(), b: define({ server: { ...other, ...iss } }) } });
    create({ providers: { b: define({ server: { ...other, ...iss } }), a: define() } });
    create({ providers: { a: define(), b: define() } });
    create({ providers: { a: define(), b: define({ server: other, ...at("https://app.example/callback/b") }) } });
    // With three, each pair counts.
    const providers = {
      a: define(),
      b: define({ server: { ...other, ...iss } }),
      c: define({ server: { ...endpoints, issuer: "https://third.example" } }),
    };
    expect(thrown(() => create({ providers })).message).toMatch(/"a" and "c" share/);
  });
});

test("a row of a registration that is not configured here is `configuration`, and is left alone", async () => {
  await using h = await watchedHouse();
  const { id } = await h.link();
  const elsewhere = create({ store: h.store, clock: h.clock, providers: { renamed: define() } });
  const error = await h.refused(elsewhere.connection(id, { owner: "user_1" }));
  expect(error.fault).toEqual({ kind: "configuration" });
  expect(error.message).toContain(
    'registration "bank", which is not configured here; give its provider under that name',
  );
  const before = await h.store.read(`connection:${id}`);
  await elsewhere.maintain();
  expect(await h.store.read(`connection:${id}`)).toEqual(before);
  // A flow of such a registration is not known here either.
  const flow = await h.connector.providers.bank.connect({ owner: "user_1", session });
  const callback = await h.server.consent(flow.url);
  expect((await h.refused(elsewhere.complete(callback, { session }))).fault).toMatchObject({ reason: "unknown_state" });
});

test("C9 discovery: an issuer that is another's, an http endpoint, and a document that is none are `configuration`; a failing server is `retry`", async () => {
  const issuer = "https://bank.example";
  const good = { ...endpoints, issuer };
  const respond = (body: unknown, status = 200) => Response.json(body, { status });
  for (const [response, kind] of [
    [() => respond({ ...good, issuer: "https://evil.example" }), "configuration"],
    [() => respond({ ...good, token_endpoint: "http://bank.example/token" }), "configuration"],
    [() => respond({ issuer, token_endpoint: good.token_endpoint }), "configuration"],
    [() => new Response("<html>"), "configuration"],
    [() => respond({ error: "not_found" }, 404), "configuration"],
    [() => new Response(null, { status: 302, headers: { location: "https://evil.example" } }), "configuration"],
    [() => respond({}, 503), "retry"],
    [() => Promise.reject(new TypeError("fetch failed")), "retry"],
  ] as [() => Response | Promise<Response>, string][]) {
    const asked: string[] = [];
    const connector = createConnector({
      providers: { bank: define({ server: { issuer, discovery: true } }) },
      store: shared(memoryStore()) as Store & { reach: "cluster" },
      keys: keyring([{ id: "test", key }]),
      fetch: async (url) => {
        asked.push(url);
        return response();
      },
    });
    const handle = connector.providers.bank as unknown as { connect(request: object): Promise<unknown> };
    const fault = await faultOf(handle.connect({ owner: "user_1", session }));
    expect(fault.kind, fault.message).toBe(kind);
    expect(fault.message).toContain(issuer);
    expect(asked).toEqual([`${issuer}/.well-known/oauth-authorization-server`]);
  }
});

test.for([
  [503, { "retry-after": "120" }, 120_000],
  [503, {}, 1_000],
  [404, {}, 5_000],
] as const)(
  "G30 a metadata document that answers %i is not asked for again before its time, by that process",
  async ([status, headers, pause]) => {
    const issuer = "https://bank.example";
    const clock = virtualClock();
    const store = shared(memoryStore({ clock })) as Store & { reach: "cluster" };
    const tokens = { access_token: "at", token_type: "Bearer", expires_in: 300 };
    function process() {
      const document = { asked: 0, away: false };
      const connector = createConnector({
        providers: {
          bank: define({
            server: { issuer, discovery: true },
            grants: { authorizationCode, refreshToken: { rotation: "fixed" } },
          }),
        },
        store,
        keys: keyring([{ id: "test", key }]),
        clock,
        fetch: async (url) => {
          if (url.endsWith("/token")) return Response.json(tokens);
          document.asked++;
          return document.away ? Response.json({}, { status, headers }) : Response.json({ ...endpoints, issuer });
        },
      });
      const { bank } = connector.providers as unknown as { bank: { import(grant: object): Promise<Connection> } };
      return { document, connector, imported: (owner: string) => bank.import({ owner, refreshToken: "rt" }) };
    }
    const [cold, warm] = [process(), process()];
    expect(await (await warm.imported("user_0")).accessToken()).toBe("at");
    cold.document.away = true;
    const connections = [await cold.imported("user_1"), await cold.imported("user_2")];
    const kind = status === 503 ? "retry" : "configuration";
    for (const connection of connections) expect(await faultOf(connection.accessToken())).toMatchObject({ kind });
    await clock.advance(pause - 1);
    const [first, second] = connections as [Connection, Connection];
    expect(await faultOf(second.accessToken())).toMatchObject({ kind });
    expect(cold.document.asked).toBe(1);
    // Who has the document is not held up.
    const elsewhere = await warm.connector.connection(first.id, { owner: "user_1" });
    expect(await elsewhere.accessToken()).toBe("at");
    cold.document.away = false;
    await clock.advance(5_001);
    expect(await second.accessToken()).toBe("at");
    expect(cold.document.asked).toBe(2);
    for (const { connector } of [cold, warm]) await connector.close();
  },
);

test("a waitUntil that throws takes no token from anybody", async () => {
  let asked = 0;
  const waitUntil = () => {
    asked++;
    throw new Error("the request is over");
  };
  await using h = await house({ waitUntil });
  const connection = await h.link();
  const token = await connection.accessToken();
  await h.clock.advance(285_000);
  expect(await connection.accessToken()).toBe(token);
  await h.connector.close();
  expect([asked, h.tokenRequests()]).toEqual([1, 1]);
});

test("G72 there is no running without keys unless it is asked for by a name that cannot be overlooked", async () => {
  await create({ keys: dangerouslyUnsealed }).ready();
  expect(thrown(() => create({ keys: null })).message).toMatch(/dangerouslyUnsealed|keyring/);
});

describe("types", () => {
  type Members<T> = T extends object ? keyof T & string : never;
  type Refresh<T> = Extract<Members<T>, `${string}${"refresh" | "Refresh"}${string}`>;

  test("G29 no public handle has a member that gives a refresh token", () => {
    const bank = define();
    type Handle = ProviderHandle<typeof bank>;
    expectTypeOf<Refresh<Connection>>().toEqualTypeOf<never>();
    expectTypeOf<Refresh<ConnectionStatus>>().toEqualTypeOf<never>();
    expectTypeOf<Refresh<Application>>().toEqualTypeOf<never>();
    expectTypeOf<Refresh<Handle>>().toEqualTypeOf<never>();
    expectTypeOf<Refresh<Connector<{ bank: typeof bank }>>>().toEqualTypeOf<never>();
    expectTypeOf<Connection["accessToken"]>().returns.resolves.toEqualTypeOf<string>();
    expectTypeOf<Members<Connection>>().toEqualTypeOf<
      "id" | "owner" | "registration" | "accessToken" | "fetch" | "status" | "disconnect"
    >();
    expectTypeOf<Members<Application>>().toEqualTypeOf<"accessToken" | "fetch">();
  });

  test("G28 a store of one process is accepted with `concurrency` alone; `connect` and `app` are there where the provider has them", () => {
    const keys = dangerouslyUnsealed;
    const codeOnly = defineProvider({
      id: "bank",
      server: endpoints,
      client: { id: "client", authentication: publicClient() },
      grants: { authorizationCode },
    });
    const appOnly = defineProvider({
      id: "bank",
      server: endpoints,
      client: { id: "client", authentication: publicClient() },
      grants: { clientCredentials: {} },
    });
    // @ts-expect-error: a memory store does not reach beyond its process, and that has to be said.
    expect(() => createConnector({ providers: { codeOnly }, store: memoryStore(), keys })).toThrow("one process");
    const connector = createConnector({
      providers: { codeOnly, appOnly },
      store: memoryStore(),
      concurrency: "one-process",
      keys,
    });
    expectTypeOf(connector.providers.codeOnly).toHaveProperty("connect");
    expectTypeOf(connector.providers.codeOnly).not.toHaveProperty("app");
    expectTypeOf(connector.providers.appOnly).toHaveProperty("app");
    expectTypeOf(connector.providers.appOnly).not.toHaveProperty("connect");
    expectTypeOf(connector.providers.appOnly).not.toHaveProperty("webhook");
    expect(Object.keys(connector.providers.codeOnly)).toEqual(["redirectUris", "connect", "import"]);
    expect(Object.keys(connector.providers.appOnly)).toEqual(["app"]);
  });
});
