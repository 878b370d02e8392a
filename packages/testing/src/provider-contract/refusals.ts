import assert from "node:assert/strict";
import type { AnyProvider, Connection } from "@linkwright/core";
import type { FaultName } from "../fault-kinds.ts";
import type { FaultScope, Faults } from "../faults.ts";
import { isRenewable, type Promised, type ProviderHarness } from "./harness.ts";
import { afterwards, day, minute, second, type World } from "./world.ts";

/** What is made of a token endpoint that refuses or fails: for grants, and for the application's own token. */
export function refusals(provider: AnyProvider, harness: ProviderHarness): Promised[] {
  const { grants, client } = provider;
  const renewable = isRenewable(provider, harness);
  const who = renewable ? "grant" : grants.clientCredentials ? "application" : undefined;
  if (!who) return [];
  const secret = client.authentication.secret !== undefined || harness.refuseClient !== undefined;
  return [
    ...(renewable ? [dead] : []),
    passing(who),
    odd(who),
    throttled(who),
    ...(secret ? [refusedClient(who)] : []),
  ];
}

type Who = "grant" | "application";

/** Whose token is asked for in a case, and how. */
interface Subject {
  readonly connection?: Connection;
  /** Asks for a token when the one before has ended. */
  ask(): Promise<string>;
}

async function subject(world: World, who: Who): Promise<Subject> {
  const connection = who === "grant" ? await world.connect() : undefined;
  const ask = () => (connection ?? world.handle.app()).accessToken();
  if (!connection) await ask();
  await world.expire(connection);
  return { ask, ...(connection && { connection }) };
}

const dead: Promised = {
  name: "G33 a grant that the user ended is `reauthorize`, and is asked about once",
  remedy: "let dialect.fault read the provider's word for a dead grant as reauthorize; invalid_grant is the engine's.",
  async run(world) {
    const { harness, server, clock, connector } = world;
    const { ask, connection } = await subject(world, "grant");
    if (harness.end) await harness.end(server);
    else if (server.revokeGrants) server.revokeGrants();
    else throw new Error("The server has no revokeGrants: say in the harness how a user ends a grant (end).");
    let error = await world.failure("asking for a token of a grant that was ended", ask());
    // A refusal that is only suspected is believed when it is repeated.
    for (let tries = 0; error.fault.kind === "retry" && tries < 3; tries++) {
      await clock.advance(2 * minute);
      error = await world.failure("asking again", ask());
    }
    assert.equal(
      error.fault.kind,
      "reauthorize",
      `the user ended the grant, and that is a ${error.fault.kind} fault: ${error.message}`,
    );
    assert.equal((await connection?.status())?.health, "reauthorize");
    const requests = world.tokenRequests().length;
    await world.failure("asking once more", ask());
    for (let days = 0; days < 3; days++) {
      await clock.advance(day);
      await connector.maintain();
    }
    assert.equal(world.tokenRequests().length, requests, "token requests after the grant was known to be dead");
  },
};

/** A fault as it is armed. */
type Failing = readonly [what: string, arm: (faults: Faults) => unknown];

const fault = <N extends FaultName>(what: string, name: N, options: object = {}): Failing => [
  what,
  (faults) => (faults.next as (name: FaultName, options: FaultScope) => unknown)(name, options),
];

const failing: readonly Failing[] = [
  fault("500", "status", { status: 500 }),
  fault("503 whose body says invalid_grant", "answer", { status: 503, body: { error: "invalid_grant" } }),
  fault("a page of HTML at 502", "html"),
  fault("a page of HTML at 200", "html", { status: 200 }),
  fault("429", "rate-limited"),
  fault("JSON that breaks off", "malformed"),
  fault("a redirect", "redirect"),
  // Twice: an answer that is lost is asked for once more.
  fault("a connection that is cut at once", "refused-before", { times: 2 }),
];

const passing = (who: Who): Promised => ({
  name: "G32 G34 a token endpoint that fails says nothing of the grant or the client, however often",
  remedy: "let dialect.fault leave 5xx, 429 and what it cannot read to the engine, or read them as retry.",
  async run(world) {
    const { ask, connection } = await subject(world, who);
    for (const [what, arm] of failing) {
      arm(world.server.faults);
      const error = await world.failure(`a token request answered with ${what}`, ask());
      const { kind } = error.fault;
      assert.ok(
        kind === "retry" || kind === "protocol",
        `${what} is a ${kind} fault; it is none of the grant's or the client's`,
      );
      world.server.faults.clear();
      await world.clock.advance(afterwards);
    }
    await ask();
    if (connection) assert.equal((await connection.status()).health, "healthy");
  },
});

const odd = (who: Who): Promised => ({
  name: "G37 G40 whatever a body holds, the error has a kind, and names provider, registration and connection",
  remedy:
    "read members of a body only after looking that it is an object; return undefined from hooks for what is not known.",
  async run(world) {
    const { ask, connection } = await subject(world, who);
    const bodies = [
      null,
      [],
      [1],
      "text",
      17,
      true,
      {},
      { error: {} },
      { error: 1 },
      { error: "" },
      { errors: [null] },
      "",
    ];
    for (const status of [200, 400, 403])
      for (const body of bodies) {
        const sent = typeof body === "string" ? body : JSON.stringify(body);
        const headers = { "content-type": "application/json" };
        world.server.faults.next("answer", { status, body: sent, headers });
        const error = await world.failure(`a token request answered with ${status} ${sent || "and nothing"}`, ask());
        const { provider, registration, connection: id } = error.details;
        assert.deepEqual(
          { provider, registration, connection: id },
          { provider: world.provider.id, registration: "subject", connection: connection?.id },
          `the details of the error after ${status} ${sent}`,
        );
        world.server.faults.clear();
        await world.clock.advance(afterwards);
        const state = await connection?.status();
        // A refusal may be read as the end of the grant; from then on nothing is asked.
        if (state?.health === "reauthorize") return;
      }
  },
});

const throttled = (who: Who): Promised => ({
  name: "G30 C44 after 429 with Retry-After nothing is asked until then",
  remedy: "let dialect.fault read 429 as retry, or leave it to the engine.",
  async run(world) {
    const { ask } = await subject(world, who);
    world.server.faults.next("rate-limited", { retryAfter: "120" });
    const until = world.clock.now() + 120 * second;
    const error = await world.failure("a token request answered with 429", ask());
    assert.deepEqual(error.fault, { kind: "retry", retryAt: until }, "the fault after 429 with Retry-After: 120");
    const requests = world.tokenRequests().length;
    await world.failure("asking at once again", ask());
    assert.equal(world.tokenRequests().length, requests, "token requests before Retry-After was over");
    await world.clock.advance(121 * second);
    await ask();
  },
});

const refusedClient = (who: Who): Promised => ({
  name: "G35 a client that is refused is `configuration`, and no connection is marked",
  remedy:
    "let dialect.fault read the provider's word for a wrong client as configuration; invalid_client is the engine's.",
  async run(world) {
    const { ask, connection } = await subject(world, who);
    const undo = await refuseClient(world);
    const { fault, message } = await world.failure("asking for a token as a client that is refused", ask());
    assert.equal(
      fault.kind,
      "configuration",
      `the server refused the client, and that is a ${fault.kind} fault: ${message}`,
    );
    if (connection) assert.equal((await connection.status()).health, "configuration");
    await undo();
    await world.clock.advance(afterwards);
    await ask();
    if (connection) assert.equal((await connection.status()).health, "healthy");
  },
});

/** The secret that the server knows is no longer the adapter's. @returns What makes it so again. */
async function refuseClient({ harness, server, provider }: World): Promise<() => unknown> {
  if (harness.refuseClient) return harness.refuseClient(server);
  const client = server.client ?? server.clients?.get(provider.client.id);
  if (client?.clientSecret === undefined)
    throw new Error(
      "The server shows no client whose secret could change: say in the harness how it is refused (refuseClient).",
    );
  const { clientSecret } = client;
  client.clientSecret = "another-secret-than-the-adapter-has";
  return () => {
    client.clientSecret = clientSecret;
  };
}
