import { clientSecretBasic, clientSecretPost } from "@linkwright/core";
import { expect, test } from "vitest";
import { faultOf, house } from "./support/house.ts";

/** What servers answer at the token endpoint, and what is made of it: guarantees D. */

const expired = 301_000;

async function renewedWith(
  rewrite: (answer: Record<string, unknown>) => unknown,
  bank: NonNullable<Parameters<typeof house>[0]>["bank"] = {},
) {
  const h = await house({ bank, background: "none" });
  const connection = await h.link();
  await h.clock.advance(expired);
  h.server.faults.always("rewrite", { grantType: "refresh_token", rewrite });
  return { h, connection };
}
const without = (name: string) => (answer: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(answer).filter(([key]) => key !== name));

test("G37 G20 a server that writes every member, and null where there is nothing to say, is understood", async () => {
  const nothing = { error: null, error_description: null, scope: null, refresh_token: null };
  const { h, connection } = await renewedWith((answer) => ({ ...nothing, ...answer, error: null, scope: null }));
  await using _ = h;
  const before = (await connection.status()).scope;
  const token = await connection.accessToken();
  expect((await connection.status()).scope).toEqual(before);
  await h.clock.advance(expired);
  expect(await connection.accessToken()).not.toBe(token);
  expect(await connection.status()).toMatchObject({ health: "healthy" });
  expect([h.tokenRequests(), h.server.counters.reuses]).toEqual([2, 0]);
});

test.for(["at_0123456789-of-a\r\nserver", "at_0123456789-\u0000", "at_0123456789-\u20ac"])(
  "G48 G70 an access token that no header can carry is `protocol`, and shown to nobody",
  async (access_token) => {
    const { h, connection } = await renewedWith((answer) => ({ ...answer, access_token }));
    await using _ = h;
    for (const work of [connection.accessToken(), connection.fetch("/api/me")]) {
      const { kind, message } = await faultOf(work);
      expect(["protocol", "retry"]).toContain(kind);
      expect(message).not.toContain("0123456789");
    }
    expect(await connection.status()).toMatchObject({ health: "degraded", inDoubt: true });
  },
);

test("G70 nor is one shown that was imported, or that configuration gives", async () => {
  await using h = await house();
  const broken = "at_0123456789-of-a\r\nfile";
  const imported = h.connector.providers.bank.import({ owner: "user_1", accessToken: broken });
  expect(await faultOf(imported)).toMatchObject({
    kind: "configuration",
    message: "import: accessToken has characters that no header can carry; give it as the provider issued it",
  });
});

test("G41 expires_in absent: the provider's default counts", async () => {
  const { h, connection } = await renewedWith(without("expires_in"), {
    accessToken: { type: "Bearer", lifetime: 120 },
  });
  await using _ = h;
  await connection.accessToken();
  expect((await connection.status()).accessTokenExpiresAt).toBe(h.clock.now() + 120_000);
});

test("G41 expires_in absent and no default: used until refused, not renewed at every call", async () => {
  const { h, connection } = await renewedWith(without("expires_in"));
  await using _ = h;
  const token = await connection.accessToken();
  await h.clock.advance(86_400_000);
  expect(await connection.accessToken()).toBe(token);
  expect(h.tokenRequests()).toBe(1);
  expect((await connection.status()).accessTokenExpiresAt).toBeUndefined();
  // The server ends it; one renewal, and the call succeeds.
  expect((await connection.fetch("/api/me")).status).toBe(200);
  expect(h.tokenRequests()).toBe(2);
});

test.for([0, -5, 1e308, null, { seconds: 5 }, "15m", "", Number.MAX_SAFE_INTEGER, [300], true])(
  "G42 an expires_in of %j makes no immortal token and no renewal at every call, and is told",
  async (value) => {
    const { h, connection } = await renewedWith((answer) => ({ ...answer, expires_in: value }));
    await using _ = h;
    for (let call = 0; call < 20; call++) await connection.accessToken();
    expect(h.tokenRequests()).toBe(1);
    const { accessTokenExpiresAt = Number.POSITIVE_INFINITY } = await connection.status();
    expect(accessTokenExpiresAt - h.clock.now()).toBe(60_000);
    expect(h.told("protocol.warning")).toBe(1);
  },
);

test.for([
  ["900", 900_000],
  [299, 299_000],
  [0.5, 500],
] as const)("G43 an expires_in of %j is a number of seconds", async ([value, lifetime]) => {
  const { h, connection } = await renewedWith((answer) => ({ ...answer, expires_in: value }));
  await using _ = h;
  const at = h.clock.now();
  await connection.accessToken();
  expect((await connection.status()).accessTokenExpiresAt).toBe(at + lifetime);
});

test.for(["bearer", "BEARER", "Bearer"])("G44 C21 a token_type of %j is bearer", async (type) => {
  const { h, connection } = await renewedWith((answer) => ({ ...answer, token_type: type }));
  await using _ = h;
  expect(await connection.accessToken()).toMatch(/./);
});

test("G44 C21 token_type absent: the provider's default, or refused where it declares none", async () => {
  const declared = await renewedWith(without("token_type"));
  await using _ = declared.h;
  expect(await declared.connection.accessToken()).toMatch(/./);
  await using silent = await house({ bank: { accessToken: {} } });
  const connection = await silent.link();
  await silent.clock.advance(expired);
  silent.server.faults.next("rewrite", { grantType: "refresh_token", rewrite: without("token_type") });
  expect(await faultOf(connection.accessToken())).toMatchObject({ kind: "protocol" });
});

test.for(["mac", "N_A", 7, ""])("G44 C21 a token_type of %j is refused, and the row keeps its grant", async (type) => {
  const { h, connection } = await renewedWith((answer) => ({ ...answer, token_type: type }));
  await using _ = h;
  expect(await faultOf(connection.accessToken())).toMatchObject({ kind: "protocol" });
  expect((await connection.status()).health).toBe("degraded");
});

test("G45 G46 a form-encoded answer under odd member names is read where the provider declares it", async () => {
  await using h = await house({
    bank: {
      dialect: {
        response: (answer) => {
          const form = new URLSearchParams(answer.text);
          return { access_token: form.get("token"), expires_in: form.get("ttl") };
        },
      },
    },
  });
  h.server.faults.next("answer", {
    body: "token=abc&ttl=60",
    headers: { "content-type": "application/x-www-form-urlencoded" },
  });
  expect(await h.connector.providers.bank.app().accessToken()).toBe("abc");
});

test("G45 JSON under another media type is read", async () => {
  await using h = await house();
  h.server.faults.next("answer", {
    body: JSON.stringify({ access_token: "abc", expires_in: 60 }),
    headers: { "content-type": "text/plain" },
  });
  expect(await h.connector.providers.bank.app().accessToken()).toBe("abc");
});

test("G46 a JSON request body is declared by a dialect, and the credentials are its members", async () => {
  await using h = await house({
    server: {
      bodies: ["json"],
      clients: [
        {
          clientId: "client",
          clientSecret: "secret",
          authentication: ["client_secret_json"],
          redirectUris: ["https://app.example/callback"],
        },
      ],
    },
    bank: {
      client: { id: "client", authentication: clientSecretPost("secret") },
      dialect: {
        request: ({ url, headers, body }) => {
          const json = new Headers(headers);
          json.set("content-type", "application/json");
          return { url, headers: json, body: JSON.stringify(Object.fromEntries(new URLSearchParams(body))) };
        },
      },
    },
  });
  const connection = await h.link();
  expect(await connection.accessToken()).toMatch(/./);
  expect(h.server.journal.last({ path: "/token" })?.json).toMatchObject({
    grant_type: "authorization_code",
    client_id: "client",
    client_secret: "secret",
  });
});

test.for([
  ["read  write", ["read", "write"]],
  ["read,write", ["read", "write"]],
  [
    ["read", "write", "read"],
    ["read", "write"],
  ],
  ["", []],
] as const)("G47 C22 a scope of %j is one set", async ([value, expected]) => {
  const { h, connection } = await renewedWith((answer) => ({ ...answer, scope: value }));
  await using _ = h;
  await connection.accessToken();
  expect((await connection.status()).scope.granted).toEqual(expected);
});

test("G47 C22 scope absent: what was granted before stands; narrowed on refresh: what is missing is told", async () => {
  const { h, connection } = await renewedWith(without("scope"));
  await using _ = h;
  await connection.accessToken();
  expect((await connection.status()).scope).toEqual({ requested: ["read"], granted: ["read"], missing: [] });
  h.server.faults.clear();
  h.server.faults.always("rewrite", {
    grantType: "refresh_token",
    rewrite: (answer) => ({ ...answer, scope: "other" }),
  });
  await h.clock.advance(expired);
  await connection.accessToken();
  expect((await connection.status()).scope).toEqual({ requested: ["read"], granted: ["other"], missing: ["read"] });
});

test.for(["", null, 5, {}, undefined])(
  "G48 an access_token of %j is a protocol fault, and the old row stays",
  async (value) => {
    const { h, connection } = await renewedWith((answer) => ({ ...answer, access_token: value }));
    await using _ = h;
    const before = await connection.status();
    expect(await faultOf(connection.accessToken())).toMatchObject({ kind: "protocol" });
    const after = await connection.status();
    expect(after.renewedAt).toBe(before.renewedAt);
    expect(after.health).toBe("degraded");
  },
);

test.for([301, 302, 303, 307, 308] as const)(
  "G49 C19 a redirect (%i) from the token endpoint is not followed, same origin or another",
  async (status) => {
    await using other = await house();
    for (const location of ["/redirected", `${other.server.origin}/token`]) {
      await using h = await house();
      const connection = await h.link();
      await h.clock.advance(expired);
      h.server.faults.next("redirect", { status, location });
      expect(await faultOf(connection.accessToken())).toMatchObject({ kind: "protocol", details: { status } });
      expect(h.server.journal.count({ path: "/redirected" })).toBe(0);
      expect(other.server.journal.count()).toBe(0);
    }
  },
);

test("G50 C18 Basic carries id and secret form-encoded, the body neither, and no other method is tried", async () => {
  const id = "c:id";
  const secret = "a+b/%é:";
  await using h = await house({
    server: {
      clients: [
        {
          clientId: id,
          clientSecret: secret,
          authentication: ["client_secret_basic"],
          redirectUris: ["https://app.example/callback"],
        },
      ],
    },
    bank: { client: { id, authentication: clientSecretBasic(secret) } },
  });
  const connection = await h.link();
  expect(await connection.accessToken()).toMatch(/./);
  const sent = h.server.journal.last({ path: "/token" });
  const [user, password] = atob(sent?.headers.authorization?.slice("Basic ".length) ?? "").split(":");
  expect(user).toBe("c%3Aid");
  expect(password).toBe("a%2Bb%2F%25%C3%A9%3A");
  expect(sent?.form?.client_secret).toBeUndefined();
  await h.clock.advance(expired);
  h.server.faults.next("status", {
    status: 401,
    body: { error: "invalid_client" },
    headers: { "www-authenticate": "Basic" },
  });
  expect(await faultOf(connection.accessToken())).toMatchObject({ kind: "configuration" });
  expect(h.tokenRequests()).toBe(1);
});

test("G51 an answer of 32 MiB is not read to its end", async () => {
  await using h = await house({
    server: { refresh: "fixed" },
    bank: { grants: { refreshToken: { rotation: "fixed" } } },
  });
  const connection = await h.link();
  await h.clock.advance(expired);
  h.server.faults.next("huge-body", { times: 2 });
  const fault = await faultOf(connection.accessToken());
  expect(fault).toMatchObject({ kind: "retry" });
  expect(fault.message).toContain("262144 bytes");
});

test("G51 a page of HTML in place of an answer is no token and no refusal", async () => {
  await using h = await house();
  const connection = await h.link();
  await h.clock.advance(expired);
  h.server.faults.next("html", { status: 200 });
  expect(await faultOf(connection.accessToken())).toMatchObject({ kind: "protocol" });
  await h.clock.advance(2_000);
  expect(await connection.accessToken()).toMatch(/./);
});

test("C17 C29 the token request is a POST with its parameters in the body, and nothing in the URL", async () => {
  await using h = await house();
  const connection = await h.link();
  await h.clock.advance(expired);
  await connection.accessToken();
  for (const entry of h.server.journal.filter({ path: "/token" })) {
    expect(entry.method).toBe("POST");
    expect(entry.query).toEqual({});
  }
});

test("early refresh that returns the same access token is no loop", async () => {
  await using h = await house({ server: { refresh: { kind: "fixed", earlyRefresh: "same" } }, background: "none" });
  const connection = await h.link();
  const token = await connection.accessToken();
  await h.clock.advance(285_000);
  expect(await connection.accessToken()).toBe(token);
  expect(h.tokenRequests()).toBe(1);
});

test("rotation that starts in mid-life is followed", async () => {
  await using h = await house({
    server: { refresh: { kind: "rotating", rotateAfter: 2 } },
    bank: { grants: { refreshToken: { rotation: "observed" } } },
  });
  const connection = await h.link();
  for (let renewal = 0; renewal < 5; renewal++) {
    await h.clock.advance(expired);
    await connection.accessToken();
  }
  expect(h.server.counters.reuses).toBe(0);
  expect(
    new Set(h.server.journal.filter({ grantType: "refresh_token" }).map((entry) => entry.form?.refresh_token)).size,
  ).toBe(3);
});

test("C25 the refresh token goes to the token and revocation endpoints of its own server, and nowhere else", async () => {
  await using h = await house();
  const connection = await h.link();
  await h.clock.advance(expired);
  await connection.fetch("/api/me");
  await connection.disconnect();
  const issued = h.server.journal
    .filter({ path: "/token", grantType: "refresh_token" })
    .map((entry) => entry.form?.refresh_token ?? "none");
  expect(issued).toHaveLength(1);
  const seen = h.server.journal.filter({ match: (entry) => JSON.stringify(entry).includes(issued[0] ?? "none") });
  expect(new Set(seen.map(({ path }) => path))).toEqual(new Set(["/token"]));
  expect(h.server.journal.count({ path: "/revoke" })).toBe(2);
});
