import {
  clientSecretPost,
  createConnector,
  dangerouslyUnsealed,
  defineProvider,
  isConnectorError,
  memoryStore,
  type Store,
} from "@linkwright/core";
import { type VirtualClock, virtualClock } from "@linkwright/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { quiet } from "../../testing/test/support/ciphers.ts";
import { session, shared } from "./support/house.ts";

/** The real renewal, its every store call and request in an order that fast-check chooses, against the invariants. */

type Kind = "strict" | "grace" | "fixed";

/** An authorization server in a function: what matters here is when it answers. */
function server(kind: Kind, losses: readonly boolean[]) {
  let newest = 0;
  let count = 0;
  let dead = false;
  const state = { requests: 0, reuses: 0, lost: 0, valid: new Set<string>() };
  const issue = (refresh: string) => {
    const access_token = `at-${++count}`;
    state.valid.add(access_token);
    return { access_token, token_type: "Bearer", expires_in: 300, refresh_token: refresh };
  };
  function answer(form: URLSearchParams): { status: number; body: object } {
    if (form.get("grant_type") === "authorization_code") return { status: 200, body: issue(`rt-${newest}`) };
    state.requests++;
    const presented = Number(form.get("refresh_token")?.slice(3));
    if (kind === "fixed") return { status: 200, body: issue(`rt-${presented}`) };
    if (dead) return { status: 400, body: { error: "invalid_grant" } };
    if (presented === newest) return { status: 200, body: issue(`rt-${++newest}`) };
    if (kind === "grace" && presented === newest - 1) return { status: 200, body: issue(`rt-${newest}`) };
    state.reuses++;
    dead = true;
    return { status: 400, body: { error: "invalid_grant" } };
  }
  const fetch = async (_url: string, init: RequestInit): Promise<Response> => {
    const { status, body } = answer(new URLSearchParams(String(init.body)));
    if (state.requests > 0 && losses[state.requests - 1]) {
      state.lost++;
      throw new TypeError("fetch failed", { cause: Object.assign(new Error("reset"), { code: "ECONNRESET" }) });
    }
    return Response.json(body, { status });
  };
  return { state, fetch };
}

/** Lets scheduled steps run one by one, and time pass where nothing is left to run, until the work is over. */
async function drive(scheduler: fc.Scheduler, clock: VirtualClock, work: Promise<unknown>): Promise<void> {
  let over = false;
  const end = () => {
    over = true;
  };
  work.then(end, end);
  for (let step = 0; !over && step < 5_000; step++) {
    // Ciphers and digests run beside the scheduler.
    if (scheduler.count() === 0) await quiet(2);
    if (scheduler.count() > 0) await scheduler.waitNext(1);
    else if (!over) await clock.advance(250);
  }
  if (!over) throw new Error("it never ends");
}

async function run(scheduler: fc.Scheduler, kind: Kind, processes: number, losses: readonly boolean[]) {
  const clock = virtualClock();
  const inner = shared(memoryStore({ clock }));
  let scheduling = false;
  // What fails does so outside of the scheduler, which would report it as nobody's.
  const wrap = <Arguments extends unknown[], Result>(call: (...args: Arguments) => Promise<Result>) => {
    const scheduled = scheduler.scheduleFunction(async (...args: Arguments) => {
      const [settled] = await Promise.allSettled([call(...args)]);
      return settled;
    });
    return async (...args: Arguments): Promise<Result> => {
      if (!scheduling) return call(...args);
      const settled = await scheduled(...args);
      if (settled.status === "rejected") throw settled.reason;
      return settled.value;
    };
  };
  const store: Store = { ...inner, read: wrap(inner.read), write: wrap(inner.write) };
  const { state, fetch } = server(kind, losses);
  const bank = defineProvider({
    id: "bank",
    server: {
      issuer: "https://bank.test",
      authorization_endpoint: "https://bank.test/a",
      token_endpoint: "https://bank.test/t",
    },
    client: { id: "client", authentication: clientSecretPost("secret") },
    accessToken: { type: "Bearer" },
    grants: {
      authorizationCode: { redirectUri: "https://app.test/cb", pkce: "S256" },
      refreshToken:
        kind === "grace"
          ? { rotation: "rotating", reuseGrace: 600 }
          : { rotation: kind === "fixed" ? "fixed" : "rotating" },
    },
  });
  const application = () =>
    createConnector({
      providers: { bank },
      store,
      concurrency: "one-process",
      keys: dangerouslyUnsealed,
      clock,
      fetch: wrap(fetch),
    });
  const first = application();
  const flow = await first.providers.bank.connect({ owner: "o", session });
  const linked = await first.complete(
    `https://app.test/cb?code=c&state=${new URL(flow.url).searchParams.get("state")}`,
    { session },
  );
  const connections = [linked];
  while (connections.length < processes) connections.push(await application().connection(linked.id, { owner: "o" }));
  await clock.advance(301_000);

  scheduling = true;
  const calls = connections.flatMap((connection) => [connection.accessToken(), connection.accessToken()]);
  const outcomes = Promise.allSettled(calls);
  await drive(scheduler, clock, outcomes);
  scheduling = false;
  return { state, outcomes: await outcomes, status: await linked.status() };
}

test.for(["strict", "grace", "fixed"] as const)(
  "G01 G02 G03 G19 whatever the order of steps, a %s server sees one request and every caller the same token",
  { timeout: 60_000 },
  async (kind) => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.integer({ min: 1, max: 4 }), async (scheduler, processes) => {
        const { state, outcomes, status } = await run(scheduler, kind, processes, []);
        const tokens = outcomes.map((outcome) =>
          outcome.status === "fulfilled" ? outcome.value : String(outcome.reason),
        );
        expect(new Set(tokens).size).toBe(1);
        expect(state.valid.has(tokens[0] ?? "")).toBe(true);
        expect(state).toMatchObject({ requests: 1, reuses: 0 });
        expect(status.health).toBe("healthy");
      }),
      { numRuns: 200 },
    );
  },
);

test.for(["strict", "grace", "fixed"] as const)(
  "G19 whatever the order of steps and the answers lost, a %s server's grant is kept, or its loss named",
  { timeout: 60_000 },
  async (kind) => {
    const losses = fc.array(fc.boolean(), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.integer({ min: 1, max: 3 }), losses, async (scheduler, processes, lost) => {
        const { state, outcomes, status } = await run(scheduler, kind, processes, lost);
        for (const outcome of outcomes) {
          if (outcome.status === "fulfilled") {
            expect(state.valid.has(outcome.value)).toBe(true);
            continue;
          }
          const error: unknown = outcome.reason;
          if (!isConnectorError(error)) throw error;
          if (error.fault.kind === "reauthorize") expect(error.fault.reason).toBe("rotation_lost");
          else expect(error.fault.kind).toBe("retry");
        }
        if (kind !== "strict" || state.lost === 0) expect(status.health).not.toBe("reauthorize");
        if (kind !== "strict" || state.lost === 0) expect(state.reuses).toBe(0);
      }),
      { numRuns: 200 },
    );
  },
);
