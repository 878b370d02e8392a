import { createHmac } from "node:crypto";
import { allowInsecureLoopback, type Connection, createConnector, keyring, memoryStore } from "@linkwright/core";
import { type AuthorizationServerSimulator, simulateAuthorizationServer, virtualClock } from "@linkwright/testing";
import { expect, test } from "vitest";
import { newKey } from "../src/keys.ts";
import { quay } from "../src/odd-provider.ts";
import { harbour } from "../src/standard-provider.ts";

const owner = "user_42";
const session = "an-unguessable-session-value";
const redirectUri = "https://app.example/callback";

test("the standard provider connects, renews with rotation, and revokes", async () => {
  // #region test
  const clock = virtualClock();
  await using server = await simulateAuthorizationServer({ clock, accessTokenLifetime: 300 });
  const connector = createConnector({
    providers: {
      harbour: harbour({ clientId: "client", clientSecret: "secret", redirectUri, baseUrl: server.origin }),
    },
    store: memoryStore({ clock }),
    concurrency: "one-process",
    keys: keyring([{ id: "test", key: newKey() }]),
    clock,
    [allowInsecureLoopback]: true,
  });
  const flow = await connector.providers.harbour.connect({ owner, session });
  const connection = await connector.complete(await server.consent(flow.url), { session });

  for (let renewal = 1; renewal <= 3; renewal++) {
    await clock.advance(301_000);
    expect((await connection.fetch("/api/me")).status).toBe(200);
    expect(server.journal.count({ path: "/token", grantType: "refresh_token" })).toBe(renewal);
  }
  expect(server.counters.reuses).toBe(0); // no refresh token was presented twice
  expect(await connection.disconnect()).toEqual({
    disconnected: true,
    revocations: [
      { what: "refresh_token", result: "revoked" },
      { what: "access_token", result: "revoked" },
    ],
  });
  await connector.close();
  // #endregion
});

const webhookSecret = "whsec";

/** The standard server made to speak as Quay does. */
async function quayHouse() {
  const clock = virtualClock();
  const server = await simulateAuthorizationServer({
    clock,
    accessTokenLifetime: 300,
    bodies: ["json"],
    revocation: false,
    clients: [
      {
        clientId: "client",
        clientSecret: "secret",
        redirectUris: [redirectUri],
        authentication: ["client_secret_json"],
      },
    ],
  });
  server.faults.always("rewrite", {
    rewrite: ({ access_token: token, refresh_token: renewal, expires_in: ttl }) => ({
      token,
      renewal,
      ttl,
      customer: "c-7",
    }),
  });
  server.faults.always("answer", { path: "/api/branches", body: ["west", "east"] });
  const connector = createConnector({
    providers: {
      quay: quay({ clientId: "client", clientSecret: "secret", webhookSecret, redirectUri, baseUrl: server.origin }),
    },
    store: memoryStore({ clock }),
    concurrency: "one-process",
    keys: keyring([{ id: "test", key: newKey() }]),
    clock,
    [allowInsecureLoopback]: true,
  });
  return {
    clock,
    server,
    connector,
    async link(): Promise<Connection> {
      const flow = await connector.providers.quay.connect({ owner, session, branch: "west" });
      expect(new URL(flow.url).searchParams.get("branch_id")).toBe("west");
      return connector.complete(await server.consent(flow.url), { session });
    },
    async [Symbol.asyncDispose]() {
      await connector.close();
      await server.close();
    },
  };
}

const refuse = (server: AuthorizationServerSimulator, body: object, path?: string, status = 400) =>
  server.faults.next("answer", { status, body, ...(path !== undefined && { path }) });

test("the odd provider: JSON, names and parameters of its own", async () => {
  await using h = await quayHouse();
  const connection = await h.link();
  expect(h.server.journal.last({ path: "/token" })?.json).toMatchObject({
    client_id: "client",
    client_secret: "secret",
  });
  expect(await connection.status()).toMatchObject({ health: "healthy", account: "c-7" });
  await h.clock.advance(301_000);
  expect((await connection.fetch("/api/me")).status).toBe(200);
  expect(h.server.journal.last({ path: "/api/me" })?.headers["quay-version"]).toBe("2");
  expect(await h.connector.providers.quay.branches()).toEqual(["west", "east"]);
  const nowhere = h.connector.providers.quay.connect({ owner, session, branch: 7 as never });
  await expect(nowhere).rejects.toMatchObject({ fault: { kind: "configuration" } });
});

test("the odd provider: its refusals are read", async () => {
  await using h = await quayHouse();
  const connection = await h.link();
  refuse(h.server, { code: "TOKEN_OLD" }, "/api/me", 400);
  expect((await connection.fetch("/api/me")).status).toBe(200);
  expect(h.server.journal.count({ path: "/token", grantType: "refresh_token" })).toBe(1);

  const other = await h.link();
  refuse(h.server, { code: "CONSENT_OVER", trace: "t-1" }, "/api/me", 403);
  expect((await other.fetch("/api/me")).status).toBe(403);
  expect(await other.status()).toMatchObject({ health: "ended", reason: "consent_ended" });

  const third = await h.link();
  await h.clock.advance(301_000);
  refuse(h.server, { code: "BAD_APP" });
  await expect(third.accessToken()).rejects.toMatchObject({
    fault: { kind: "configuration" },
    details: { code: "BAD_APP" },
  });
  expect((await third.status()).health).toBe("configuration");

  await h.clock.advance(10_000);
  const flow = await h.connector.providers.quay.connect({ owner, session, branch: "east" });
  const callback = await h.server.consent(flow.url);
  refuse(h.server, { code: "GRANT_OVER", text: "the code is spent" });
  await expect(h.connector.complete(callback, { session })).rejects.toMatchObject({
    fault: { kind: "flow", reason: "expired" },
    message: expect.stringContaining("GRANT_OVER"),
  });
});

test("the odd provider: a signed message ends the connection that it names", async () => {
  await using h = await quayHouse();
  const connection = await h.link();
  const body = JSON.stringify({ id: "m-1", type: "customer.left", customer: "c-7" });
  const message = (signature: string) =>
    new Request("https://app.example/webhooks/quay", {
      method: "POST",
      body,
      headers: { "quay-signature": signature },
    });
  const forged = h.connector.providers.quay.webhook(message("forged"));
  await expect(forged).rejects.toMatchObject({ fault: { kind: "protocol" } });
  expect((await connection.status()).health).toBe("healthy");
  const signature = createHmac("sha256", webhookSecret).update(body).digest("hex");
  const receipt = await h.connector.providers.quay.webhook(message(signature));
  expect(receipt).toMatchObject({ duplicate: false, connections: [connection.id], event: { customer: "c-7" } });
  expect(await connection.status()).toMatchObject({ health: "ended", reason: "consent_ended" });
});

test("the odd provider: disconnecting deletes the consent, with the connection's token", async () => {
  await using h = await quayHouse();
  const connection = await h.link();
  refuse(h.server, { code: "BUSY" }, "/api/consent", 503);
  expect(await connection.disconnect()).toMatchObject({ disconnected: false });
  h.server.faults.next("answer", { path: "/api/consent", method: "DELETE", status: 204, body: undefined });
  expect(await connection.disconnect()).toEqual({
    disconnected: true,
    revocations: [{ what: "consent", result: "revoked" }],
  });
});
