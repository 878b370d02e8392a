import { generateKeyPairSync } from "node:crypto";
import { decodeJwt, SignJWT } from "jose";
import { afterAll, beforeAll, expect, test } from "vitest";
import { publicClient } from "../src/index.ts";
import { application, faultOf, owner, session } from "./support/application.ts";
import { type IndependentServer, independentServer, redirectUri, signingKeys } from "./support/server.ts";

/** Signed authorization responses (JARM): what is not signed by the server, for this client, now, is not believed. */

let server: IndependentServer;
beforeAll(async () => {
  const client = {
    redirect_uris: [redirectUri],
    grant_types: ["authorization_code", "refresh_token"],
    scope: "openid read",
    token_endpoint_auth_method: "none",
  };
  server = await independentServer({
    clients: [
      { ...client, client_id: "signed", authorization_signed_response_alg: "ES256" },
      { ...client, client_id: "other", authorization_signed_response_alg: "ES256" },
    ],
    configuration: {
      features: { jwtResponseModes: { enabled: true } },
      enabledJWA: { authorizationSigningAlgValues: ["RS256", "ES256"] },
    },
  });
});
afterAll(() => server[Symbol.asyncDispose]());

function signed() {
  const built = application({
    issuer: server.origin,
    clientId: "signed",
    authentication: publicClient(),
    redirectUri,
    scope: ["openid", "read"],
    jarm: true,
  });
  return {
    ...built,
    async callback(decision?: "approve" | "deny") {
      const flow = await built.bank.connect({ owner, session });
      return { flow, url: new URL(await server.authorize(flow.url, decision)) };
    },
  };
}

test("a signed response: code, issuer and state are taken from it", async () => {
  const { connector, callback, complete } = signed();
  const { flow, url } = await callback();
  expect(new URL(flow.url).searchParams.get("response_mode")).toBe("jwt");
  expect([...url.searchParams.keys()]).toEqual(["response"]);
  const connection = await complete(url.href);
  expect((await connection.status()).account).toBe("user-1");
  // Once, as any other.
  expect(await faultOf(complete(url.href))).toMatchObject({ kind: "flow", reason: "used" });
  await connector.close();
});

test("as a form post, too", async () => {
  const { connector, callback } = signed();
  const { url } = await callback();
  const request = new Request(redirectUri, { method: "POST", body: url.searchParams });
  expect((await (await connector.complete(request, { session })).status()).account).toBe("user-1");
  await connector.close();
});

test("G63 a signed refusal is a refusal, and its words are the server's", async () => {
  const { connector, callback, complete } = signed();
  const { url } = await callback("deny");
  expect(await faultOf(complete(url.href))).toMatchObject({
    kind: "cancelled",
    details: { code: "access_denied" },
    message: expect.stringContaining("The user said no."),
  });
  await connector.close();
});

/** The response with other claims, or signed by somebody else. */
async function forged(response: string, changes: Record<string, unknown>, by: "server" | "stranger" = "server") {
  const key =
    by === "server" ? signingKeys.ec.privateKey : generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  return new SignJWT({ ...decodeJwt(response), ...changes }).setProtectedHeader({ alg: "ES256", kid: "ec" }).sign(key);
}

test.each([
  ["by a stranger's key", {}, "stranger"],
  ["for another client", { aud: "other" }, "server"],
  ["by another issuer", { iss: "https://evil.example" }, "server"],
  ["without an issuer", { iss: undefined }, "server"],
  ["that has ended", { exp: Math.floor(Date.now() / 1000) - 120 }, "server"],
  ["that never ends", { exp: undefined }, "server"],
] as const)(
  "C5 C6 G64 a response %s is refused: the code is not sent, and the true callback still serves",
  async (_, changes, by) => {
    const { connector, callback, complete, to } = signed();
    const { url } = await callback();
    const bad = new URL(url);
    bad.searchParams.set("response", await forged(url.searchParams.get("response") ?? "", changes, by));
    expect(await faultOf(complete(bad.href))).toMatchObject({ kind: "flow", reason: "issuer" });
    expect(to("/token")).toEqual([]);
    expect((await complete(url.href)).owner).toBe(owner);
    await connector.close();
  },
);

test("C4 G64 a plain response is refused where signed ones are asked for", async () => {
  const { connector, callback, complete, to } = signed();
  const { url } = await callback();
  const { code, state, iss } = decodeJwt<Record<"code" | "state" | "iss", string>>(
    url.searchParams.get("response") ?? "",
  );
  const plain = new URL(redirectUri);
  for (const [name, value] of Object.entries({ code, state, iss: iss ?? "" })) plain.searchParams.set(name, value);
  expect(await faultOf(complete(plain.href))).toMatchObject({ kind: "flow", reason: "issuer" });
  expect(to("/token")).toEqual([]);
  await connector.close();
});

test("C4 G61 a response of one flow with the plain state of another is refused", async () => {
  const { connector, callback, complete, to, bank } = signed();
  const { url } = await callback();
  const other = await bank.connect({ owner, session });
  url.searchParams.set("state", other.state);
  expect(await faultOf(complete(url.href))).toMatchObject({ kind: "flow", reason: "unknown_state" });
  expect(to("/token")).toEqual([]);
  await connector.close();
});

test("G61 the session is compared, also where the state is inside", async () => {
  const { connector, callback } = signed();
  const { url } = await callback();
  const complete = connector.complete(url, { session: "another-browser-session" });
  expect(await faultOf(complete)).toMatchObject({ kind: "flow", reason: "wrong_browser" });
  await connector.close();
});

test.each(["", "x", "a.b.c", "e30.e30.", "e30.eyJzdGF0ZSI6e319.x"])(
  "G63 garbage (%j) in place of a response is no flow",
  async (response) => {
    const { connector, complete } = signed();
    const url = `${redirectUri}?response=${response}`;
    expect(await faultOf(complete(url))).toMatchObject({ kind: "flow", reason: "unknown_state" });
    await connector.close();
  },
);
