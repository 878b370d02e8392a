import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { AnyProvider } from "@linkwright/core";
import { life } from "./definition.ts";
import { hasUsers, type Promised, type ProviderHarness } from "./harness.ts";
import { shows } from "./sent.ts";
import type { World } from "./world.ts";

/** Where credentials go. */
export function origins(provider: AnyProvider, harness: ProviderHarness): Promised[] {
  const { api, grants } = provider;
  const { read, appRead } = harness;
  const users = hasUsers(provider, harness);
  const called = (users && read !== undefined) || appRead !== undefined;
  return [
    ...(api ? [documented] : []),
    ...(users || grants.clientCredentials ? [own] : []),
    ...(called ? [refused] : []),
  ];
}

const documented: Promised = {
  name: "G10 C23 tokens may go to the documented origins alone",
  remedy: "list in api.origins what the provider documents as its API, and tell the suite the same as origins.",
  async run({ provider, harness }) {
    const base = new URL(provider.api?.base ?? "").origin;
    const allowed = (harness.origins ?? [base]).map((origin) => new URL(origin).origin);
    const declared = [base, ...(provider.api?.origins ?? [])].map((origin: string) => new URL(origin).origin);
    const more = declared.filter((origin) => !allowed.includes(origin));
    assert.deepEqual(more, [], "origins that are declared and not documented");
  },
};

const own: Promised = {
  name: "C8 C23 C25 credentials go to the provider's own hosts alone: codes and refresh tokens to its authorization server",
  remedy:
    "leave addresses as they are declared: in dialect.request, api.request, and wherever the adapter sends by itself.",
  async run(world) {
    const { provider, sent } = world;
    const strays: string[] = [];
    const loopback = [world.server.origin, world.server.otherOrigin];
    const listen = (message: unknown) => {
      if (within.getStore() !== world) return;
      const { origin, path, headers } = (message as { request: Undici }).request;
      if (!loopback.includes(String(origin))) strays.push(`${origin} ${path} ${JSON.stringify(headers)}`);
    };
    subscribe("undici:request:create", listen);
    const known: Record<string, string> = {};
    try {
      Object.assign(known, await within.run(world, () => wholeLife(world)));
    } finally {
      unsubscribe("undici:request:create", listen);
    }
    const server = addressesOf(provider.server);
    const api = world.shape.apiOrigins;
    for (const { url, headers, body } of sent) {
      const text = [url.href, ...headers.values(), body].join("\n");
      const place = server.includes(url.origin) ? "server" : api.includes(url.origin) ? "api" : "elsewhere";
      if (place === "server") continue;
      for (const name of ["client secret", "code", "code_verifier", "refresh token", "access token"] as const) {
        if (place === "api" && name === "access token") continue;
        const secret = known[name];
        assert.ok(!secret || !shows(text, secret), `the ${name} was sent to ${url.origin}`);
      }
      const credential = headers.has("authorization") || /(grant_type|client_secret|refresh_token)/.test(body);
      assert.ok(place === "api" || !credential, `a request with credentials was sent to ${url.origin}`);
    }
    for (const stray of strays)
      for (const [name, secret] of Object.entries(known))
        assert.ok(!shows(stray, secret), `the adapter itself sent the ${name} to ${stray.split(" ")[0]}`);
  },
};

/** What is done for one case, whatever runs beside it. */
const within = new AsyncLocalStorage<World>();

/** @returns The secrets that it was about. */
async function wholeLife(world: World): Promise<Readonly<Record<string, string>>> {
  await life(world);
  const connection = hasUsers(world.provider, world.harness) ? await world.connect() : undefined;
  if (connection && world.harness.read !== undefined) await connection.fetch(world.harness.read);
  const known = await world.secrets(connection);
  await connection?.disconnect();
  return known;
}

/** As Node's own `fetch` tells of a request. */
interface Undici {
  readonly origin: string | URL;
  readonly path: string;
  readonly headers: unknown;
}

/** Every origin that the definition names for its authorization server. */
function addressesOf(server: AnyProvider["server"]): string[] {
  const texts = Object.values(server).filter(
    (value): value is string => typeof value === "string" && URL.canParse(value),
  );
  return [...new Set(texts.map((text) => new URL(text).origin))];
}

const refused: Promised = {
  name: "C23 a token is not sent to an origin that is not declared",
  remedy: "let api.request keep a request at the API.",
  async run(world: World) {
    const users = hasUsers(world.provider, world.harness) && world.harness.read !== undefined;
    const caller = users ? await world.connect() : world.handle.app();
    const sent = world.sent.length;
    const { fault } = await world.failure(
      "a request to another origin",
      caller.fetch("https://elsewhere.example/data"),
    );
    assert.equal(fault.kind, "permission");
    const strays = world.sent.slice(sent).filter(({ url }) => url.hostname === "elsewhere.example");
    assert.equal(strays.length, 0, "requests to it");
  },
};
