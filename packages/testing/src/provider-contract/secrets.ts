import assert from "node:assert/strict";
import { inspect } from "node:util";
import { type AnyProvider, type Connection, isConnectorError } from "@linkwright/core";
import { calling } from "./calling.ts";
import { hasUsers, type Promised, type ProviderHarness } from "./harness.ts";
import { shows } from "./sent.ts";
import type { World } from "./world.ts";

/** Where secrets must not turn up. */
export function secrets(provider: AnyProvider, harness: ProviderHarness): Promised[] {
  const { grants } = provider;
  const { read } = harness;
  const users = hasUsers(provider, harness);
  const flows = grants.authorizationCode || grants.hostedConsent;
  const tokens = grants.authorizationCode || grants.clientCredentials || harness.establish;
  return [
    ...(tokens ? [errors] : []),
    ...(users && !grants.hostedConsent && read !== undefined ? [apiErrors] : []),
    ...(flows ? [addresses] : []),
    ...(users || grants.clientCredentials ? [atRest] : []),
  ];
}

const remedy =
  "hide secrets with hideSecret, quote what a server said only through a fault's description, and put no token into data.";

const errors: Promised = {
  name: "G70 G40 no secret is in an error or event, whatever the token endpoint repeats",
  remedy,
  async run(world) {
    const { grants } = world.provider;
    const { faults } = world.server;
    const seen: unknown[] = [];
    const known: Record<string, string>[] = [];
    const echo = async (ask: () => Promise<unknown>) => {
      for (const status of [400, 401, 500, 200]) {
        faults.next("echo-secrets", { status });
        seen.push(
          await ask().then(
            () => undefined,
            (error: unknown) => error,
          ),
        );
        faults.clear();
        await world.clock.advance(900_000);
      }
    };
    if (grants.clientCredentials) await echo(() => world.handle.app().accessToken());
    if (grants.authorizationCode) {
      await echo(async () => {
        const callback = await world.decide(await world.begin());
        known.push({ ...(await world.secrets(undefined, callback)) });
        await world
          .complete(callback)
          .finally(async () => known.push({ ...(await world.secrets(undefined, callback)) }));
      });
    }
    if (grants.authorizationCode || world.harness.establish) {
      const connection = await world.connect();
      known.push({ ...(await world.secrets(connection)) });
      await world.expire(connection);
      await echo(() => connection.accessToken());
      seen.push(await connection.status(), connection);
    }
    known.push({ ...(await world.secrets()) });
    search([...seen, ...world.events, world.connector], known);
  },
};

const apiErrors: Promised = {
  name: "G70 no secret is in the error of an API call, whatever the API repeats",
  remedy,
  async run(world) {
    const read = world.harness.read as string;
    const connection = await world.connect();
    await connection.fetch(read);
    const path = world.apiRequests().at(-1)?.url.pathname ?? read;
    for (const status of [400, 403, 500]) {
      world.server.faults.always("echo-secrets", { path, status });
      const sent = world.sent.length;
      const thrown = await calling(world, read).catch((error: unknown) => error);
      world.server.faults.clear();
      const bearers = world.sent.slice(sent).map(({ headers }) => headers.get("authorization") ?? "");
      const tokens = bearers
        .filter((header) => /^(Bearer|DPoP) /.test(header))
        .map((header) => header.split(" ")[1] ?? "");
      search(
        [thrown],
        tokens.map((token) => ({ "access token": token })),
      );
    }
  },
};

const addresses: Promised = {
  name: "C17 C29 C34 no secret is in an address: neither the browser's nor a request's",
  remedy: "send credentials in the body or a header, and give connect.authorize nothing that the browser must not see.",
  async run(world) {
    const flow = await world.begin();
    const callback = await world.decide(flow);
    const connection = await world.complete(callback);
    await connection.accessToken();
    if (world.harness.read !== undefined) await connection.fetch(world.harness.read);
    const known = await world.secrets(connection, callback);
    const urls = [flow.url, ...world.sent.map(({ url }) => url.href)];
    for (const [name, secret] of Object.entries(known))
      for (const url of urls)
        assert.ok(!shows(url, secret), `the ${name} is in the address ${new URL(url).origin}${new URL(url).pathname}`);
  },
};

const atRest: Promised = {
  name: "G72 no secret lies open in the store",
  remedy: "keep plain names alone in data, account and refs; the engine keeps the tokens, sealed.",
  async run(world) {
    const { grants } = world.provider;
    const known: Record<string, string>[] = [];
    const dumps: string[] = [];
    if (grants.clientCredentials) {
      known.push({ "access token": await world.handle.app().accessToken() });
      dumps.push(await dump(world));
    }
    if (hasUsers(world.provider, world.harness)) {
      const connection = await connected(world, dumps, known);
      known.push({ ...(await world.secrets(connection)) });
      dumps.push(await dump(world));
      search([await connection.status()], known);
      if (grants.refreshToken) {
        await world.expire(connection);
        await connection.accessToken();
        known.push({ ...(await world.secrets(connection)) });
        dumps.push(await dump(world));
      }
    }
    known.push({ ...(await world.secrets()) });
    for (const text of dumps)
      for (const [name, secret] of pairs(known)) assert.ok(!shows(text, secret), `the ${name} lies open in the store`);
  },
};

/** A connection; with what stood in the store on the way to it, and the secrets of that way. */
async function connected(world: World, dumps: string[], known: Record<string, string>[]): Promise<Connection> {
  if (world.harness.establish) return world.connect();
  const flow = await world.begin();
  dumps.push(await dump(world));
  const callback = await world.decide(flow);
  const connection = await world.complete(callback);
  known.push({ ...(await world.secrets(undefined, callback)) });
  return connection;
}

async function dump({ store }: World): Promise<string> {
  const page = await store.list({ prefix: "", limit: 1000 });
  return JSON.stringify(page.items);
}

function pairs(known: readonly Readonly<Record<string, string>>[]): (readonly [string, string])[] {
  // A short one would be found by chance.
  return known.flatMap((each) => Object.entries(each)).filter(([, secret]) => secret.length >= 6);
}

/** Whatever an application may log of what it was given. */
function search(things: readonly unknown[], known: readonly Readonly<Record<string, string>>[]): void {
  for (const thing of things) {
    const text = [
      inspect(thing, { depth: 10, showHidden: true }),
      JSON.stringify(thing) ?? "",
      thing instanceof Error ? `${thing.message}\n${thing.stack}` : "",
    ].join("\n");
    for (const [name, secret] of pairs(known))
      if (shows(text, secret)) {
        const what = isConnectorError(thing)
          ? `the ${thing.fault.kind} error`
          : thing instanceof Error
            ? "an error"
            : "what is told of it";
        assert.fail(`the ${name} is in ${what}`);
      }
  }
}
