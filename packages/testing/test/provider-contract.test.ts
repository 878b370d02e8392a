import { days } from "@linkwright/core";
import { type ProviderSimulatorOptions, simulate } from "@linkwright/testing";
import { type ProviderHarness, providerContract } from "@linkwright/testing/provider";
import { describe, expect, test } from "vitest";
import { day, documented, failures, harness, names, refreshing, tidewater, wrong } from "./support/tidewater.ts";

/**
 * Adapters that declare what is not so, or read refusals wrongly. The suite must fail each at the promise that it breaks, and
 * only where that mistake shows.
 */

describe("G81 the provider contract", () => {
  test("passes an adapter that keeps it", async () => {
    expect(await failures(harness())).toEqual([]);
  });

  test("passes one that declares less: a public client without refresh tokens, or the application's own token alone", async () => {
    const { authorizationCode, clientCredentials } = tidewater().grants;
    expect(await wrong({ grants: { authorizationCode } }, { refresh: "none" })).toEqual([]);
    const alone = providerContract(harness(tidewater({ grants: { clientCredentials } })));
    expect(await failures(harness(tidewater({ grants: { clientCredentials } })))).toEqual([]);
    expect(alone.map(({ name }) => name)).not.toContain(names.connects);
  });

  test("every case begins with the ids of what it shows, and no two have one name", () => {
    const all = providerContract(harness(tidewater({ grants: refreshing({ lifetime: days(300) }) }))).map(
      ({ name }) => name,
    );
    for (const name of all) expect(name).toMatch(/^[GC]\d+ /);
    expect(new Set(all).size).toBe(all.length);
    expect(all).toEqual(expect.arrayContaining(Object.values(names)));
  });

  test("a failure says which promise is broken, what happened, and what the author should do", async () => {
    const given = harness(tidewater({ grants: refreshing({ rotation: "fixed" }) }));
    const broken = providerContract(given).find(({ name }) => name === names.rotation);
    const error = await broken?.run().then(
      () => undefined,
      (thrown: Error) => thrown,
    );
    expect(error?.message).toBe(
      `${names.rotation}: rotation "fixed" is declared, and renewal 1 brought another refresh token\n` +
        'To the adapter\'s author: declare rotation as the provider documents it, and "observed" where it does not. A token ' +
        "that rotates and is held to be fixed is presented twice, and strict servers end the grant at that.",
    );
    expect(error?.cause).toMatchObject({ name: "AssertionError" });
  });

  test("a case that does not end is ended, and says so", async () => {
    const given = harness(undefined, undefined, { timeLimit: 50, server: () => new Promise(() => {}) });
    await expect(providerContract(given)[0]?.run()).rejects.toThrow("It did not end within 0.05 s.");
  });
});

describe("G81 a wrong declaration fails by name", () => {
  test("rotation", async () => {
    const fixed = await wrong({ grants: refreshing({ rotation: "fixed" }) });
    expect(fixed).toEqual([names.rotation, names.lost]);
    expect(await wrong({}, { refresh: "fixed" })).toEqual([names.rotation]);
    expect(await wrong({ grants: refreshing({ rotation: "observed" }) })).toEqual([]);
    const grace = await wrong({ grants: refreshing({ reuseGrace: 60 }) });
    expect(grace).toEqual([names.lost]);
  });

  test("idle timeout, lifetime of the grant and of the access token", async () => {
    const forgetful = { refresh: { kind: "rotating", idleTimeout: 20 * day } } as const;
    expect(await wrong({}, forgetful)).toEqual([names.keptAlive]);
    expect(await wrong({ grants: refreshing({ idleTimeout: undefined }) }, forgetful)).toEqual([names.keptAlive]);
    const mortal = { refresh: { kind: "rotating", idleTimeout: 60 * day, absoluteLifetime: 200 * day } } as const;
    expect(await wrong({ grants: refreshing({ lifetime: days(300) }) }, mortal)).toEqual([names.lasting]);
    expect(await wrong({ grants: refreshing({ lifetime: days(200) }) }, mortal)).toEqual([]);
    const untold: ProviderSimulatorOptions = {
      accessTokenLifetime: 600,
      answer: ({ expires_in: _untold, ...rest }) => rest,
    };
    expect(await wrong({}, untold)).toEqual([names.lifetime]);
  });

  test("origins, and iss in callbacks", async () => {
    const api = { ...tidewater().api, base: "https://api.tidewater.example" };
    const wide = { api: { ...api, origins: [api.base, "https://metrics.example"] } };
    expect(await wrong(wide)).toEqual([names.documented]);
    const told = harness(tidewater(wide), {}, { origins: [api.base, "https://metrics.example"] });
    expect(await failures(told)).toEqual([]);
    const provider = tidewater({
      server: { ...tidewater().server, authorization_response_iss_parameter_supported: true },
    });
    const silent = await failures({
      ...harness(provider),
      async server(clock) {
        const server = await simulate(provider, { clock, ...documented });
        server.switches.iss = false;
        return server;
      },
    });
    expect(silent).toEqual(expect.arrayContaining([names.connects, names.issuer]));
    expect(await wrong(provider)).toEqual([]);
  });

  test("a definition that does not fit together", async () => {
    const { refreshToken } = tidewater().grants;
    const insecure = tidewater({
      api: { base: "http://api.tidewater.example" },
      grants: { ...tidewater().grants, refreshToken },
    });
    const [first] = await failures(harness(insecure));
    expect(first).toMatch(/^C15 G65 the definition fits together/);
  });
});

describe("G81 a wrong error map fails by name", () => {
  const said = (text: string, kind: "reauthorize" | "retry" | "configuration") => ({
    dialect: { fault: (answer: { text: string }) => (answer.text.includes(text) ? { kind } : undefined) },
  });

  test("at the token endpoint", async () => {
    expect(await wrong(said("invalid_grant", "retry"))).toEqual([names.lost, names.dead, names.revoked]);
    expect(await wrong(said("temporarily_unavailable", "reauthorize"))).toEqual([names.passing, names.throttled]);
    expect(await wrong(said("temporarily_unavailable", "configuration"))).toEqual([names.passing, names.throttled]);
    expect(await wrong(said("invalid_client", "reauthorize"))).toEqual([names.refused]);
  });

  test("at the API", async () => {
    const reading = (status: number, kind: "reauthorize" | "permission") => {
      const fault = (answer: { status: number }) => (answer.status === status ? { kind } : undefined);
      return { api: { base: "https://api.tidewater.example", fault } };
    };
    expect(await wrong(reading(401, "permission"))).toEqual([names.stale]);
    expect(await wrong(reading(401, "reauthorize"))).toEqual([names.stale]);
    expect(await wrong(reading(403, "reauthorize"))).toEqual([names.unmoved]);
    const throwing = () => {
      throw new TypeError("Cannot read properties of undefined");
    };
    const careless = await wrong({ api: { base: "https://api.tidewater.example", fault: throwing } });
    expect(careless).toEqual(expect.arrayContaining([names.stale, names.unmoved]));
  });

  test("of refusals that the provider documents", async () => {
    const errors: ProviderHarness["errors"] = [
      { at: "renewal", status: 400, body: { problem: "CONSENT_OVER" }, kind: "reauthorize", reason: "consent_ended" },
      { at: "application", status: 400, body: { problem: "APP_CLOSED" }, kind: "configuration" },
      { at: "code", status: 400, body: { problem: "LATE" }, kind: "reauthorize" },
      { at: "api", status: 400, body: { problem: "TOKEN_OLD" }, kind: "stale_token" },
      { at: "api", status: 400, body: { problem: "NOT_YOURS" }, kind: "permission" },
      { at: "api", status: 410, body: { problem: "LEFT" }, kind: "reauthorize" },
    ];
    const listed = [
      'G37 a renewal answered with 400 {"problem":"CONSENT_OVER"} is `reauthorize` (consent_ended)',
      'G37 the application\'s token request answered with 400 {"problem":"APP_CLOSED"} is `configuration`',
      'G37 a code answered with 400 {"problem":"LATE"} is `reauthorize`',
      'G37 an API call answered with 400 {"problem":"TOKEN_OLD"} is `stale_token`',
      'G37 an API call answered with 400 {"problem":"NOT_YOURS"} is `permission`',
      'G37 an API call answered with 410 {"problem":"LEFT"} is `reauthorize`',
    ];
    expect(await failures(harness(tidewater(), {}, { errors }))).toEqual(listed);
    const problems = {
      CONSENT_OVER: { kind: "reauthorize", reason: "consent_ended" },
      APP_CLOSED: { kind: "configuration" },
      LATE: { kind: "reauthorize" },
      TOKEN_OLD: { kind: "stale_token" },
      NOT_YOURS: { kind: "permission" },
      LEFT: { kind: "reauthorize" },
    } as const;
    const fault = ({ json }: { json: unknown }) => {
      const { problem } = (json ?? {}) as { problem?: unknown };
      return typeof problem === "string" ? problems[problem as keyof typeof problems] : undefined;
    };
    const right = tidewater({ dialect: { fault }, api: { base: "https://api.tidewater.example", fault } });
    expect(await failures(harness(right, {}, { errors }))).toEqual([]);
  });
});
