import assert from "node:assert/strict";
import type { AnyProvider, Connection, RefreshTokenDefinition } from "@linkwright/core";
import { isRenewable, type Promised, type ProviderHarness } from "./harness.ts";
import { day, owner, second, type World } from "./world.ts";

/** How a grant is renewed, against what `grants.refreshToken` declares. */
export function renewal(provider: AnyProvider, harness: ProviderHarness): Promised[] {
  if (!isRenewable(provider, harness)) return [];
  return [rotation, lost, keptAlive, ...(provider.grants.refreshToken.lifetime === undefined ? [] : [lasting])];
}

const declared = (world: World): RefreshTokenDefinition => world.provider.grants.refreshToken;

const rotation: Promised = {
  name: "C24 C26 the refresh token changes with use as declared",
  remedy:
    'declare rotation as the provider documents it, and "observed" where it does not. A token that rotates and is held to be fixed is presented twice, and strict servers end the grant at that.',
  async run(world) {
    const { rotation } = declared(world);
    const connection = await world.connect();
    let before = await refreshToken(world, connection);
    for (let renewal = 1; renewal <= 3; renewal++) {
      await world.expire(connection);
      await connection.accessToken();
      const after = await refreshToken(world, connection);
      if (rotation === "fixed")
        assert.ok(
          after === before,
          `rotation "fixed" is declared, and renewal ${renewal} brought another refresh token`,
        );
      if (rotation === "rotating")
        assert.ok(
          after !== before,
          `rotation "rotating" is declared, and renewal ${renewal} left the refresh token as it was`,
        );
      before = after;
    }
  },
};

async function refreshToken(world: World, connection: Connection): Promise<string> {
  const grant = await world.connector.dangerouslyExportGrant(connection.id, { owner });
  assert.ok(grant.refreshToken, "grants.refreshToken is declared, and no refresh token came");
  return grant.refreshToken.reveal();
}

const lost: Promised = {
  name: "G19 an answer that is lost costs no more than is declared",
  remedy:
    'rotation "fixed" and reuseGrace promise that a token may be presented again: declare them only where the provider documents that.',
  async run(world) {
    const { rotation, reuseGrace, lostResponse } = declared(world);
    const connection = await world.connect();
    await world.expire(connection);
    const requests = world.tokenRequests().length;
    world.server.faults.next("lost-response");
    const token = await connection.accessToken().then(
      () => undefined,
      (error: unknown) => error,
    );
    const presented = world.tokenRequests().length - requests;
    if (lostResponse === "reauthorize") {
      assert.equal(presented, 1, 'presentations, with lostResponse "reauthorize"');
      return;
    }
    assert.equal(presented, 2, "presentations of the token whose answer was lost");
    if (token === undefined) return;
    const { health, reason } = await connection.status();
    const allowed = rotation !== "fixed" && reuseGrace === undefined && reason === "rotation_lost";
    const promise = rotation === "fixed" ? 'rotation "fixed"' : `reuseGrace ${reuseGrace}`;
    assert.ok(allowed, `${promise} is declared, and after a lost answer the connection is ${health} (${reason})`);
  },
};

/** Without traffic for so long. */
const quiet = 120 * day;

const keptAlive: Promised = {
  name: "G57 maintenance keeps a grant alive that nobody uses",
  remedy:
    "declare idleTimeout as the provider documents it, in seconds, and lifetime where a grant ends whatever is done.",
  async run(world) {
    const { idleTimeout, lifetime } = declared(world);
    const idle = (idleTimeout ?? Number.POSITIVE_INFINITY) * second;
    const step = Math.min(day, idle / 20);
    const whole = Math.min(
      Math.max(quiet, Math.min(4 * idle, 2 * quiet)),
      (lifetime ?? Number.POSITIVE_INFINITY) * second * 0.5,
    );
    const connection = await world.connect();
    await pass(world, whole, Math.max(step, whole / 500));
    await connection.accessToken().catch(async () => {
      const { health, reason } = await connection.status();
      const said = idleTimeout === undefined ? "no idleTimeout is declared" : `idleTimeout ${idleTimeout} is declared`;
      assert.fail(`${said}, and after ${whole / day} days of maintenance the connection is ${health} (${reason})`);
    });
  },
};

const lasting: Promised = {
  name: "G59 a grant lasts as long as is declared, and its end is told ahead",
  remedy: "declare lifetime as the provider documents it: in seconds, from the user's authorization.",
  async run(world) {
    const lifetime = (declared(world).lifetime ?? 0) * second;
    const connected = world.clock.now();
    const connection = await world.connect();
    const { consentExpiresAt } = await connection.status();
    assert.equal(consentExpiresAt, connected + lifetime, "the end that status tells");
    await pass(world, lifetime * 0.98, Math.min(day, lifetime / 20));
    await connection.accessToken().catch(async (error: Error) => {
      assert.fail(`lifetime ${lifetime / second} is declared, and the grant was over sooner: ${error.message}`);
    });
  },
};

/** Time goes by, with a sweep of maintenance at each step. */
async function pass(world: World, whole: number, step: number): Promise<void> {
  for (let passed = 0; passed < whole; passed += step) {
    await world.clock.advance(Math.min(step, whole - passed));
    await world.connector.maintain();
  }
}
