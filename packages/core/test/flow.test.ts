import { createHash } from "node:crypto";
import { type Connection, clientSecretBasic, publicClient } from "@linkwright/core";
import { expect, test } from "vitest";
import { session } from "./support/house.ts";
import { clientSecret, watchedHouse } from "./support/watched.ts";

const owner = "user_1";
const connectBank = (h: Awaited<ReturnType<typeof watchedHouse>>, more: object = {}) =>
  h.connector.providers.bank.connect({ owner, session, ...more });

test("G60 five flows run side by side and finish in reverse, also in another process", async () => {
  await using h = await watchedHouse();
  const flows = [];
  for (let index = 0; index < 5; index++) flows.push(await connectBank(h, { scope: [`scope-${index}`] }));
  expect(new Set(flows.map(({ url }) => new URL(url).searchParams.get("state"))).size).toBe(5);
  const callbacks = [];
  for (const { url } of flows) callbacks.push(await h.server.consent(url));
  const other = h.application();
  const connections: Connection[] = [];
  for (const [index, callback] of [...callbacks.entries()].reverse())
    connections.unshift(await (index % 2 ? other : h.connector).complete(callback, { session }));
  expect(new Set(connections.map(({ id }) => id)).size).toBe(5);
  for (const [index, connection] of connections.entries())
    expect(await (await connection.fetch("/api/me")).json()).toMatchObject({ scope: `scope-${index}` });
  expect(h.tokenRequests("authorization_code")).toBe(5);
  expect(h.server.counters.codeReuses).toBe(0);
});

test("G62 C11 two identical callbacks at once in two processes: one exchange, one connection, the other is told `used`", async () => {
  await using h = await watchedHouse();
  const callback = await h.server.consent((await connectBank(h)).url);
  const latch = h.server.faults.next("latch", { grantType: "authorization_code" });
  const both = [h.connector, h.application()].map((connector) =>
    connector.complete(callback, { session }).then(
      () => "connected",
      (error: unknown) => error,
    ),
  );
  await latch.arrived;
  latch.release();
  const outcomes = await Promise.all(both);
  expect(outcomes).toContain("connected");
  const error = await h.refused(Promise.reject(outcomes.find((outcome) => outcome !== "connected")));
  expect(error.fault).toEqual({ kind: "flow", reason: "used" });
  expect(h.tokenRequests("authorization_code")).toBe(1);
  expect(await h.list()).toHaveLength(1);
  // Again, later: the code is never sent a second time.
  expect((await h.refused(h.connector.complete(callback, { session }))).fault).toEqual({
    kind: "flow",
    reason: "used",
  });
  expect(h.tokenRequests("authorization_code")).toBe(1);
  expect(h.server.counters.codeReuses).toBe(0);
});

test("G62 G19 a code whose answer is lost is not sent again; one that never left can be", async () => {
  await using h = await watchedHouse();
  const lost = await h.server.consent((await connectBank(h)).url);
  h.server.faults.next("lost-response", { grantType: "authorization_code" });
  expect((await h.refused(h.connector.complete(lost, { session }))).fault.kind).toBe("retry");
  expect((await h.refused(h.connector.complete(lost, { session }))).fault).toEqual({ kind: "flow", reason: "used" });
  expect(h.tokenRequests("authorization_code")).toBe(1);

  const held = await h.server.consent((await connectBank(h)).url);
  const another = await h.server.consent((await connectBank(h)).url);
  h.server.faults.next("rate-limited", { retryAfter: "30", grantType: "authorization_code" });
  await h.refused(h.connector.complete(another, { session }));
  // The server asked for patience: nothing is sent, and the callback stays good until it may be.
  const gated = await h.refused(h.connector.complete(held, { session }));
  expect(gated.fault).toEqual({ kind: "retry", retryAt: h.clock.now() + 30_000 });
  expect(h.tokenRequests("authorization_code")).toBe(2);
  await h.clock.advance(30_000);
  expect((await (await h.connector.complete(held, { session })).status()).health).toBe("healthy");
});

for (const client of ["client", "public"] as const)
  test(`C1 C2 C17 PKCE with S256 for a ${client === "client" ? "confidential" : "public"} client; the secret in no URL`, async () => {
    await using h = await watchedHouse({
      bank: {
        client: { id: client, authentication: client === "client" ? clientSecretBasic(clientSecret) : publicClient() },
      },
    });
    const { url } = await connectBank(h);
    const asked = Object.fromEntries(new URL(url).searchParams);
    expect(asked).toEqual({
      response_type: "code",
      client_id: client,
      redirect_uri: "https://app.example/callback",
      scope: "read",
      state: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/),
      code_challenge: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/),
      code_challenge_method: "S256",
    });
    await h.connector.complete(await h.server.consent(url), { session });
    const sent = h.server.journal.last({ path: "/token" });
    const verifier = sent?.form?.code_verifier ?? "";
    expect(verifier).toMatch(/^[A-Za-z0-9\-._~]{43,128}$/);
    expect(createHash("sha256").update(verifier).digest("base64url")).toBe(asked.code_challenge);
    expect([sent?.method, sent?.query]).toEqual(["POST", {}]);
    expect(sent?.form?.client_secret).toBeUndefined();
    expect(sent?.headers.authorization?.startsWith("Basic ") ?? false).toBe(client === "client");
  });

test("C1 PKCE is left out only where the provider is declared to know none, and that is told, once", async () => {
  const redirectUri = "https://app.example/callback";
  await using h = await watchedHouse({
    bank: { grants: { authorizationCode: { redirectUri, pkce: "unsupported", scope: ["read"] } } },
  });
  const flows = [await connectBank(h), await connectBank(h)];
  for (const { url } of flows) expect([...new URL(url).searchParams.keys()]).not.toContain("code_challenge");
  expect(h.events).toEqual([
    {
      name: "protocol.warning",
      event: {
        registration: "bank",
        provider: "bank",
        message: "authorization codes are not protected by PKCE, as the provider is declared to know none",
      },
    },
  ]);
  await h.connector.complete(await h.server.consent(flows[0]?.url ?? ""), { session });
  expect(h.server.journal.last({ path: "/token" })?.form?.code_verifier).toBeUndefined();
});

test("C1 with PKCE there is nothing to tell", async () => {
  await using h = await watchedHouse();
  await connectBank(h);
  expect(h.told("protocol.warning")).toBe(0);
});

test("C2 a server that refuses S256 is not asked again with plain", async () => {
  await using h = await watchedHouse();
  const { url } = await connectBank(h);
  const refused = new URL("https://app.example/callback?error=invalid_request&error_description=transform");
  refused.searchParams.set("state", new URL(url).searchParams.get("state") ?? "");
  expect((await h.refused(h.connector.complete(refused, { session }))).fault.kind).toBe("configuration");
  expect(h.allTokenRequests()).toBe(0);
  expect(new URL((await connectBank(h)).url).searchParams.get("code_challenge_method")).toBe("S256");
});

test("C3 10,000 flows: every state and every challenge is another", { timeout: 60_000 }, async () => {
  await using h = await watchedHouse();
  const states = new Set<string>();
  const challenges = new Set<string>();
  for (let batch = 0; batch < 100; batch++)
    for (const { url } of await Promise.all(Array.from({ length: 100 }, () => connectBank(h)))) {
      const { searchParams } = new URL(url);
      states.add(searchParams.get("state") ?? "");
      challenges.add(searchParams.get("code_challenge") ?? "");
    }
  expect(states.size).toBe(10_000);
  expect(challenges.size).toBe(10_000);
  for (const challenge of challenges) expect(challenge).toMatch(/^[A-Za-z0-9_-]{43}$/);
});

test("C3 50 verifiers as they are sent: unique, of the alphabet and length of RFC 7636", async () => {
  await using h = await watchedHouse();
  await Promise.all(Array.from({ length: 50 }, () => h.link()));
  const verifiers = h.server.journal.filter({ path: "/token" }).map(({ form }) => form?.code_verifier ?? "");
  expect(new Set(verifiers).size).toBe(50);
  for (const verifier of verifiers) expect(verifier).toMatch(/^[A-Za-z0-9\-._~]{43,128}$/);
});

test("C14 an adapter cannot make the flow an implicit one, and tokens in a callback are not taken", async () => {
  await using h = await watchedHouse({
    bank: {
      connect: { authorize: () => ({ response_type: "token", state: "fixed", code_challenge_method: "plain" }) },
    },
  });
  const { searchParams } = new URL((await connectBank(h)).url);
  expect(searchParams.get("response_type")).toBe("code");
  expect(searchParams.get("code_challenge_method")).toBe("S256");
  const state = searchParams.get("state") ?? "";
  expect(state).not.toBe("fixed");
  const implicit = `https://app.example/callback?state=${state}&access_token=at_of-somebody-else-1234567890&token_type=Bearer`;
  expect((await h.refused(h.connector.complete(implicit, { session }))).fault.kind).toBe("protocol");
  expect(h.allTokenRequests()).toBe(0);
  expect(await h.list()).toEqual([]);
});

test("C13 beginning a flow demands an owner, a session that cannot be guessed, and known parameters", async () => {
  await using h = await watchedHouse();
  for (const wrong of [
    { owner: "" },
    { owner: undefined },
    { session: "short" },
    { session: undefined },
    { color: "red" },
  ]) {
    const error = await h.refused(connectBank(h, wrong));
    expect(error.fault).toEqual({ kind: "configuration" });
    expect(error.message).toContain(Object.keys(wrong)[0]);
  }
});

test("G65 C10 the redirect URI is byte-identical in both legs, whatever the request says of hosts", async () => {
  const redirectUri = "https://app.example/callback?tenant=a%20b&x=%7Ey";
  await using h = await watchedHouse({
    server: { clients: [{ clientId: "client", clientSecret, redirectUris: [redirectUri] }] },
    bank: { grants: { authorizationCode: { redirectUri, pkce: "S256", scope: ["read"] } } },
  });
  const { url } = await connectBank(h);
  expect(new URL(url).searchParams.get("redirect_uri")).toBe(redirectUri);
  const { pathname, search } = new URL(await h.server.consent(url));
  const behindProxy = new Request(`http://evil.example:3000${pathname}${search}`, {
    headers: {
      host: "evil.example",
      "x-forwarded-host": "evil.example",
      "x-forwarded-proto": "http",
      forwarded: "host=evil.example",
      "x-forwarded-prefix": "/evil",
    },
  });
  await h.connector.complete(behindProxy, { session });
  expect(h.server.journal.last({ path: "/token" })?.form?.redirect_uri).toBe(redirectUri);
});

test("G67 three accounts of one user: letting go of one leaves two", async () => {
  await using h = await watchedHouse();
  const connections = [await h.link(), await h.link(), await h.link()];
  expect(await connections[1]?.disconnect()).toMatchObject({ disconnected: true });
  const left = await h.list();
  expect(left.map(({ id }) => id).sort()).toEqual([connections[0]?.id, connections[2]?.id].sort());
  for (const connection of left) expect((await connection.fetch("/api/me")).status).toBe(200);
  expect((await h.refused(connections[1]?.accessToken() ?? Promise.resolve())).fault.kind).toBe("gone");
});

/** A house whose token answers name the account, and keep what they gave. */
async function houseWithAccounts() {
  const answers: Record<string, unknown>[] = [];
  let account: string | undefined = "account-1";
  const h = await watchedHouse({
    bank: { connect: { granted: (answer) => (answer.account ? { account: String(answer.account) } : {}) } },
  });
  h.server.faults.always("rewrite", {
    grantType: "authorization_code",
    rewrite: (answer) => {
      answers.push(answer);
      return { ...answer, account };
    },
  });
  return {
    h,
    answers,
    signInAs: (name: string | undefined) => {
      account = name;
    },
    [Symbol.asyncDispose]: () => h[Symbol.asyncDispose](),
  };
}

test("G59 connecting again keeps the id and takes the new tokens", async () => {
  await using it = await houseWithAccounts();
  const { h, answers } = it;
  const connection = await h.link();
  const flow = await connectBank(h, { connection: connection.id, scope: ["read", "more"] });
  // Until the new grant stands, the old one serves.
  expect(await connection.accessToken()).toBe(answers[0]?.access_token);
  const again = await h.connector.complete(await h.server.consent(flow.url), { session });
  expect(again.id).toBe(connection.id);
  expect(await connection.accessToken()).toBe(answers[1]?.access_token);
  expect(await connection.status()).toMatchObject({
    health: "healthy",
    account: "account-1",
    scope: { requested: ["read", "more"], granted: ["read", "more"], missing: [] },
  });
  expect(h.told("connection.connected")).toBe(2);
  await h.clock.advance(301_000);
  await connection.accessToken();
  expect(h.server.journal.last({ grantType: "refresh_token" })?.form?.refresh_token).toBe(answers[1]?.refresh_token);
  expect(await h.list()).toHaveLength(1);
});

test("G59 connecting again revives a connection that needed its user", async () => {
  await using h = await watchedHouse();
  const connection = await h.link();
  h.server.revokeGrants();
  await h.clock.advance(301_000);
  expect((await h.refused(connection.accessToken())).fault).toEqual({ kind: "reauthorize", reason: "revoked" });
  const flow = await connectBank(h, { connection: connection.id });
  await h.connector.complete(await h.server.consent(flow.url), { session });
  expect((await connection.fetch("/api/me")).status).toBe(200);
  expect((await connection.status()).health).toBe("healthy");
  expect((await connection.status()).reason).toBeUndefined();
  await h.clock.advance(301_000);
  expect((await connection.fetch("/api/me")).status).toBe(200);
});

for (const end of ["abandoned", "denied"] as const)
  test(`G59 connecting again, ${end}, leaves the old grant as it was`, async () => {
    await using h = await watchedHouse();
    const connection = await h.link();
    const before = await h.store.read(`connection:${connection.id}`);
    const flow = await connectBank(h, { connection: connection.id });
    if (end === "denied") {
      const callback = await h.server.consent(flow.url, { decision: "deny" });
      expect((await h.refused(h.connector.complete(callback, { session }))).fault).toEqual({ kind: "cancelled" });
    } else await h.clock.advance(250_000);
    expect(await h.store.read(`connection:${connection.id}`)).toEqual(before);
    await h.clock.advance(301_000);
    expect((await connection.fetch("/api/me")).status).toBe(200);
    expect(h.tokenRequests()).toBe(1);
  });

test("G68 an answer without a refresh token keeps the old one: same account, same client", async () => {
  await using it = await houseWithAccounts();
  const { h, answers } = it;
  const connection = await h.link();
  h.server.faults.next("omit-refresh-token", { grantType: "authorization_code" });
  const flow = await connectBank(h, { connection: connection.id });
  await h.connector.complete(await h.server.consent(flow.url), { session });
  expect(await connection.accessToken()).toBe(answers[1]?.access_token);
  await h.clock.advance(301_000);
  await connection.accessToken();
  expect(h.server.journal.last({ grantType: "refresh_token" })?.form?.refresh_token).toBe(answers[0]?.refresh_token);
});

test("G68 but not where the account is unknown, nor from another client's time", async () => {
  await using it = await houseWithAccounts();
  const { h } = it;
  it.signInAs(undefined);
  const unknown = await h.link();
  h.server.faults.next("omit-refresh-token", { grantType: "authorization_code" });
  const flow = await connectBank(h, { connection: unknown.id });
  await h.connector.complete(await h.server.consent(flow.url, { user: "user-2" }), { session });

  it.signInAs("account-1");
  const moved = await h.link();
  const other = h.application({ bank: { client: { id: "public", authentication: publicClient() } } });
  h.server.faults.next("omit-refresh-token", { grantType: "authorization_code" });
  const second = await other.providers.bank.connect({ owner, session, connection: moved.id });
  const again = await other.complete(await h.server.consent(second.url), { session });
  expect(again.id).toBe(moved.id);

  await h.clock.advance(301_000);
  expect((await h.refused(unknown.accessToken())).fault).toEqual({ kind: "reauthorize", reason: "expired" });
  expect((await h.refused(again.accessToken())).fault).toEqual({ kind: "reauthorize", reason: "expired" });
  expect(h.tokenRequests()).toBe(0);
});

test("G67 G68 connecting again as another account does not mix the two", async () => {
  await using it = await houseWithAccounts();
  const { h, answers } = it;
  const connection = await h.link();
  it.signInAs("account-2");
  const flow = await connectBank(h, { connection: connection.id });
  const other = await h.connector.complete(await h.server.consent(flow.url, { user: "user-2" }), { session });
  expect(other.id).not.toBe(connection.id);
  expect(await connection.accessToken()).toBe(answers[0]?.access_token);
  expect(await other.accessToken()).toBe(answers[1]?.access_token);
  expect((await connection.status()).account).toBe("account-1");
  expect((await other.status()).account).toBe("account-2");
});

test("C22 scope that was narrowed is kept and told, at the code and at a refresh", async () => {
  await using h = await watchedHouse();
  const flow = await connectBank(h, { scope: ["read", "write"] });
  const connection = await h.connector.complete(await h.server.consent(flow.url, { scopes: ["read"] }), { session });
  expect((await connection.status()).scope).toEqual({
    requested: ["read", "write"],
    granted: ["read"],
    missing: ["write"],
  });
  const wide = await connectBank(h, { scope: ["read", "write"] });
  const second = await h.connector.complete(await h.server.consent(wide.url), { session });
  expect((await second.status()).scope.missing).toEqual([]);
  h.server.faults.next("rewrite", { grantType: "refresh_token", rewrite: (answer) => ({ ...answer, scope: "write" }) });
  await h.clock.advance(301_000);
  await second.accessToken();
  expect((await second.status()).scope).toEqual({
    requested: ["read", "write"],
    granted: ["write"],
    missing: ["read"],
  });
});

test("G67 another owner's connection is not to be seen, connected again, or ended", async () => {
  await using h = await watchedHouse();
  const { id } = await h.link();
  const before = await h.store.read(`connection:${id}`);
  const gone = { kind: "gone", reason: "unknown" };
  const mallory = { owner: "mallory" };
  expect((await h.refused(h.connector.connection(id, mallory))).fault).toEqual(gone);
  expect((await h.refused(h.connector.markEnded(id, mallory))).fault).toEqual(gone);
  expect((await h.refused(connectBank(h, { ...mallory, connection: id }))).fault).toEqual(gone);
  expect((await h.refused(h.connector.connection("never-was", { owner }))).fault).toEqual(gone);
  expect(await h.list("mallory")).toEqual([]);
  expect(await h.store.read(`connection:${id}`)).toEqual(before);
  expect((await h.connector.connection(id, { owner })).id).toBe(id);
});

test("G67 another owner's id is answered as one that never was, whatever is tried with it", async () => {
  await using h = await watchedHouse();
  const { id } = await h.link();
  await h.connector.providers.bank.app().accessToken();
  const application = (await h.store.list({ prefix: "application:", limit: 1 })).items[0]?.key.slice(12) ?? "";
  const flow = await connectBank(h);
  const flowId = (await h.store.list({ prefix: "flow:", limit: 1 })).items[0]?.key.slice(5) ?? "";
  expect(flow.url).not.toContain(id);
  const never = "A".repeat(id.length);
  const others = [
    id,
    `connection:${id}`,
    `${id} `,
    `../connection:${id}`,
    "%",
    "*",
    "",
    "__proto__",
    application,
    flowId,
  ];
  const uses: ((id: string, owner: string) => Promise<unknown>)[] = [
    (of, owner) => h.connector.connection(of, { owner }),
    (of, owner) => h.connector.markEnded(of, { owner }),
    (of, owner) => h.connector.dangerouslyExportGrant(of, { owner }),
    (of, owner) => connectBank(h, { owner, connection: of }),
  ];
  for (const use of uses) {
    const shown = async (of: string, owner: string) => {
      const { fault, message, details } = await h.refused(use(of, owner));
      return JSON.stringify({ fault, message, details }).replaceAll(JSON.stringify(of).slice(1, -1), "ID");
    };
    const expected = await shown(never, "mallory");
    expect(expected).toContain('{"kind":"gone","reason":"unknown"}');
    for (const other of others.filter((of) => of !== "")) expect(await shown(other, "mallory")).toBe(expected);
  }
  for (const nobody of ["", undefined, null, {}])
    for (const of of [id, application, flowId, ""])
      expect((await h.refused(h.connector.connection(of, { owner: nobody as string }))).fault.kind).toBe("gone");
});

test("G67 a listing without an owner is refused, not everybody's", async () => {
  await using h = await watchedHouse();
  await h.link();
  for (const nobody of [undefined, ""])
    expect((await h.refused(h.connector.connections({ owner: nobody as string }).next())).fault.kind).toBe(
      "configuration",
    );
});

test("G67 an owner's connections are listed over more than one page", async () => {
  await using h = await watchedHouse();
  const ids: string[] = [];
  for (let batch = 0; batch < 5; batch++)
    ids.push(...(await Promise.all(Array.from({ length: 50 }, () => h.link()))).map(({ id }) => id));
  await h.link("user_2");
  const listed = (await h.list()).map(({ id }) => id);
  expect(listed).toHaveLength(250);
  expect([...listed].sort()).toEqual([...ids].sort());
});

test("G16 a new connection whose write succeeded unheard is found again, and only one", async () => {
  await using h = await watchedHouse();
  const callback = await h.server.consent((await connectBank(h)).url);
  const { write } = h.store;
  let lost = 0;
  Object.assign(h.store, {
    write: async (...call: Parameters<typeof write>) => {
      const written = await write(...call);
      if (call[0].startsWith("connection:") && lost++ === 0) throw new Error("socket hang up");
      return written;
    },
  });
  const connection = await h.connector.complete(callback, { session });
  expect((await h.list()).map(({ id }) => id)).toEqual([connection.id]);
  expect((await connection.fetch("/api/me")).status).toBe(200);
});

test("G16 tokens that cannot be saved are let go of, and the caller is told of the store", async () => {
  await using h = await watchedHouse();
  const callback = await h.server.consent((await connectBank(h)).url);
  const { write } = h.store;
  Object.assign(h.store, {
    write: async (...call: Parameters<typeof write>) => {
      if (call[0].startsWith("connection:")) throw new Error("disk full");
      return write(...call);
    },
  });
  expect((await h.refused(h.connector.complete(callback, { session }))).fault).toEqual({ kind: "store" });
  expect(h.server.journal.filter({ path: "/revoke" }).map(({ form }) => form?.token_type_hint)).toEqual([
    "refresh_token",
    "access_token",
  ]);
  expect(h.tokenRequests("authorization_code")).toBe(1);
});
