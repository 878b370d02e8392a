import { type AnyProvider, clientSecretBasic, defineProvider, hideSecret, revealSecret } from "@linkwright/core";
import { listen, simulate } from "@linkwright/testing";
import { describe, expect, test } from "vitest";
import { openWorld } from "../src/provider-contract/world.ts";
import {
  clientSecret,
  failures,
  grantsWith,
  harness,
  names,
  redirectUri,
  tidewater,
  wrong,
} from "./support/tidewater.ts";

/**
 * Adapters whose hooks do what they should not. The suite must fail each at the promise that it breaks, and only where that
 * mistake shows.
 */

describe("G81 a secret that gets out fails by name", () => {
  test("in the definition", async () => {
    const open = { id: "tide", authentication: { ...clientSecretBasic(clientSecret), note: clientSecret } };
    expect(await wrong({ client: open })).toEqual([names.silent]);
  });

  test("in an error", async () => {
    const request: NonNullable<AnyProvider["dialect"]>["request"] = (standard) => {
      const form = new URLSearchParams(standard.body);
      if (form.get("grant_type") === "refresh_token") throw new Error(`cannot send ${form}`);
      return standard;
    };
    expect(await wrong({ dialect: { request } })).toContain(names.errors);
  });

  test("in the store and in status", async () => {
    const granted = (answer: Readonly<Record<string, unknown>>) => ({ data: { raw: JSON.stringify(answer) } });
    expect(await wrong({ connect: { granted } })).toEqual([names.errors, names.atRest]);
  });

  test("in the browser's address", async () => {
    const authorize = () => ({ app_secret: clientSecret });
    expect(await wrong({ connect: { authorize } })).toEqual([names.addresses]);
  });
});

describe("G81 credentials in the wrong place fail by name", () => {
  test("a bearer that the adapter itself sends elsewhere", async () => {
    const collector = await listen((_request, response) => response.end());
    const granted = async ({ access_token }: Readonly<Record<string, unknown>>) => {
      await fetch(`${collector.origin}/seen`, { headers: { authorization: `Bearer ${access_token}` } });
      return {};
    };
    expect(await wrong({ connect: { granted } })).toEqual([names.own]);
    await collector.close();
  });

  test("a token request that goes to another host", async () => {
    const elsewhere = { request: (standard: { url: string }) => ({ ...standard, url: "https://proxy.example/token" }) };
    expect(await wrong({ dialect: elsewhere as never })).toEqual([names.own]);
  });

  test("a client that is shown twice", async () => {
    const request: NonNullable<AnyProvider["dialect"]>["request"] = ({ url, headers, body }) => {
      headers.set("x-app-key", clientSecret);
      return { url, headers, body };
    };
    expect(await wrong({ dialect: { request } })).toEqual([names.client]);
  });
});

describe("G81 a quirk that breaks a flow fails by name", () => {
  const changing = (change: (form: URLSearchParams) => void): Partial<AnyProvider> => ({
    dialect: {
      request({ url, headers, body }) {
        const form = new URLSearchParams(body);
        change(form);
        return { url, headers, body: form };
      },
    },
  });

  test("one that eats state", async () => {
    const request = async ({ parameters }: { parameters: URLSearchParams }) => {
      parameters.delete("state");
      return { url: `https://tidewater.example/authorize?${parameters}` };
    };
    const failed = await wrong({ connect: { request } });
    expect(failed).toContain(names.state);
    // What needs no connection is as good as ever.
    expect(failed).not.toContain(names.least);
    expect(failed).not.toContain(names.silent);
  });

  test("one that loses the verifier: PKCE is declared and not done", async () => {
    const lax = await wrong(
      changing((form) => form.delete("code_verifier")),
      { pkce: "ignored" },
    );
    expect(lax).toEqual([names.pkce]);
    const strict = await wrong(changing((form) => form.delete("code_verifier")));
    expect(strict).toEqual(expect.arrayContaining([names.pkce, names.connects]));
  });

  test("one that touches the redirect URI", async () => {
    const failed = await wrong(
      changing((form) => {
        if (form.has("redirect_uri")) form.set("redirect_uri", `${redirectUri}/`);
      }),
    );
    expect(failed).toEqual(expect.arrayContaining([names.redirect, names.connects]));
  });

  test("one that widens the scope, or claims one that was not granted", async () => {
    const scope = (asked: readonly string[]) => [...asked, "everything"];
    expect(await wrong({ connect: { scope } })).toEqual([names.least]);
    expect(await failures(harness(tidewater({ connect: { scope } }), {}, { leastScope: ["everything"] }))).toEqual([]);
    const response = ({ json }: { json: unknown }) => ({ ...(json as object), scope: "accounts payments" });
    expect(await wrong({ dialect: { response } })).toEqual([names.narrower]);
  });

  test("one that cannot read what a callback says", async () => {
    const refusal = (callback: URLSearchParams) => {
      const error = callback.get("error");
      if (error === null) return undefined;
      if (error !== "access_denied") throw new RangeError(`an unknown error: ${error}`);
      return { kind: "retry" } as const;
    };
    expect(await wrong({ connect: { refusal } })).toEqual([names.no, names.hostile]);
  });
});

describe("G81 hooks that are not what they should be fail by name", () => {
  test("a definition that changes while it is used", async () => {
    const scopes = ["accounts"];
    const provider = tidewater({
      grants: grantsWith({ authorizationCode: { redirectUri, pkce: "S256", scope: scopes } }),
      connect: {
        granted(answer: Readonly<Record<string, unknown>>) {
          scopes.push(`seen-${String(answer.scope).length}`);
          return {};
        },
      },
    });
    expect(await failures(harness(provider))).toContain(names.data);
  });

  test("a hook that remembers", async () => {
    let count = 0;
    expect(await wrong({ connect: { authorize: () => ({ visit: String(++count) }) } })).toEqual([names.pure]);
  });

  test("a wait without an end", async () => {
    const disconnect: AnyProvider["disconnect"] = async (context) => {
      for (;;) {
        try {
          await context.call("/accounts", { method: "DELETE" });
          return [{ what: "consent", result: "unsupported" }];
        } catch {
          await new Promise<void>((resolve) => context.clock.after(60_000, resolve));
        }
      }
    };
    expect(await failures(harness(tidewater({ disconnect }), {}, { timeLimit: 2000 }))).toEqual(
      expect.arrayContaining([names.patient]),
    );
  });

  test("a case that leaves a request without an answer under way can be closed", async () => {
    const world = await openWorld(harness());
    const connection = await world.connect();
    await world.expire(connection);
    const stalled = world.server.faults.always("stall-headers", { match: () => true });
    const asked = world.tokenRequests().length;
    const work = connection.accessToken().catch((error: unknown) => error);
    await expect.poll(() => world.tokenRequests().length).toBe(asked + 1);
    await expect.poll(() => stalled.used).toBe(1);
    await world.close();
    expect(await work).toMatchObject({ fault: { kind: "retry" } });
  });

  test("a disconnect that says more than it did", async () => {
    const lying = async () => [{ what: "consent", result: "revoked" } as const];
    expect(await wrong({ disconnect: lying })).toEqual([names.revoked, names.down]);
    const failing = async () => [{ what: "consent", result: "failed" } as const];
    expect(await wrong({ disconnect: failing })).toContain(names.gone);
  });

  test("webhooks that are not verified, or not told apart", async () => {
    const trusting = { read: async () => ({ id: "m-1", event: {}, effects: [] }) };
    expect(await wrong({ webhook: trusting })).toEqual([names.altered]);
    let count = 0;
    const read = tidewater().webhook?.read;
    const webhook = { read: async (request: never) => ({ ...(await read?.(request)), id: `m-${++count}` }) };
    expect(await wrong({ webhook: webhook as never })).toEqual([names.known]);
  });

  test("a hosted consent that believes its callback", async () => {
    const secret = hideSecret(clientSecret);
    const provider = defineProvider({
      id: "hosted",
      server: { issuer: "https://hosted.example", token_endpoint: "https://hosted.example/token" },
      client: { id: "tide", authentication: clientSecretBasic(() => revealSecret(secret)) },
      grants: { clientCredentials: {}, hostedConsent: { redirectUri } },
      api: { base: "https://hosted.example" },
      connect: {
        begin: async (_context, { state }) => ({ url: `https://hosted.example/consent?back=${state}` }),
        confirm: async () => ({ consent: "active", account: "somebody" }),
      },
    });
    const failed = await failures({
      provider,
      async server(clock) {
        const server = await simulate(provider, { clock });
        const consent = async (url: string) => `${redirectUri}?state=${new URL(url).searchParams.get("back")}`;
        return { ...server, consent };
      },
    });
    expect(failed).toContain("G74 a callback proves nothing: without a consent at the provider there is no connection");
  });
});
