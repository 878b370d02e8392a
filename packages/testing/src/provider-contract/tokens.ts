import assert from "node:assert/strict";
import type { AnyProvider, Connection } from "@linkwright/core";
import { hasUsers, type Promised, type ProviderHarness } from "./harness.ts";
import { minute } from "./world.ts";

/** What a connection's access token is good for, and for how long. */
export function tokens(provider: AnyProvider, harness: ProviderHarness): Promised[] {
  const { read } = harness;
  const { grants } = provider;
  if (!hasUsers(provider, harness)) return [];
  const renewed = grants.refreshToken || grants.hostedConsent;
  const api = read === undefined ? [] : [opens, ...(renewed ? [stale] : []), unmoved];
  return [lifetime, ...api];
}

const lifetime: Promised = {
  name: "G41 G52 an access token is asked for once in its lifetime, and lasts as long as is said",
  remedy:
    "let expires_in through dialect.response, or declare accessToken.lifetime, no longer than the provider documents.",
  async run(world) {
    const { harness, clock, provider } = world;
    const connection = await world.connect();
    await connection.accessToken();
    const { accessTokenExpiresAt: end, bearer } = await connection.status();
    if (bearer === "application") return;
    assert.ok(
      end !== undefined || provider.accessToken?.lifetime === undefined,
      "accessToken.lifetime is declared, and the token came without an end",
    );
    if (end === undefined) return;
    const requests = world.tokenRequests().length;
    assert.ok(end > clock.now(), "the token had ended when it came");
    const start = clock.now();
    for (const part of [0.5, 0.8]) {
      await clock.advance(start + (end - start) * part - clock.now());
      await connection.accessToken();
      if (harness.read === undefined) continue;
      const asked = world.apiRequests().length;
      await connection.fetch(harness.read);
      assert.equal(
        world.apiRequests().length - asked,
        1,
        "before its end the API refused the token: it lasts less than is said",
      );
    }
    assert.equal(world.tokenRequests().length, requests, "token requests within one lifetime");
    if (!provider.grants.refreshToken) return;
    await world.expire(connection);
    await Promise.all(Array.from({ length: 10 }, () => connection.accessToken()));
    assert.equal(world.tokenRequests().length, requests + 1, "token requests of ten callers at its end");
  },
};

const opens: Promised = {
  name: "G46 C29 the token opens the API, in the Authorization header alone",
  remedy: "map the answer's members in dialect.response, and add what every call needs in api.request.",
  async run(world) {
    const connection = await world.connect();
    const answer = await connection.fetch(world.harness.read as string);
    assert.ok(answer.ok, `${world.harness.read} answered ${answer.status}: ${(await answer.text()).slice(0, 200)}`);
    const token = await connection.accessToken();
    const request = world.apiRequests().at(-1);
    assert.ok(
      request?.headers.get("authorization")?.endsWith(` ${token}`),
      "the Authorization header does not hold the token",
    );
    for (const { url } of world.sent) assert.ok(!url.href.includes(token), `the token is in the URL ${url.pathname}`);
  },
};

const stale: Promised = {
  name: "G54 C30 a token that the API refuses is renewed once, and the request sent once more",
  remedy:
    "let api.fault read the API's refusal of a token as stale_token; an adapter without one leaves 401 to the engine.",
  async run(world) {
    const { server, harness } = world;
    const connection = await world.connect();
    await connection.fetch(harness.read as string);
    server.revokeAccessTokens();
    const before = { api: world.apiRequests().length, token: world.tokenRequests().length };
    const answer = await connection.fetch(harness.read as string);
    const made = { api: world.apiRequests().length - before.api, token: world.tokenRequests().length - before.token };
    assert.ok(answer.ok, `with a new token to be had, the answer was ${answer.status}`);
    assert.deepEqual(made, { api: 2, token: 1 }, "requests for one refused token");
    await healthy(connection, "a refused access token");
  },
};

const unmoved: Promised = {
  name: "G32 G54 an API that fails, throttles, forbids or does not find says nothing of the grant",
  remedy: "let api.fault say reauthorize only for what the provider documents as the end of the consent.",
  async run(world) {
    const { server, harness } = world;
    const read = harness.read as string;
    const connection = await world.connect();
    await connection.fetch(read);
    const path = world.apiRequests().at(-1)?.url.pathname ?? read;
    for (const status of [403, 404, 429, 500, 503]) {
      server.faults.next("status", { path, status, times: 2 });
      const requests = world.tokenRequests().length;
      await connection.fetch(read);
      server.faults.clear();
      assert.ok(world.tokenRequests().length - requests <= 1, `${status} was answered with more than one renewal`);
      await healthy(connection, `an answer of ${status}`);
    }
    await world.clock.advance(minute);
    const answer = await connection.fetch(read);
    assert.ok(answer.ok, `afterwards the API answered ${answer.status}`);
  },
};

async function healthy(connection: Connection, after: string): Promise<void> {
  const { health, reason } = await connection.status();
  assert.ok(health === "healthy" || health === "expiring", `after ${after} the connection is ${health} (${reason})`);
}
