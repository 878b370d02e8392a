import assert from "node:assert/strict";
import type { AnyProvider } from "@linkwright/core";
import type { Promised } from "./harness.ts";
import { describe, owner, type World } from "./world.ts";

/** How users' authorizations begin and end, with a code or on the provider's own pages. */
export function flows(provider: AnyProvider): Promised[] {
  const code = provider.grants.authorizationCode !== undefined;
  return [connects, ownFlow, otherBrowser, once, saysNo, ...(code ? [hostile, otherIssuer] : [])];
}

const connects: Promised = {
  name: "G60 a user who agrees is connected",
  remedy: "the cases on state, PKCE, scope and the token request, which follow, may say what is wrong.",
  async run(world) {
    const connection = await world.connect();
    const { health } = await connection.status();
    assert.ok(health === "healthy" || health === "expiring", `the connection's health is ${health}, not healthy`);
    assert.equal(connection.owner, owner);
  },
};

const ownFlow: Promised = {
  name: "G60 G61 state comes back: each callback ends its own flow, whichever is first",
  remedy:
    "pass the state on untouched, in connect.request and connect.begin; where the provider returns none, give connect.handle.",
  async run(world) {
    const first = await world.begin();
    const second = await world.begin();
    const callbacks = [await world.decide(first), await world.decide(second)];
    const ids: string[] = [];
    for (const callback of callbacks.toReversed()) {
      const connection = await world.complete(callback).catch((error: unknown) => {
        throw new Error(`a callback was not matched with its flow: ${describe(error)}`);
      });
      ids.push(connection.id);
    }
    assert.equal(new Set(ids).size, 2, "two flows ended in one connection");
  },
};

const otherBrowser: Promised = {
  name: "G61 C4 a callback in another browser ends no flow, and asks for no token",
  remedy: "see that the callback leads to its own flow; what follows from that is the engine's.",
  async run(world) {
    const callback = await world.decide(await world.begin());
    const requests = world.tokenRequests().length;
    const stolen = world.connector.complete(callback, { session: "another-browser-altogether" });
    const { fault } = await world.failure("a callback in another browser", stolen);
    assert.deepEqual(fault, { kind: "flow", reason: "wrong_browser" });
    assert.equal(world.tokenRequests().length, requests, "token requests for it");
    await world.complete(callback);
  },
};

const once: Promised = {
  name: "G62 C11 of two callbacks that are the same, one ends the flow, with one token request",
  remedy: "see that both lead to one flow; what follows from that is the engine's.",
  async run(world) {
    const callback = await world.decide(await world.begin());
    const requests = world.tokenRequests().length;
    const both = await Promise.allSettled([world.complete(callback), world.complete(callback)]);
    const refused = both.flatMap((each) => (each.status === "rejected" ? [each.reason] : []));
    assert.equal(refused.length, 1, `${2 - refused.length} of two same callbacks ended the flow`);
    assert.deepEqual(refused[0]?.fault, { kind: "flow", reason: "used" });
    if (world.provider.grants.authorizationCode)
      assert.equal(world.tokenRequests().length - requests, 1, "token requests for one code");
  },
};

const saysNo: Promised = {
  name: "G63 a user's no is `cancelled`, and uses its flow up",
  remedy: "read the provider's refusals in connect.refusal, and leave access_denied to the engine.",
  async run(world) {
    const callback = await world.decide(await world.begin(), { decision: "deny" });
    const { fault } = await world.failure("a callback that says no", world.complete(callback));
    assert.equal(fault.kind, "cancelled", `the user said no, and that is a ${fault.kind} fault`);
    const again = await world.failure("the same callback again", world.complete(callback));
    assert.deepEqual(again.fault, { kind: "flow", reason: "used" });
  },
};

const hostile: Promised = {
  name: "G63 C33 what a callback says is hostile: it ends in an error that can be shown",
  remedy: "let connect.refusal return undefined for what it does not know, and never throw.",
  async run(world) {
    for (const error of ["server_error", "invalid_scope", "an error of tomorrow", ""]) {
      const flow = await world.begin();
      const state = stateOf(world, flow.url);
      if (state === undefined) return;
      const callback = new URL(world.provider.grants.authorizationCode.redirectUri);
      const { iss } = { iss: world.provider.server.issuer };
      const parameters = {
        error,
        error_description: `\u001b[31m<script>\r\nSet-Cookie: a=b${"x".repeat(100_000)}`,
        state,
        iss,
      };
      for (const [name, value] of Object.entries(parameters)) callback.searchParams.set(name, value);
      const thrown = await world.failure(`a callback with the error ${error || "''"}`, world.complete(callback.href));
      assert.ok(thrown.message.length < 2000, `the message of ${error} has ${thrown.message.length} characters`);
      const { code = "" } = thrown.details;
      const control = [...(thrown.message + code)].filter((character) => character < " ");
      assert.deepEqual(control, [], "control characters in it");
    }
  },
};

const otherIssuer: Promised = {
  name: "G64 C5 C6 a callback of another server's, or without the iss that is promised, is refused unread",
  remedy:
    "declare server.issuer as the server names itself, and iss in callbacks only where the server always sends it.",
  async run(world) {
    const { server } = world.provider;
    const callback = new URL(await world.decide(await world.begin()));
    if (world.provider.connect?.callback) return;
    const requests = world.tokenRequests().length;
    const refused = async (what: string, change: (parameters: URLSearchParams) => void) => {
      const changed = new URL(callback);
      change(changed.searchParams);
      const { fault } = await world.failure(what, world.complete(changed.href));
      assert.deepEqual(fault, { kind: "flow", reason: "issuer" }, what);
    };
    await refused("a callback with another server's iss", (parameters) =>
      parameters.set("iss", "https://mix-up.example"),
    );
    if (server.authorization_response_iss_parameter_supported)
      await refused("a callback without the iss that is declared", (parameters) => parameters.delete("iss"));
    assert.equal(world.tokenRequests().length, requests, "token requests for such callbacks");
    await world.complete(callback.href);
  },
};

/** The state in an authorization URL; `undefined` where it is not in plain view. */
export function stateOf({ provider }: World, url: string): string | undefined {
  const state = new URL(url).searchParams.get("state");
  if (state !== null) return state;
  assert.ok(provider.connect?.request, "the authorization URL carries no state");
  return undefined;
}
