import {
  allowInsecureLoopback,
  type ConnectorError,
  clientSecretBasic,
  clientSecretPost,
  createConnector,
  keyring,
  memoryStore,
} from "@linkwright/core";
import { type AuthorizationServerOptions, simulateAuthorizationServer, virtualClock } from "@linkwright/testing";
import { expect, test } from "vitest";
import { bank, faultOf, key, session } from "./support/house.ts";
import { clientSecret, watchedHouse } from "./support/watched.ts";

const owner = "user_1";
type Watched = Awaited<ReturnType<typeof watchedHouse>>;
const begin = (h: Watched) => h.connector.providers.bank.connect({ owner, session });
const stateOf = (url: string) => new URL(url).searchParams.get("state") ?? "";

/** The callback's URL with parameters set, or, where `undefined`, taken out. */
function altered(callback: string, changes: Readonly<Record<string, string | undefined>>): string {
  const url = new URL(callback);
  for (const [name, value] of Object.entries(changes))
    if (value === undefined) url.searchParams.delete(name);
    else url.searchParams.set(name, value);
  return url.href;
}

test.each([
  ["wrong", (callback: string) => altered(callback, { state: "A".repeat(43) }), "unknown_state"],
  ["empty", (callback: string) => altered(callback, { state: "" }), "unknown_state"],
  ["missing", (callback: string) => altered(callback, { state: undefined }), "unknown_state"],
  ["a digest", (callback: string) => altered(callback, { state: "flow:" }), "unknown_state"],
  ["twice", (callback: string) => `${callback}&state=${"A".repeat(43)}`, "unknown_state"],
] as const)("G61 state %s: refused without a token request, and the flow stays open", async (_, change, reason) => {
  await using h = await watchedHouse();
  const callback = await h.server.consent((await begin(h)).url);
  const error = await h.refused(h.connector.complete(change(callback), { session }));
  expect(error.fault).toEqual({ kind: "flow", reason });
  expect(h.allTokenRequests()).toBe(0);
  expect((await h.connector.complete(callback, { session })).owner).toBe(owner);
});

test("G61 state replayed: `used`, and the code is not sent again", async () => {
  await using h = await watchedHouse();
  const callback = await h.server.consent((await begin(h)).url);
  await h.connector.complete(callback, { session });
  expect((await h.refused(h.connector.complete(callback, { session }))).fault).toEqual({
    kind: "flow",
    reason: "used",
  });
  // Nor with another code.
  const other = altered(callback, { code: "code_of-somebody-else-1234567890" });
  expect((await h.refused(h.connector.complete(other, { session }))).fault).toEqual({ kind: "flow", reason: "used" });
  expect(h.allTokenRequests()).toBe(1);
});

test("G61 state expired: `expired`, in the last millisecond not yet; the record goes with maintenance", async () => {
  await using h = await watchedHouse();
  const early = await begin(h);
  const inTime = await h.server.consent(early.url);
  const late = await h.server.consent((await begin(h)).url);
  h.server.switches.codeLifetime = 86_400;
  await h.clock.advance(early.expiresAt - h.clock.now() - 1);
  expect((await h.refused(h.connector.complete(inTime, { session }))).fault).toEqual({
    kind: "flow",
    reason: "expired",
  });
  expect(h.allTokenRequests()).toBe(1);
  await h.clock.advance(1);
  expect((await h.refused(h.connector.complete(late, { session }))).fault).toEqual({ kind: "flow", reason: "expired" });
  expect(h.allTokenRequests()).toBe(1);
  await h.clock.advance(3_600_000);
  await h.connector.maintain();
  expect((await h.store.list({ prefix: "flow:", limit: 10 })).items).toEqual([]);
});

test("G61 C4 another browser session: `wrong_browser`; the right one can still finish", async () => {
  await using h = await watchedHouse();
  const callback = await h.server.consent((await begin(h)).url);
  for (const other of ["another-unguessable-session", "", `${session} `]) {
    const error = await h.refused(h.connector.complete(callback, { session: other }));
    expect(error.fault).toEqual({ kind: "flow", reason: "wrong_browser" });
  }
  const missing = h.connector.complete(callback, { session: undefined as unknown as string });
  expect((await h.refused(missing)).fault).toEqual({ kind: "configuration" });
  expect(h.allTokenRequests()).toBe(0);
  await h.connector.complete(callback, { session });
  expect(h.allTokenRequests()).toBe(1);
});

test("G61 a session value is stored as a digest alone", async () => {
  await using h = await watchedHouse();
  const { url } = await begin(h);
  const [item] = (await h.store.list({ prefix: "flow:", limit: 10 })).items;
  expect(item?.key).toMatch(/^flow:[A-Za-z0-9_-]{43}$/);
  for (const secret of [session, stateOf(url)]) expect(`${item?.key} ${item?.value}`).not.toContain(secret);
});

test.each([
  ["access_denied", "cancelled"],
  ["server_error", "retry"],
  ["temporarily_unavailable", "retry"],
  ["invalid_request", "configuration"],
  ["unauthorized_client", "configuration"],
  ["unsupported_response_type", "configuration"],
  ["invalid_scope", "configuration"],
  ["login_required", "configuration"],
] as const)("G63 the callback's error %s is %s, and uses up the flow", async (code, kind) => {
  await using h = await watchedHouse();
  const { url } = await begin(h);
  const callback = `https://app.example/callback?error=${code}&error_description=Not+today&state=${stateOf(url)}`;
  const error = await h.refused(h.connector.complete(callback, { session }));
  expect(error.fault).toEqual(kind === "retry" ? { kind, retryAt: h.clock.now() } : { kind });
  expect(error.details).toEqual({ registration: "bank", provider: "bank", code });
  expect(error.message).toContain(`${code}: Not today`);
  const good = await h.server.consent(url);
  expect((await h.refused(h.connector.complete(good, { session }))).fault).toEqual({ kind: "flow", reason: "used" });
  expect(h.allTokenRequests()).toBe(0);
  expect(await h.list()).toEqual([]);
});

test("G63 an error together with a code is an error: the code is not sent, nor shown where the server repeats it", async () => {
  await using h = await watchedHouse();
  const callback = await h.server.consent((await begin(h)).url);
  const { searchParams } = new URL(callback);
  const echoed = altered(callback, {
    error: "access_denied",
    error_description: `no ${searchParams.get("code")} for ${searchParams.get("state")}`,
  });
  const error = await h.refused(h.connector.complete(echoed, { session }));
  expect(error.fault).toEqual({ kind: "cancelled" });
  expect(error.message).toContain("no [secret] for [secret]");
  expect(h.allTokenRequests()).toBe(0);
});

test("G63 a forged error with a bad state, or from another browser, ends no flow", async () => {
  await using h = await watchedHouse();
  const { url } = await begin(h);
  const forged = `https://app.example/callback?error=access_denied&state=${"B".repeat(43)}`;
  expect((await h.refused(h.connector.complete(forged, { session }))).fault).toMatchObject({ reason: "unknown_state" });
  const elsewhere = `https://app.example/callback?error=access_denied&state=${stateOf(url)}`;
  const other = h.connector.complete(elsewhere, { session: "the-session-of-an-attacker" });
  expect((await h.refused(other)).fault).toMatchObject({ reason: "wrong_browser" });
  await h.connector.complete(await h.server.consent(url), { session });
});

test.each([
  ["line breaks", "a\r\nSet-Cookie: b=c\n\u2028\u0085d"],
  ["terminal sequences", "\u001b[31mred\u001b]8;;https://evil.example\u0007\u009b2J"],
  ["markup", "<script>alert(1)</script>"],
  ["directions", "\u202egnp.exe\u2066\u200b\ufeff"],
  ["a megabyte", "x".repeat(1024 * 1024)],
  ["a megabyte of escapes", "\u001b".repeat(1024 * 1024)],
])("G63 C33 an error's text with %s is shown bounded and clean", async (_, text) => {
  await using h = await watchedHouse();
  for (const member of ["error", "error_description"] as const) {
    const { url } = await begin(h);
    const callback = altered("https://app.example/callback", { error: "invalid_request", state: stateOf(url) });
    const work = h.connector.complete(altered(callback, { [member]: text }), { session });
    const { message, details, fault } = await h.refused(work);
    expect(fault).toEqual({ kind: "configuration" });
    expect(message.length).toBeLessThan(400);
    expect(details.code?.length).toBeLessThanOrEqual(81);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    const unclean = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202f\u2066-\u2069\ufeff]/;
    expect(JSON.stringify({ message, details }).replaceAll("\\n", "")).not.toMatch(unclean);
    expect(message).not.toMatch(unclean);
  }
});

test("C2 a callback by form post is read, beside the redirect URI's own query", async () => {
  const redirectUri = "https://app.example/callback?tenant=a";
  await using h = await watchedHouse({
    server: { clients: [{ clientId: "client", clientSecret, redirectUris: [redirectUri] }] },
    bank: { grants: { authorizationCode: { redirectUri, pkce: "S256", scope: ["read"] } } },
  });
  const callback = new URL(await h.server.consent((await begin(h)).url));
  const post = new Request(redirectUri, {
    method: "POST",
    body: new URLSearchParams({
      code: callback.searchParams.get("code") ?? "",
      state: callback.searchParams.get("state") ?? "",
    }),
  });
  const connection = await h.connector.complete(post, { session });
  expect((await connection.fetch("/api/me")).status).toBe(200);
});

test("G61 a form post whose state is in the query too is refused", async () => {
  await using h = await watchedHouse();
  const callback = await h.server.consent((await begin(h)).url);
  const body = new URL(callback).searchParams;
  const post = new Request(`https://app.example/callback?state=${"C".repeat(43)}`, { method: "POST", body });
  expect((await h.refused(h.connector.complete(post, { session }))).fault).toMatchObject({ kind: "flow" });
  expect(h.allTokenRequests()).toBe(0);
});

test("G51 a form post of more than a mebibyte is not read to its end, and one that breaks off or was read is refused", async () => {
  await using h = await watchedHouse();
  const callback = new URL(await h.server.consent((await begin(h)).url));
  let sent = 0;
  const endless = new ReadableStream<Uint8Array>({
    pull(controller) {
      // Not quite endless, lest who reads it all takes the machine with it.
      if (++sent > 64) controller.close();
      else controller.enqueue(new Uint8Array(64 * 1024).fill(0x61));
    },
  });
  const broken = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(new TextEncoder().encode(`state=${callback.searchParams.get("state")}&`));
      controller.error(new Error(`it hung up on code=${callback.searchParams.get("code")}`));
    },
  });
  const post = (body: BodyInit) =>
    new Request("https://app.example/callback", { method: "POST", body, duplex: "half" } as RequestInit);
  const read = post(callback.searchParams);
  await read.text();
  for (const [request, kind, message] of [
    [post(endless), "protocol", "larger than 1 MiB"],
    [post(broken), "protocol", "broke off"],
    [read, "configuration", "was read before; hand the request over as it came"],
  ] as const) {
    const error = await h.refused(h.connector.complete(request, { session }));
    expect(error.fault).toEqual({ kind });
    expect(error.message).toContain(message);
  }
  expect(sent).toBeLessThan(25);
  expect(h.allTokenRequests()).toBe(0);
  expect((await h.connector.complete(post(callback.searchParams), { session })).owner).toBe(owner);
});

test("G70 an address that is none is refused without being repeated", async () => {
  await using h = await watchedHouse();
  const { pathname, search } = new URL(await h.server.consent((await begin(h)).url));
  const error = await h.refused(h.connector.complete(`${pathname}${search}`, { session }));
  expect(error.fault).toEqual({ kind: "configuration" });
  expect(error.message).toContain("absolute URL");
});

test("G63 a callback with neither code nor error is the server's fault", async () => {
  await using h = await watchedHouse();
  const { url } = await begin(h);
  const bare = `https://app.example/callback?state=${stateOf(url)}`;
  expect((await h.refused(h.connector.complete(bare, { session }))).fault).toEqual({ kind: "protocol" });
  expect(h.allTokenRequests()).toBe(0);
});

test("G62 a code that the server refuses asks for a new flow", async () => {
  await using h = await watchedHouse();
  const callback = await h.server.consent((await begin(h)).url);
  const forged = altered(callback, { code: "code_that-was-never-issued-123" });
  expect((await h.refused(h.connector.complete(forged, { session }))).fault).toEqual({
    kind: "flow",
    reason: "expired",
  });
  expect(h.tokenRequests("authorization_code")).toBe(1);
  expect(await h.list()).toEqual([]);
});

test("G70 C34 what a callback repeats of its own secrets is not shown", async () => {
  await using h = await watchedHouse();
  const { url } = await begin(h);
  const state = stateOf(url);
  const said = {
    error: "invalid_request",
    state,
    code: "a-code-of-some-length",
    error_description: `${state} a-code-of-some-length`,
  };
  const { message, details } = await h.refused(
    h.connector.complete(altered("https://app.example/callback", said), { session }),
  );
  const shown = JSON.stringify({ message, details });
  expect(shown).toContain("invalid_request");
  expect(shown).not.toContain(state);
  expect(shown).not.toContain("a-code-of-some-length");
});

test("G70 C34 what a token endpoint echoes of a code exchange is not shown", async () => {
  await using h = await watchedHouse();
  for (const status of [400, 401, 500]) {
    h.server.faults.next("echo-secrets", { grantType: "authorization_code", status });
    const callback = await h.server.consent((await begin(h)).url);
    const error = await h.refused(h.connector.complete(callback, { session }));
    expect(error.message).toContain("[secret]");
    await h.clock.advance(10_000);
  }
});

test("G70 nor where every encoding writes the secret differently, or it is longer than anybody would quote", async () => {
  const secret = "c4nary !~'()*+/:=%&\"\\ of every kind";
  await using h = await watchedHouse({
    server: {
      clients: [{ clientId: "client", clientSecret: secret, redirectUris: ["https://app.example/callback"] }],
    },
    bank: { client: { id: "client", authentication: clientSecretPost(secret) } },
  });
  h.server.faults.next("echo-secrets", { grantType: "authorization_code" });
  const error = await h.refused(h.connector.complete(await h.server.consent((await begin(h)).url), { session }));
  expect(error.message).toContain("client_secret=[secret]");
  expect(error.message).not.toContain("c4nary");

  const { url } = await begin(h);
  const code = `code_${"y".repeat(20_000)}`;
  const body = new URLSearchParams({ state: stateOf(url), code, error: "invalid_request", error_description: code });
  const post = new Request("https://app.example/callback", { method: "POST", body });
  expect((await h.refused(h.connector.complete(post, { session }))).message).toContain("(invalid_request: [secret])");
});

// Two servers that know nothing of each other.

async function twoBanks(options: AuthorizationServerOptions & { declared?: boolean } = {}) {
  const clock = virtualClock();
  const { declared = false, ...simulated } = options;
  const start = (name: string) =>
    simulateAuthorizationServer({
      clock,
      clients: [{ clientId: "client", clientSecret, redirectUris: [`https://app.example/callback/${name}`] }],
      ...simulated,
    });
  const a = await start("a");
  const b = await start("b");
  const store = memoryStore({ clock });
  const define = (server: typeof a, name: string, issuer: string) =>
    bank(server, {
      server: {
        ...server.endpoints,
        issuer,
        ...(declared && { authorization_response_iss_parameter_supported: true }),
      },
      client: { id: "client", authentication: clientSecretBasic(clientSecret) },
      grants: {
        authorizationCode: { redirectUri: `https://app.example/callback/${name}`, pkce: "S256", scope: ["read"] },
      },
    });
  const application = (issuerOfA = a.endpoints.issuer) =>
    createConnector({
      providers: { a: define(a, "a", issuerOfA), b: define(b, "b", b.endpoints.issuer) },
      store,
      concurrency: "one-process",
      keys: keyring([{ id: "test", key }]),
      clock,
      [allowInsecureLoopback]: true,
    });
  const connector = application();
  return {
    a,
    b,
    connector,
    application,
    tokenRequests: () => [a, b].map(({ journal }) => journal.count({ path: "/token" })),
    async [Symbol.asyncDispose]() {
      await connector.close();
      await Promise.all([a.close(), b.close()]);
    },
  };
}

const issuerFault = { kind: "flow", reason: "issuer" };

test("G64 C5 `iss` of another server is refused, on errors too", async () => {
  await using it = await twoBanks();
  for (const decision of ["approve", "deny"]) {
    const { url } = await it.connector.providers.a.connect({ owner, session });
    const callback = await it.a.consent(url, { decision });
    for (const iss of [it.b.endpoints.issuer, `${it.a.endpoints.issuer}/`, it.a.endpoints.issuer.toUpperCase(), ""]) {
      const fault = await faultOf(it.connector.complete(altered(callback, { iss }), { session }));
      expect(fault).toMatchObject(issuerFault);
    }
    const twice = `${callback}&iss=${encodeURIComponent(it.a.endpoints.issuer)}&iss=${encodeURIComponent(it.b.endpoints.issuer)}`;
    expect(await faultOf(it.connector.complete(twice, { session }))).toMatchObject({ kind: "flow" });
  }
  expect(it.tokenRequests()).toEqual([0, 0]);
});

test("G64 C5 an `iss` of the right server is taken though nobody promised it", async () => {
  await using it = await twoBanks({ iss: true });
  const { url } = await it.connector.providers.a.connect({ owner, session });
  const callback = await it.a.consent(url);
  expect(new URL(callback).searchParams.get("iss")).toBe(it.a.endpoints.issuer);
  await it.connector.complete(callback, { session });
  expect(it.tokenRequests()).toEqual([1, 0]);
});

test("G64 C6 `iss` that was promised and is missing is refused, on errors too", async () => {
  await using it = await twoBanks({ iss: true, declared: true });
  for (const decision of ["approve", "deny"]) {
    const { url } = await it.connector.providers.a.connect({ owner, session });
    const callback = await it.a.consent(url, { decision });
    const stripped = altered(callback, { iss: undefined });
    expect(await faultOf(it.connector.complete(stripped, { session }))).toMatchObject(issuerFault);
    // As it came, it is good.
    const outcome = await it.connector.complete(callback, { session }).catch((error: ConnectorError) => error.fault);
    expect(outcome).toMatchObject(decision === "approve" ? { owner } : { kind: "cancelled" });
  }
  expect(it.tokenRequests()).toEqual([1, 0]);
});

test("G64 C7 without `iss`: A's flow with B's code on B's redirect URI, sent to nobody", async () => {
  await using it = await twoBanks();
  const flowA = await it.connector.providers.a.connect({ owner, session });
  const flowB = await it.connector.providers.b.connect({ owner, session });
  // The attack: A sends the browser on to B with A's state, so that B's code comes back in A's flow.
  const atB = new URL(flowB.url);
  atB.searchParams.set("state", stateOf(flowA.url));
  const callback = await it.b.consent(atB);
  expect(new URL(callback).pathname).toBe("/callback/b");
  expect(await faultOf(it.connector.complete(callback, { session }))).toMatchObject(issuerFault);
  expect(it.tokenRequests()).toEqual([0, 0]);
  // A's own callback on B's redirect URI is refused as well.
  const own = (await it.a.consent(flowA.url)).replace("/callback/a", "/callback/b");
  expect(await faultOf(it.connector.complete(own, { session }))).toMatchObject(issuerFault);
  expect(it.tokenRequests()).toEqual([0, 0]);
  await it.connector.complete(await it.a.consent(flowA.url), { session });
  expect(it.tokenRequests()).toEqual([1, 0]);
});

test("G64 A's flow with B's code on A's redirect URI goes to A alone, which does not know it", async () => {
  await using it = await twoBanks();
  const flowA = await it.connector.providers.a.connect({ owner, session });
  const flowB = await it.connector.providers.b.connect({ owner, session });
  const codeOfB = new URL(await it.b.consent(flowB.url)).searchParams.get("code") ?? "";
  const injected = altered(await it.a.consent(flowA.url), { code: codeOfB });
  expect(await faultOf(it.connector.complete(injected, { session }))).toMatchObject({
    kind: "flow",
    reason: "expired",
  });
  expect(it.tokenRequests()).toEqual([1, 0]);
});

test("G64 C8 a registration whose issuer changed while the user was away gets no code", async () => {
  await using it = await twoBanks();
  const { url } = await it.connector.providers.a.connect({ owner, session });
  const callback = await it.a.consent(url);
  const moved = it.application("https://moved.example");
  expect(await faultOf(moved.complete(callback, { session }))).toMatchObject(issuerFault);
  expect(it.tokenRequests()).toEqual([0, 0]);
  await it.connector.complete(callback, { session });
  expect(it.tokenRequests()).toEqual([1, 0]);
});
