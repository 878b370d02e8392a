import assert from "node:assert/strict";
import { inspect } from "node:util";
import { type AnyProvider, isSecret } from "@linkwright/core";
import { hasUsers, type Promised } from "./harness.ts";
import { shows } from "./sent.ts";
import { afterwards, type World } from "./world.ts";

/** What can be seen of a definition by looking at it, and by looking again after it was used. */
export function definition({ grants, client }: AnyProvider): Promised[] {
  return [
    accepted,
    ...(client.authentication.secret || grants.staticToken ? [silent] : []),
    unchanged,
    ...(grants.authorizationCode ? [pure] : []),
  ];
}

const accepted: Promised = {
  name: "C15 G65 the definition fits together: https addresses, a redirect URI, grants that go with each other",
  remedy: "see what createConnector says of the definition, and give it what is missing.",
  async run({ provider, connector }) {
    await connector.ready();
    assert.match(
      provider.id,
      /^[a-z][a-z0-9-]*$/,
      "the id stands in every record, and is to be a plain lower-case name",
    );
  },
};

const silent: Promised = {
  name: "G70 the definition shows no secret, however it is looked at",
  remedy: "hide secrets with hideSecret as soon as they come in, and reveal them where they go out.",
  async run(world) {
    const views = {
      inspecting: inspect(world.provider, { depth: 5 }),
      JSON: JSON.stringify(world.provider) ?? "",
      "looking through": [...members(world.provider).values()].filter((value) => typeof value === "string").join("\n"),
    };
    for (const [name, secret] of Object.entries(await world.secrets()))
      for (const [view, text] of Object.entries(views))
        assert.ok(!shows(text, secret), `${view} the definition shows the ${name}`);
  },
};

const unchanged: Promised = {
  name: "G10 the definition is data: using it changes nothing in it",
  remedy: "keep what a request or a user needs in what the hooks are given and give back, never in the definition.",
  async run(world) {
    const before = members(world.provider);
    await life(world);
    const after = members(world.provider);
    for (const [path, value] of after)
      assert.ok(
        before.has(path) && Object.is(before.get(path), value),
        `${path} changed while the definition was used`,
      );
    assert.equal(after.size, before.size, "members of the definition went away while it was used");
  },
};

const pure: Promised = {
  name: "G10 G60 what hooks make of one user they make of the next",
  remedy: "let scope and authorize depend on what they are given, and on nothing that they remember.",
  async run(world) {
    const [first, second] = [await world.begin(), await world.begin()].map(({ url }) => new URL(url));
    const own = ["state", "code_challenge", "nonce", "request", "request_uri"];
    for (const url of [first, second]) for (const name of own) url?.searchParams.delete(name);
    assert.equal(second?.href, first?.href, "the second of two same requests to connect is another");
  },
};

/** A definition is used: as far as the grants go, and whatever comes of it. */
export async function life(world: World): Promise<void> {
  const { provider, handle, harness } = world;
  const { grants } = provider;
  if (grants.clientCredentials || grants.staticToken)
    await handle
      .app()
      .accessToken()
      .catch(() => {});
  if (!hasUsers(provider, harness)) return;
  const connection = await world.connect().catch(() => undefined);
  if (!connection) return;
  await world.expire(connection);
  if (harness.read !== undefined) await connection.fetch(harness.read).catch(() => {});
  await world.expire(connection);
  world.server.faults.next("status", { status: 400 });
  await connection.accessToken().catch(() => {});
  world.server.faults.clear();
  await world.clock.advance(afterwards);
  await connection.disconnect().catch(() => {});
}

/** Everything that an object holds, by path: texts, numbers, functions. */
function members(value: unknown, path = "", found = new Map<string, unknown>()): Map<string, unknown> {
  const plain = typeof value === "object" && value !== null && !isSecret(value);
  if (!plain) return found.set(path, value);
  if (Array.isArray(value)) found.set(`${path}.length`, value.length);
  for (const [name, member] of Object.entries(value)) members(member, path ? `${path}.${name}` : name, found);
  return found;
}
