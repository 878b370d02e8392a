import assert from "node:assert/strict";
import type { AnyProvider } from "@linkwright/core";
import { stateOf } from "./flows.ts";
import type { Promised } from "./harness.ts";

/** Consents on the provider's own pages, without a code. */
export function hosted({ grants }: AnyProvider): Promised[] {
  return grants.hostedConsent ? [unproven, leaning] : [];
}

const unproven: Promised = {
  name: "G74 a callback proves nothing: without a consent at the provider there is no connection",
  remedy: "let connect.confirm ask the provider, and answer pending until it lists a consent of this flow.",
  async run(world) {
    const flow = await world.begin();
    // As an end user would who types the redirect URI by hand.
    const state = flow.state ?? stateOf(world, flow.url);
    if (state === undefined) return;
    const forged = new URL(world.provider.grants.hostedConsent.redirectUri);
    forged.searchParams.set("state", state);
    const connection = await world.complete(forged.href).catch(() => undefined);
    if (!connection) return;
    const { health } = await connection.status();
    assert.equal(health, "pending", "the health of a connection whose consent nobody gave");
    const { fault } = await world.failure("asking for a token", connection.accessToken());
    assert.equal(fault.kind, "retry");
  },
};

const leaning: Promised = {
  name: "G10 a connection without tokens of its own says whose it hands out",
  remedy: "declare hostedConsent with clientCredentials, and bind each request to the connection in api.request.",
  async run(world) {
    const connection = await world.connect();
    assert.equal((await connection.status()).bearer, "application");
    assert.equal(await connection.accessToken(), await world.handle.app().accessToken());
  },
};
