import { createHash } from "node:crypto";
import { type AuthorizationServerOptions, simulateAuthorizationServer, virtualClock } from "@linkwright/testing";
import { afterEach, expect, test } from "vitest";

const verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const redirectUri = "https://app.example/callback";

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one[Symbol.asyncDispose]();
});

async function server(options: AuthorizationServerOptions = {}) {
  const clock = virtualClock();
  const sim = await simulateAuthorizationServer({ clock, ...options });
  open.push(sim);
  const post = async (path: string, form: Record<string, string>, headers: Record<string, string> = {}) => {
    const response = await fetch(sim.origin + path, { method: "POST", body: new URLSearchParams(form), headers });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text && JSON.parse(text) };
  };
  return {
    sim,
    clock,
    post,
    token: (form: Record<string, string>) => post("/token", { client_id: "client", client_secret: "secret", ...form }),
    refresh: (refresh_token: unknown, more: Record<string, string> = {}) =>
      post("/token", {
        client_id: "client",
        client_secret: "secret",
        grant_type: "refresh_token",
        refresh_token: String(refresh_token),
        ...more,
      }),
    me: async (token: unknown, path = "/api/me") => {
      const response = await fetch(sim.origin + path, { headers: { authorization: `Bearer ${token}` } });
      return {
        status: response.status,
        challenge: response.headers.get("www-authenticate"),
        body: await response.json(),
      };
    },
    authorize: (parameters: Record<string, string> = {}) =>
      `${sim.endpoints.authorization_endpoint}?${new URLSearchParams({
        response_type: "code",
        client_id: "client",
        redirect_uri: redirectUri,
        scope: "read write",
        state: "xyz",
        code_challenge: challenge,
        code_challenge_method: "S256",
        ...parameters,
      })}`,
  };
}

const codeOf = (callback: string) => new URL(callback).searchParams.get("code") ?? "";
const parametersOf = (callback: string) => Object.fromEntries(new URL(callback).searchParams);

test("the code flow: page, code, tokens, resource", async () => {
  const { sim, token, me, authorize } = await server();
  const callback = await sim.consent(authorize(), { user: "user-2" });
  expect(callback.startsWith(`${redirectUri}?code=`)).toBe(true);
  expect(parametersOf(callback).state).toBe("xyz");
  const { status, body, headers } = await token({
    grant_type: "authorization_code",
    code: codeOf(callback),
    redirect_uri: redirectUri,
    code_verifier: verifier,
  });
  expect(status).toBe(200);
  expect(headers.get("cache-control")).toBe("no-store");
  expect(body).toEqual({
    access_token: expect.stringMatching(/^at_/),
    token_type: "Bearer",
    expires_in: 3600,
    refresh_token: expect.stringMatching(/^rt_/),
    scope: "read write",
  });
  expect(await me(body.access_token)).toEqual({
    status: 200,
    challenge: null,
    body: { sub: "user-2", client_id: "client", scope: "read write" },
  });
});

test("RFC 7636 Appendix B is the vector that the server computes", () => {
  expect(createHash("sha256").update(verifier).digest("base64url")).toBe(challenge);
});

test("a code is single use, short lived, and bound to redirect URI, client and verifier", async () => {
  const { sim, clock, token, me, authorize, post } = await server();
  const exchange = { grant_type: "authorization_code", redirect_uri: redirectUri, code_verifier: verifier };
  const fresh = async () => codeOf(await sim.consent(authorize()));

  const code = await fresh();
  const first = await token({ ...exchange, code });
  const second = await token({ ...exchange, code });
  expect([first.status, second.status, second.body.error]).toEqual([200, 400, "invalid_grant"]);
  expect(sim.counters.codeReuses).toBe(1);
  expect((await me(first.body.access_token)).status).toBe(401);

  const otherUri = await token({ ...exchange, code: await fresh(), redirect_uri: `${redirectUri}/` });
  expect(otherUri.body.error).toBe("invalid_grant");
  const otherVerifier = await token({ ...exchange, code: await fresh(), code_verifier: `${verifier}x` });
  expect(otherVerifier.body.error).toBe("invalid_grant");
  const otherClient = await post("/token", { ...exchange, code: await fresh(), client_id: "public" });
  expect(otherClient.body.error).toBe("invalid_grant");

  const late = await fresh();
  await clock.advance(60_000);
  expect((await token({ ...exchange, code: late })).body.error).toBe("invalid_grant");
});

test("PKCE: S256 or nothing, and a public client never without", async () => {
  const { sim, token, authorize } = await server();
  const error = async (parameters: Record<string, string>) =>
    parametersOf(await sim.consent(authorize(parameters))).error;
  expect(await error({ code_challenge_method: "plain" })).toBe("invalid_request");
  expect(await error({ code_challenge: "short" })).toBe("invalid_request");
  const without = authorize({ client_id: "public" }).replace(/&code_challenge=[^&]*/, "");
  expect(parametersOf(await sim.consent(without)).error).toBe("invalid_request");

  const confidential = authorize().replace(/&code_challenge=.*$/, "");
  const code = codeOf(await sim.consent(confidential));
  const stripped = await token({
    grant_type: "authorization_code",
    code,
    redirect_uri: redirectUri,
    code_verifier: verifier,
  });
  expect(stripped.body.error).toBe("invalid_grant");
});

test("a client that cannot be trusted is not redirected to", async () => {
  const { sim, authorize } = await server();
  await expect(sim.consent(authorize({ redirect_uri: "https://evil.example/" }))).rejects.toThrow("400");
  await expect(sim.consent(authorize({ client_id: "nobody" }))).rejects.toThrow("Unknown client_id");
});

test("denial, server errors, and unticked scopes", async () => {
  const { sim, token, authorize } = await server();
  expect(parametersOf(await sim.consent(authorize(), { decision: "deny" }))).toEqual({
    error: "access_denied",
    error_description: "The simulator was asked for access_denied.",
    state: "xyz",
  });
  const hostile = await sim.consent(authorize(), { decision: "server_error", description: "<script>\r\n" });
  expect(parametersOf(hostile)).toEqual({ error: "server_error", error_description: "<script>\r\n", state: "xyz" });
  const code = codeOf(await sim.consent(authorize(), { scopes: ["read"] }));
  const { body } = await token({
    grant_type: "authorization_code",
    code,
    redirect_uri: redirectUri,
    code_verifier: verifier,
  });
  expect(body.scope).toBe("read");
});

test("iss is on every response where it is switched on", async () => {
  const { sim, authorize } = await server({ iss: true });
  expect(parametersOf(await sim.consent(authorize())).iss).toBe(sim.origin);
  expect(parametersOf(await sim.consent(authorize(), { decision: "deny" })).iss).toBe(sim.origin);
  expect(parametersOf(await sim.consent(authorize({ response_type: "token" })))).toMatchObject({
    error: "unsupported_response_type",
    iss: sim.origin,
  });
});

test("client authentication: one method, form-encoded in Basic", async () => {
  const clients = [{ clientId: "c:id", clientSecret: "a+b/%é:", redirectUris: [redirectUri] }];
  const { post } = await server({ clients });
  const basic = (id: string, secret: string) => ({
    authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString("base64")}`,
  });
  const form = { grant_type: "client_credentials" };
  const encoded = await post("/token", form, basic(encodeURIComponent("c:id"), encodeURIComponent("a+b/%é:")));
  expect(encoded.status).toBe(200);
  expect(encoded.body).toEqual({ access_token: expect.any(String), token_type: "Bearer", expires_in: 3600 });

  const raw = await post("/token", form, basic("c:id", "a+b/%é:"));
  expect([raw.status, raw.body.error]).toEqual([401, "invalid_client"]);
  const wrong = await post("/token", form, basic(encodeURIComponent("c:id"), "wrong"));
  expect([wrong.status, wrong.headers.get("www-authenticate")]).toEqual([401, 'Basic realm="token"']);
  const both = await post(
    "/token",
    { ...form, client_secret: "a+b/%é:" },
    basic("c%3Aid", encodeURIComponent("a+b/%é:")),
  );
  expect([both.status, both.body.error]).toEqual([400, "invalid_request"]);
});

test("an access token expires by the clock; a wrong one is named in WWW-Authenticate", async () => {
  const { sim, clock, me } = await server({ accessTokenLifetime: 300 });
  const { access_token } = sim.issue();
  await clock.advance(299_999);
  expect((await me(access_token)).status).toBe(200);
  await clock.advance(1);
  const expired = await me(access_token);
  expect(expired.status).toBe(401);
  expect(expired.challenge).toContain('error="invalid_token"');
  const scoped = await me(sim.issue({ scope: "read" }).access_token, "/api/scoped/write");
  expect(scoped.status).toBe(403);
  expect(scoped.challenge).toContain('error="insufficient_scope", scope="write"');
});

test("rotating: each token once; the second time ends the family", async () => {
  const { sim, refresh, me } = await server();
  const first = sim.issue();
  const second = await refresh(first.refresh_token);
  expect(second.body.refresh_token).not.toBe(first.refresh_token);
  const reuse = await refresh(first.refresh_token);
  expect([reuse.status, reuse.body.error]).toEqual([400, "invalid_grant"]);
  expect((await refresh(second.body.refresh_token)).body.error).toBe("invalid_grant");
  expect((await me(second.body.access_token)).status).toBe(401);
  expect(sim.counters.reuses).toBe(1);
  expect(sim.counters.familiesRevoked).toBe(1);
  expect(sim.counters.presentations.get(String(first.refresh_token))).toBe(2);
});

test("rotating without reuse detection: the spent token is refused, the family lives", async () => {
  const { sim, refresh } = await server({ refresh: { kind: "rotating", reuseDetection: false } });
  const { refresh_token } = sim.issue();
  const second = await refresh(refresh_token);
  expect((await refresh(refresh_token)).body.error).toBe("invalid_grant");
  expect((await refresh(second.body.refresh_token)).status).toBe(200);
  expect(sim.counters).toMatchObject({ reuses: 1, familiesRevoked: 0 });
});

test("a replay window answers with the very same successors, then closes", async () => {
  const { sim, clock, refresh } = await server({ refresh: { kind: "rotating", reuseGrace: 30_000 } });
  const { refresh_token } = sim.issue();
  const second = await refresh(refresh_token);
  await clock.advance(30_000);
  const replay = await refresh(refresh_token);
  expect(replay.body).toEqual({ ...second.body, expires_in: 3570 });
  await clock.advance(1);
  expect((await refresh(refresh_token)).body.error).toBe("invalid_grant");
  expect(sim.counters).toMatchObject({ replays: 1, reuses: 1, familiesRevoked: 1 });
});

test("rotation may begin mid-life, by count or by a switch", async () => {
  const { sim, refresh } = await server({ refresh: { kind: "rotating", rotateAfter: 2 } });
  const { refresh_token } = sim.issue();
  expect((await refresh(refresh_token)).body).not.toHaveProperty("refresh_token");
  expect((await refresh(refresh_token)).body).not.toHaveProperty("refresh_token");
  expect((await refresh(refresh_token)).body.refresh_token).toMatch(/^rt_/);

  sim.switches.refresh = { kind: "fixed" };
  const other = sim.issue();
  expect((await refresh(other.refresh_token)).status).toBe(200);
  sim.switches.refresh = { kind: "rotating" };
  expect((await refresh(other.refresh_token)).body.refresh_token).toMatch(/^rt_/);
});

test("fixed: the same token for good, in the answer only where it is echoed", async () => {
  const { sim, refresh } = await server({ refresh: "fixed" });
  const { refresh_token } = sim.issue();
  const bodies = [await refresh(refresh_token), await refresh(refresh_token)].map(({ body }) => body);
  expect(bodies.map((body) => "refresh_token" in body)).toEqual([false, false]);
  expect(bodies[0].access_token).not.toBe(bodies[1].access_token);
  sim.switches.refresh = { kind: "fixed", echo: true };
  expect((await refresh(refresh_token)).body.refresh_token).toBe(refresh_token);
});

test("none: no refresh token", async () => {
  const { sim } = await server({ refresh: "none" });
  expect(sim.issue()).not.toHaveProperty("refresh_token");
});

test("an early refresh may answer with the same access token", async () => {
  const { sim, clock, refresh } = await server({ refresh: { kind: "rotating", earlyRefresh: "same" } });
  const first = sim.issue();
  await clock.advance(1_000_000);
  const early = await refresh(first.refresh_token);
  expect(early.body).toEqual({
    access_token: first.access_token,
    token_type: "Bearer",
    expires_in: 2600,
    scope: "read",
  });
  await clock.advance(2_600_000);
  const due = await refresh(first.refresh_token);
  expect(due.body.access_token).not.toBe(first.access_token);
  expect(due.body.refresh_token).toMatch(/^rt_/);
});

test("idle timeout slides with use, not with refusals; the absolute lifetime does not slide", async () => {
  const day = 86_400_000;
  const policy = { kind: "fixed", idleTimeout: 30 * day, absoluteLifetime: 90 * day } as const;
  const { sim, clock, refresh } = await server({ refresh: policy });
  const { refresh_token } = sim.issue();
  for (let month = 0; month < 3; month += 1) {
    await clock.advance(30 * day);
    expect((await refresh(refresh_token)).status).toBe(200);
  }
  await clock.advance(1);
  expect((await refresh(refresh_token)).body.error).toBe("invalid_grant");

  const idle = sim.issue().refresh_token;
  await clock.advance(20 * day);
  expect((await refresh(idle, { scope: "more" })).body.error).toBe("invalid_scope");
  await clock.advance(10 * day + 1);
  expect((await refresh(idle)).body.error).toBe("invalid_grant");
});

test("a refresh may narrow the access token, not the grant", async () => {
  const { sim, refresh } = await server({ scopeInAnswer: "changed" });
  const { refresh_token } = sim.issue({ scope: "read write" });
  const narrow = await refresh(refresh_token, { scope: "read" });
  expect(narrow.body).not.toHaveProperty("scope");
  const wide = await refresh(narrow.body.refresh_token);
  expect(wide.body.scope).toBe("read write");
});

test("newest: each new access token ends the one before it", async () => {
  const { sim, refresh, me } = await server({ accessTokensValid: "newest" });
  const first = sim.issue();
  const second = await refresh(first.refresh_token);
  expect((await me(first.access_token)).status).toBe(401);
  expect((await me(second.body.access_token)).status).toBe(200);
});

test("RFC 7009: the refresh token takes all along, the access token goes alone, an unknown one is fine", async () => {
  const { sim, post, refresh, me } = await server();
  const revoke = (token: unknown, client_id = "client", client_secret = "secret") =>
    post("/revoke", { client_id, client_secret, token: String(token) });
  const one = sim.issue();
  expect((await revoke(one.access_token)).status).toBe(200);
  expect((await me(one.access_token)).status).toBe(401);
  const renewed = await refresh(one.refresh_token);
  expect(renewed.status).toBe(200);
  expect((await revoke(renewed.body.refresh_token)).status).toBe(200);
  expect((await me(renewed.body.access_token)).status).toBe(401);
  expect((await revoke("never-issued")).status).toBe(200);
  expect((await revoke(one.refresh_token, "client", "wrong")).status).toBe(401);
});

test("metadata is published, or not", async () => {
  const { sim } = await server({ scopes: ["read"] });
  const url = `${sim.origin}/.well-known/oauth-authorization-server`;
  expect(await (await fetch(url)).json()).toEqual({
    ...sim.endpoints,
    scopes_supported: ["read"],
    response_types_supported: ["code"],
    grant_types_supported: ["authorization_code", "refresh_token", "client_credentials"],
    token_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post", "none"],
    code_challenge_methods_supported: ["S256"],
  });
  sim.switches.metadata = false;
  expect((await fetch(url)).status).toBe(404);
});

test("the user takes everything back; an operator ends access tokens alone", async () => {
  const { sim, refresh, me } = await server();
  const one = sim.issue({ subject: "user-1" });
  const two = sim.issue({ subject: "user-2" });
  sim.revokeAccessTokens();
  expect((await me(two.access_token)).status).toBe(401);
  sim.revokeGrants("user-1");
  expect((await refresh(one.refresh_token)).body.error).toBe("invalid_grant");
  expect((await refresh(two.refresh_token)).status).toBe(200);
});

test("what is shown on the page is text, whatever it is, and comes back as it was", async () => {
  const odd = `A & "B" <i>c</i> 'd'`;
  const clients = [
    { clientId: "client", clientSecret: "secret", name: "<script>x</script>", redirectUris: [redirectUri] },
  ];
  const { sim, token, me, authorize } = await server({ clients, users: [odd] });
  const url = authorize({ scope: "a&b" });
  const page = await (await fetch(url)).text();
  expect(page).not.toContain("<script>");
  expect(page).not.toContain("<i>");
  const code = codeOf(await sim.consent(url));
  const exchange = { grant_type: "authorization_code", code, redirect_uri: redirectUri, code_verifier: verifier };
  const { body } = await token(exchange);
  expect((await me(body.access_token)).body).toEqual({ sub: odd, client_id: "client", scope: "a&b" });
});
