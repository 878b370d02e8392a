import assert from "node:assert/strict";
import { type AnyProvider, revealSecret } from "@linkwright/core";
import type { Promised, ProviderHarness } from "./harness.ts";
import { membersOf, type Sent, shows } from "./sent.ts";
import { second, type World } from "./world.ts";

/** How the client shows who it is. */
export function client({ grants }: AnyProvider, { establish }: ProviderHarness): Promised[] {
  const tokens = grants.authorizationCode || grants.clientCredentials || establish;
  return tokens ? [oneMethod] : [];
}

const oneMethod: Promised = {
  name: "C17 C18 G50 the client proves itself by the declared method alone, in a POST, once per token request",
  remedy: "let the dialect move credentials, never copy them; and declare the method that the provider documents.",
  async run(world) {
    const { provider } = world;
    const { method, secret } = provider.client.authentication;
    const text = secret && (await revealSecret(secret));
    await tokenRequests(world);
    const requests = world.tokenRequests();
    const assertions = new Set<string>();
    for (const request of requests) {
      assert.equal(request.method, "POST");
      const places = text === undefined ? [] : placesOf(request, text);
      assert.ok(!places.includes("URL"), "the client's secret is in the URL");
      const expected = text === undefined ? 0 : 1;
      assert.equal(places.length, expected, `the secret is in ${places.length} places: ${places.join(", ") || "none"}`);
      const basic = /^Basic /i.test(request.headers.get("authorization") ?? "");
      if (method === "client_secret_basic")
        assert.ok(basic, "client_secret_basic is declared, and there is no Basic header");
      if (method === "client_secret_post" || method === "none")
        assert.ok(!basic, `${method} is declared, and there is a Basic header`);
      if (method !== "private_key_jwt") continue;
      const assertion = membersOf(request).find(([name]) => name === "client_assertion")?.[1];
      assert.ok(assertion, "private_key_jwt is declared, and there is no client_assertion");
      assert.ok(!assertions.has(assertion), "one assertion was sent twice");
      assertions.add(assertion);
    }
  },
};

/** One token request of each grant; a request more would be a second try. */
async function tokenRequests(world: World): Promise<void> {
  const { grants } = world.provider;
  const count = (what: string, expected: number) =>
    assert.equal(world.tokenRequests().length, expected, `token requests after ${what}`);
  let expected = 0;
  if (grants.clientCredentials) {
    await world.handle.app().accessToken();
    count("the application's own token", ++expected);
  }
  if (!grants.authorizationCode && !world.harness.establish) return;
  const connection = await world.connect();
  count("connecting", ++expected);
  if (!grants.refreshToken) return;
  await world.expire(connection);
  await world.clock.advance(second);
  await connection.accessToken();
  count("a renewal", ++expected);
}

/** Where in a request the secret is. */
function placesOf({ url, headers, body }: Sent, secret: string): string[] {
  const authorization = headers.get("authorization") ?? "";
  const basic = Buffer.from(/^Basic (.+)$/i.exec(authorization)?.[1] ?? "", "base64").toString();
  const others = [...headers].filter(([name]) => name !== "authorization");
  return [
    ...(shows(url.href, secret) ? ["URL"] : []),
    ...(shows([authorization, basic, unescaped(basic)].join("\n"), secret) ? ["Authorization"] : []),
    ...others.filter(([, value]) => shows(value, secret)).map(([name]) => name),
    ...(shows(body, secret) || membersOf({ body }).some(([, value]) => shows(value, secret)) ? ["body"] : []),
  ];
}

/** RFC 6749, appendix B; a text that is not written so, as it is. */
function unescaped(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return text;
  }
}
