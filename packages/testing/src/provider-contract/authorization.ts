import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { AnyProvider } from "@linkwright/core";
import type { Promised, ProviderHarness } from "./harness.ts";
import { membersOf, plainly, type Sent } from "./sent.ts";
import { describe, type World } from "./world.ts";

/** What an authorization request and its token request carry, against what is declared. */
export function authorization({ grants }: AnyProvider, { scope = [] }: ProviderHarness): Promised[] {
  if (!grants.authorizationCode) return [];
  const narrowed = scope.length > 1 ? [narrower] : [];
  return [grants.authorizationCode.pkce === "S256" ? protectedCode : plainCode, redirect, least, ...narrowed];
}

interface Begun {
  /** The authorization URL, and what was sent to make it. */
  readonly front: string;
  readonly tokenRequest: Sent;
  readonly error?: unknown;
}

/** One flow, whatever comes of it, as long as its code went out. */
async function flow(world: World): Promise<Begun> {
  const { url } = await world.begin();
  const front = plainly([url, decodeURIComponent(url), ...world.sent.map(({ body }) => body)].join("\n"));
  const callback = await world.decide({ url, expiresAt: 0 } as Awaited<ReturnType<World["begin"]>>);
  const requests = world.tokenRequests().length;
  const error = await world.complete(callback).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  const tokenRequest = world.tokenRequests()[requests];
  if (!tokenRequest) throw new Error(`no token request followed the callback: ${describe(error)}`);
  return { front, tokenRequest, error };
}

const challengeOf = (verifier: string) => createHash("sha256").update(verifier).digest("base64url");

/** A value that could be a code verifier (RFC 7636, section 4.1). */
const couldBeVerifier = /^[A-Za-z0-9._~-]{43,128}$/;

const protectedCode: Promised = {
  name: "C1 C2 C3 PKCE: the challenge goes ahead, the verifier with the code, and both are new each time",
  remedy:
    "leave code_challenge, code_challenge_method and code_verifier where the engine put them, or rename all of them alike.",
  async run(world) {
    const challenges: string[] = [];
    for (let round = 0; round < 2; round++) {
      const { front, tokenRequest, error } = await flow(world);
      const values = membersOf(tokenRequest).map(([, value]) => value);
      const verifier = values.find((value) => couldBeVerifier.test(value) && front.includes(challengeOf(value)));
      assert.ok(
        verifier,
        'pkce "S256" is declared, and the token request carries no verifier of a challenge that went ahead' +
          (error === undefined ? "" : ` (${describe(error)})`),
      );
      assert.match(front, /S256/, "the method of the challenge is not S256");
      challenges.push(challengeOf(verifier));
      if (error !== undefined) throw error;
    }
    assert.notEqual(challenges[0], challenges[1], "two flows had one challenge");
  },
};

const plainCode: Promised = {
  name: "C1 PKCE is not sent where it is declared that the provider knows none",
  remedy: 'declare pkce "S256" where the provider takes it, also if it does not ask for it.',
  async run(world) {
    const { front, tokenRequest, error } = await flow(world);
    assert.doesNotMatch(front, /code_challenge/, "a challenge is in the authorization request");
    const names = membersOf(tokenRequest).map(([name]) => name);
    assert.ok(!names.includes("code_verifier"), "a verifier is in the token request");
    if (error !== undefined) throw error;
  },
};

const redirect: Promised = {
  name: "G65 C10 the redirect URI is the one that is declared, byte for byte, in both legs",
  remedy: "leave redirect_uri as the engine wrote it.",
  async run(world) {
    const { redirectUri } = world.provider.grants.authorizationCode;
    const { front, tokenRequest, error } = await flow(world);
    const escaped = JSON.stringify(redirectUri).slice(1, -1);
    assert.ok(
      [redirectUri, escaped, encodeURIComponent(redirectUri)].some((text) => front.includes(text)),
      `the authorization request does not carry ${redirectUri}`,
    );
    const values = membersOf(tokenRequest).map(([, value]) => value);
    assert.ok(values.includes(redirectUri), `the token request does not carry ${redirectUri}`);
    if (error !== undefined) throw error;
  },
};

const least: Promised = {
  name: "C22 G47 no more is asked of the user than the application asked for",
  remedy: "let connect.scope add only what the provider demands, and say so to the suite as leastScope.",
  async run(world) {
    const { scope = [], leastScope = [] } = world.harness;
    const declared: readonly string[] = world.provider.grants.authorizationCode.scope ?? [];
    for (const asked of [undefined, scope.slice(0, 1), scope]) {
      const { url } = await world.begin({ scope: asked && asked.length > 0 ? asked : undefined });
      const parameters = new URL(url).searchParams;
      if (world.provider.connect?.request && !parameters.has("response_type")) return;
      const wanted = asked && asked.length > 0 ? asked : declared;
      const allowed = new Set([...wanted, ...leastScope]);
      const carried = (parameters.get("scope") ?? "").split(" ").filter((one) => one !== "");
      const more = carried.filter((one) => !allowed.has(one));
      assert.deepEqual(more, [], `asked for ${[...allowed].join(" ") || "nothing"}, the request carries more`);
      const missing = wanted.filter((one) => !carried.includes(one));
      assert.deepEqual(missing, [], `asked for ${wanted.join(" ")}, the request lacks some of it`);
    }
  },
};

const narrower: Promised = {
  name: "C22 a grant that is narrower than what was asked for is known to be so",
  remedy:
    "let the scope of the token answer through, or say in connect.granted what was granted; never what was asked.",
  async run(world) {
    const { scope = [], leastScope = [] } = world.harness;
    const kept = [...new Set([...scope.slice(0, 1), ...leastScope])];
    const connection = await world.connect({ scope }, { scopes: kept });
    const { granted } = (await connection.status()).scope;
    // A provider that never says what was granted; or one whose users cannot choose.
    if (granted === undefined || !world.harness.read) return;
    const answer = await connection.fetch(world.harness.read);
    const told: unknown = await answer.json().catch(() => undefined);
    const real = (told as { scope?: unknown } | undefined)?.scope;
    const truth = typeof real === "string" ? real.split(" ") : kept;
    const invented = granted.filter((one) => !truth.includes(one));
    assert.deepEqual(invented, [], `the user granted ${truth.join(" ")}, and the connection claims more`);
  },
};
