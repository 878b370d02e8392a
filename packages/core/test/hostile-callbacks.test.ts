import { clientSecretBasic, createConnector, defineProvider, keyring, memoryStore } from "@linkwright/core";
import { virtualClock } from "@linkwright/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { cleanRefusal, hostileText } from "./support/hostile.ts";
import { key, session } from "./support/house.ts";

/** Two providers that know no mercy for codes: whatever is sent to them is refused, and written down. */
async function doorstep() {
  const clock = virtualClock();
  const store = memoryStore({ clock });
  const sent: string[] = [];
  const connector = createConnector({
    providers: {
      bank: defineProvider({
        id: "bank",
        server: {
          issuer: "https://bank.example",
          authorization_endpoint: "https://bank.example/authorize",
          token_endpoint: "https://bank.example/token",
        },
        client: { id: "client", authentication: clientSecretBasic("a client secret of the bank's") },
        grants: { authorizationCode: { redirectUri: "https://app.example/callback/bank", pkce: "S256" } },
      }),
      hosted: defineProvider({
        id: "hosted",
        server: { issuer: "https://hosted.example", token_endpoint: "https://hosted.example/token" },
        client: { id: "client", authentication: clientSecretBasic("a client secret of hosted's") },
        grants: { clientCredentials: {}, hostedConsent: { redirectUri: "https://app.example/callback/hosted" } },
        connect: {
          begin: async (_, { state }) => ({ url: `https://hosted.example/pages?state=${state}`, handle: "session-1" }),
          handle: (callback) => callback.get("session_id") ?? undefined,
          confirm: async () => ({ consent: "pending" }),
        },
      }),
    },
    store,
    concurrency: "one-process",
    keys: keyring([{ id: "test", key }]),
    clock,
    fetch: async (_url, { body }) => {
      sent.push(String(body));
      return Response.json({ error: "invalid_grant", error_description: `no ${String(body)}` }, { status: 400 });
    },
  });
  const { url } = await connector.providers.bank.connect({ owner: "user_1", session });
  await connector.providers.hosted.connect({ owner: "user_1", session });
  const state = new URL(url).searchParams.get("state") ?? "";
  const records = async () => (await store.list({ prefix: "", limit: 100 })).items;
  return { connector, records, state, sent };
}

const names = [
  "state",
  "code",
  "error",
  "error_description",
  "error_uri",
  "iss",
  "session_id",
  "scope",
  "access_token",
  "response",
];
const parameters = fc.array(
  fc.tuple(
    fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...names) }, { weight: 1, arbitrary: hostileText() }),
    hostileText(),
  ),
  { maxLength: 8 },
);
const paths = fc.constantFrom("/callback/bank", "/callback/hosted", "/callback", "/", "//evil.example/", "/%2e%2e/");

/** The same parameters in each of the ways that a browser brings them. */
const ways = {
  "a URL": (url: URL, form: URLSearchParams) => {
    url.search = form.toString();
    return url.href;
  },
  "a request": (url: URL, form: URLSearchParams) => {
    url.search = form.toString();
    return new Request(url);
  },
  "a form post": (url: URL, form: URLSearchParams) => new Request(url, { method: "POST", body: form }),
} as const;

test.each(Object.entries(ways))(
  "G63 C33 callbacks by %s, with whatever in them: refused in clean and bounded words, and nothing is changed or sent",
  async (_, way) => {
    const { connector, records, sent } = await doorstep();
    const before = await records();
    await fc.assert(
      fc.asyncProperty(paths, parameters, async (path, list) => {
        const { fault } = await cleanRefusal(
          connector.complete(way(new URL(`https://app.example${path}`), new URLSearchParams(list)), { session }),
        );
        expect(["flow", "protocol"]).toContain(fault.kind);
      }),
      { numRuns: 150 },
    );
    expect(await records()).toEqual(before);
    expect(sent).toEqual([]);
  },
  60_000,
);

test("G63 G70 C33 C34 callbacks of a flow that is under way, with whatever beside its state: it ends at most once, and no secret is told", async () => {
  await fc.assert(
    fc.asyncProperty(paths, parameters, fc.boolean(), async (path, list, echo) => {
      const { connector, records, state, sent } = await doorstep();
      const code = `code_${"of-this-very-flow".repeat(2)}`;
      const form = new URLSearchParams(list.filter(([name]) => name !== "state"));
      form.set("state", state);
      if (echo) form.set("error_description", `${form.get("error_description")} ${state} ${code} ${session}`);
      // What the words repeat is a secret only where it is the callback's own code.
      if (echo || !form.has("code")) form.set("code", code);
      const attempt = () => connector.complete(`https://app.example${path}?${form}`, { session });
      const secrets = [state, code, "a client secret of the bank's"];
      const { fault } = await cleanRefusal(attempt(), secrets);
      expect(["flow", "protocol", "cancelled", "configuration", "retry"]).toContain(fault.kind);
      expect(sent.length).toBeLessThanOrEqual(1);
      for (let more = 0; more < 2; more++) expect((await cleanRefusal(attempt(), secrets)).fault.kind).toBe("flow");
      expect(sent.length).toBeLessThanOrEqual(1);
      expect((await records()).every(({ key }) => key.startsWith("flow:"))).toBe(true);
    }),
    { numRuns: 150 },
  );
}, 60_000);

test("G63 C33 form posts of any bytes are refused, too", async () => {
  const { connector, records, sent } = await doorstep();
  const before = await records();
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 2000 }), async (bytes) => {
      const body = Uint8Array.from(bytes);
      const post = new Request("https://app.example/callback/bank", { method: "POST", body });
      expect((await cleanRefusal(connector.complete(post, { session }))).fault.kind).toBe("flow");
    }),
    { numRuns: 200 },
  );
  expect(await records()).toEqual(before);
  expect(sent).toEqual([]);
});

test("G63 what is no address is refused in clean words", async () => {
  const { connector } = await doorstep();
  await fc.assert(
    fc.asyncProperty(hostileText(), async (text) => {
      expect(["configuration", "flow"]).toContain(
        (await cleanRefusal(connector.complete(text, { session }))).fault.kind,
      );
    }),
    { numRuns: 200 },
  );
});
