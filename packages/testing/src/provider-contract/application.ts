import assert from "node:assert/strict";
import type { AnyProvider } from "@linkwright/core";
import type { Promised, ProviderHarness } from "./harness.ts";
import type { World } from "./world.ts";

/** The application itself at the provider. */
export function application({ grants }: AnyProvider, { appRead }: ProviderHarness): Promised[] {
  return [
    ...(grants.clientCredentials ? [shared] : []),
    ...((grants.clientCredentials || grants.staticToken) && appRead !== undefined ? [opens] : []),
  ];
}

const shared: Promised = {
  name: "G15 G55 the application's own token is asked for once in its lifetime, and anew after it",
  remedy: "map the answer's members in dialect.response, and declare accessToken.lifetime where the answer names none.",
  async run(world) {
    const ten = () => Promise.all(Array.from({ length: 10 }, () => world.handle.app().accessToken()));
    const tokens = new Set(await ten());
    assert.equal(tokens.size, 1, "different tokens that ten callers got");
    assert.equal(world.tokenRequests().length, 1, "token requests of ten callers");
    await ten();
    assert.equal(world.tokenRequests().length, 1, "token requests within one lifetime");
    await world.expire();
    for (const token of await ten()) assert.ok(!tokens.has(token), "a token that had ended was handed out");
    assert.equal(world.tokenRequests().length, 2, "token requests after it ended");
  },
};

const opens: Promised = {
  name: "G46 C29 the application's own token opens the API, in the Authorization header alone",
  remedy: "map the answer's members in dialect.response, and add what every call needs in api.request.",
  async run(world: World) {
    const path = world.harness.appRead as string;
    const app = world.handle.app();
    const answer = await app.fetch(path);
    assert.ok(answer.ok, `${path} answered ${answer.status}: ${(await answer.text()).slice(0, 200)}`);
    const token = await app.accessToken();
    assert.ok(
      world.apiRequests().at(-1)?.headers.get("authorization")?.endsWith(` ${token}`),
      "the header lacks the token",
    );
    for (const { url } of world.sent) assert.ok(!url.href.includes(token), `the token is in the URL ${url.pathname}`);
  },
};
