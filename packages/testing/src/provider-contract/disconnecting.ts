import assert from "node:assert/strict";
import type { AnyProvider } from "@linkwright/core";
import { hasUsers, type Promised, type ProviderHarness } from "./harness.ts";
import { afterwards, ends, owner } from "./world.ts";

/** How a grant is let go of. */
export function disconnecting(provider: AnyProvider, harness: ProviderHarness): Promised[] {
  const { grants, server, disconnect } = provider;
  const users = hasUsers(provider, harness);
  const letsGo = disconnect !== undefined || server.revocation_endpoint !== undefined;
  const cases = users
    ? [gone, ...(letsGo ? [...(grants.refreshToken && grants.authorizationCode ? [revoked] : []), down] : [])]
    : [];
  return users || grants.clientCredentials ? [...cases, patient] : cases;
}

const gone: Promised = {
  name: "G73 a connection that was disconnected is gone, and what was let go of is told",
  remedy: "let disconnect give one result for each thing that the provider can let go of.",
  async run(world) {
    const connection = await world.connect();
    const report = await connection.disconnect();
    assert.equal(report.disconnected, true, `disconnecting did not end: ${JSON.stringify(report.revocations)}`);
    for (const { what, result } of report.revocations)
      assert.ok(
        what !== "" && ["revoked", "already_gone", "unsupported"].includes(result),
        `${JSON.stringify(what)} was ${result} with a server that answers`,
      );
    const { fault } = await world.failure("asking for a token afterwards", connection.accessToken());
    assert.equal(fault.kind, "gone");
  },
};

const revoked: Promised = {
  name: "G73 C31 what is reported as revoked is dead at the provider",
  remedy: "report revoked only for an answer by which the provider says so, and unsupported where it cannot be told.",
  async run(world) {
    const connection = await world.connect();
    const grant = await world.connector.dangerouslyExportGrant(connection.id, { owner });
    const { revocations } = await connection.disconnect();
    const told = revocations.filter(({ result }) => result === "revoked").map(({ what }) => what);
    const wasGrant = told.some((what) => what !== "access_token");
    assert.ok(
      wasGrant || !world.provider.server.revocation_endpoint,
      `a revocation endpoint is declared, and the refresh token was not revoked: ${JSON.stringify(revocations)}`,
    );
    if (!wasGrant || !grant.refreshToken) return;
    const { refreshToken, account, data } = grant;
    const again = await world.handle.import({ owner, refreshToken, data, account });
    let error = await world.failure(
      `renewing with what was reported as revoked (${told.join(", ")})`,
      again.accessToken(),
    );
    if (error.fault.kind === "retry") {
      await world.clock.advance(afterwards);
      error = await world.failure("renewing again", again.accessToken());
    }
    assert.equal(error.fault.kind, "reauthorize");
  },
};

const down: Promised = {
  name: "G73 while the provider is down nothing is reported as revoked, and disconnecting again does it",
  remedy: "let disconnect report failed where no answer came or the answer was 5xx; then it is tried again.",
  async run(world) {
    const connection = await world.connect();
    world.server.faults.always("status", { match: () => true, status: 503 });
    const report = await connection.disconnect();
    const wrong = report.revocations.filter(({ result }) => result === "revoked" || result === "already_gone");
    assert.deepEqual(wrong, [], "let go of, with a provider that answered 503 to everything");
    assert.equal(report.disconnected, false, "the connection was forgotten, and its grant may live on");
    world.server.faults.clear();
    await world.clock.advance(afterwards);
    assert.equal((await connection.disconnect()).disconnected, true, "disconnecting again, with the provider up");
  },
};

const patient: Promised = {
  name: "G08 G51 nothing waits for ever for a provider that does not answer",
  remedy: "wait in no hook for the provider to change its mind: give back what is known, and the engine comes again.",
  async run(world) {
    const { provider, handle, server } = world;
    const { grants } = provider;
    const connection = hasUsers(provider, world.harness) ? await world.connect() : undefined;
    await world.expire(connection);
    server.faults.always("stall-headers", { match: () => true });
    if (grants.clientCredentials) await ends(world, "the application's token", handle.app().accessToken());
    if (!connection) return;
    await ends(world, "the connection's token", connection.accessToken());
    if (grants.authorizationCode || grants.hostedConsent) await ends(world, "connecting", world.begin());
    await ends(world, "disconnecting", connection.disconnect());
  },
};
