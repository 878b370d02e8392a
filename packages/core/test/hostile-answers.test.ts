import { clientSecretPost, createConnector, defineProvider, keyring, memoryStore } from "@linkwright/core";
import { virtualClock } from "@linkwright/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { cleanRefusal, expectClean, hostileJson, hostileText } from "./support/hostile.ts";
import { key, passing, session } from "./support/house.ts";

const clientSecret = "c4nary-client-secret-0123456789";

/** An application whose server answers what it is told to. */
async function mouth() {
  const clock = virtualClock();
  const store = memoryStore({ clock });
  let answer: (sent: string) => Response = () => Response.json({});
  let sent = "";
  const connector = createConnector({
    providers: {
      bank: defineProvider({
        id: "bank",
        server: {
          issuer: "https://bank.example",
          authorization_endpoint: "https://bank.example/authorize",
          token_endpoint: "https://bank.example/token",
          revocation_endpoint: "https://bank.example/revoke",
        },
        client: { id: "client", authentication: clientSecretPost(clientSecret) },
        grants: {
          clientCredentials: {},
          authorizationCode: { redirectUri: "https://app.example/callback", pkce: "S256" },
          refreshToken: { rotation: "rotating" },
        },
        api: { base: "https://bank.example" },
      }),
    },
    store,
    concurrency: "one-process",
    keys: keyring([{ id: "test", key }]),
    clock,
    fetch: async (_url, { body }) => {
      sent = String(body);
      return answer(sent);
    },
  });
  const warnings: string[] = [];
  connector.on("protocol.warning", ({ message }) => warnings.push(message));
  return {
    clock,
    connector,
    warnings,
    sent: () => sent,
    answer: (next: typeof answer) => {
      answer = next;
    },
    async callback(): Promise<string> {
      const { url } = await connector.providers.bank.connect({ owner: "user_1", session });
      return `https://app.example/callback?code=code_0123456789-of-the-flow&state=${new URL(url).searchParams.get("state")}`;
    },
    row: async (id: string) =>
      JSON.parse((await store.read(`connection:${id}`))?.value ?? "{}") as Record<string, unknown>,
    connections: async () => (await store.list({ prefix: "connection:", limit: 10 })).items.length,
  };
}

const status = fc.constantFrom(200, 200, 200, 201, 204, 301, 400, 401, 403, 404, 418, 429, 500, 502, 503);
const type = fc.constantFrom(
  "application/json",
  "text/html",
  "application/x-www-form-urlencoded",
  "",
  "application/json; charset=utf-7",
);
const retryAfter = fc.oneof(
  fc.constantFrom("30", "-1", "1e9", "Thu, 01 Jan 1970 00:00:00 GMT", "soon", ""),
  fc.constant(undefined),
);
const members = fc.constantFrom(
  "error",
  "error_description",
  "error_uri",
  "token_type",
  "expires_in",
  "refresh_token",
  "scope",
  "id_token",
  "__proto__",
);
const json = fc.oneof(
  hostileJson(),
  fc.dictionary(members, hostileJson(), { maxKeys: 6 }),
  // Nearly a token answer: there is a token, and nothing else is to be trusted.
  fc
    .dictionary(members, hostileJson(), { maxKeys: 6 })
    .map((answer) => ({ ...answer, access_token: "at_0123456789-abcdefghij" })),
);
const answers = fc.record({
  status,
  type,
  retryAfter,
  body: fc.oneof(
    { weight: 4, arbitrary: json.map((value) => JSON.stringify(value)) },
    { weight: 1, arbitrary: hostileText() },
  ),
  echo: fc.boolean(),
});

type Drawn = typeof answers extends fc.Arbitrary<infer Value> ? Value : never;

/** What was drawn as a response; with `echo`, what was sent stands in it. */
function responseOf({ status, type, retryAfter, body, echo }: Drawn, sent: string): Response {
  const headers = new Headers({ "content-type": type });
  if (retryAfter !== undefined) headers.set("retry-after", retryAfter);
  const text = echo ? body.replace(/"error_description":"/, `$&${sent} `) : body;
  return new Response(status === 204 ? null : text, { status, headers });
}

/** What requests carry that no error may show. */
const secretsIn = (sent: string): string[] =>
  ["client_secret", "code", "code_verifier", "refresh_token"]
    .map((name) => new URLSearchParams(sent).get(name) ?? "")
    .filter((secret) => secret.length > 8);

test("G37 G70 C33 whatever a token endpoint answers to a code: a connection with a token, or a clean refusal without a secret and nothing kept", async () => {
  await fc.assert(
    fc.asyncProperty(answers, async (drawn) => {
      const it = await mouth();
      const callback = await it.callback();
      it.answer((sent) => responseOf(drawn, sent));
      const work = it.connector.complete(callback, { session });
      const connected = await work.then(
        () => true,
        () => false,
      );
      if (connected) {
        expect(drawn.body).toContain("at_0123456789-abcdefghij");
        expect(await it.connections()).toBe(1);
        return;
      }
      const { fault } = await cleanRefusal(work, [...secretsIn(it.sent()), clientSecret]);
      expect(["retry", "configuration", "flow", "protocol", "permission"]).toContain(fault.kind);
      expect(await it.connections()).toBe(0);
      for (const warning of it.warnings) expect(warning.length).toBeLessThan(400);
    }),
    { numRuns: 300 },
  );
}, 60_000);

test("G32 G37 G70 whatever it answers to a refresh: a token, or a clean refusal, and the refresh token is not lost", async () => {
  await fc.assert(
    fc.asyncProperty(answers, async (drawn) => {
      const it = await mouth();
      it.answer(() =>
        Response.json({
          access_token: "at_first-0123456789abcdef",
          refresh_token: "rt_first-0123456789abcdef",
          token_type: "bearer",
          expires_in: 300,
        }),
      );
      const connection = await it.connector.complete(await it.callback(), { session });
      await it.clock.advance(301_000);
      let requests = 0;
      it.answer((sent) => {
        requests++;
        return responseOf(drawn, sent);
      });
      // A server error is met with another try at once; the time that this waits passes here.
      const work = connection.accessToken().then(
        (token) => token,
        (error: unknown) => error,
      );
      const outcome = await passing(it.clock, work, 2000);
      if (typeof outcome === "string") expect(outcome).toBe("at_0123456789-abcdefghij");
      else expectClean(await cleanRefusal(Promise.reject(outcome), [...secretsIn(it.sent()), clientSecret]));
      expect(requests).toBeLessThan(10);
      const { state, reason } = await it.row(connection.id);
      // Only a refusal in so many words asks for the user.
      if (state !== "active") {
        expect([state, reason]).toEqual(["reauthorize", expect.stringMatching(/^(revoked|rotation_lost)$/)]);
        expect(drawn.body).toContain("invalid_grant");
      }
      const { refreshToken } = await it.connector.dangerouslyExportGrant(connection.id, { owner: "user_1" });
      expect(refreshToken?.reveal()).not.toBe("");
      expect(refreshToken).toBeDefined();
    }),
    { numRuns: 150 },
  );
}, 120_000);

test("G70 C31 whatever a revocation endpoint answers: a report, and no secret", async () => {
  await fc.assert(
    fc.asyncProperty(answers, async (drawn) => {
      const it = await mouth();
      it.answer(() =>
        Response.json({ access_token: "at_first-0123456789abcdef", token_type: "bearer", expires_in: 300 }),
      );
      const connection = await it.connector.complete(await it.callback(), { session });
      it.answer((sent) => responseOf(drawn, sent));
      const { disconnected, revocations } = await connection.disconnect();
      const [{ what, result } = { what: "", result: "" }] = revocations;
      expect(what).toBe("access_token");
      // An answer that is too large to be read is as good as none.
      const gone = drawn.status === 204 || (drawn.status === 200 && drawn.body.length < 200_000);
      expect(disconnected).toBe(result !== "failed");
      expect(result === "revoked").toBe(gone);
      expect(await it.connections()).toBe(disconnected ? 0 : 1);
    }),
    { numRuns: 150 },
  );
}, 60_000);
