import { dangerouslyUnsealed, type Keyring, memoryStore } from "@linkwright/core";
import {
  type Alternative,
  badgateway,
  betterAuth,
  floor,
  google,
  msal,
  oauth4webapi,
  openidClient,
  simpleOauth2,
} from "../alternatives.ts";
import { accessToken, application, keys, owner, skippingClock, template } from "../application.ts";
import { type Contestant, medianOf, race, ratioOf, type Samples } from "../measure.ts";
import { duration, judged, type Line, type Part } from "../report.ts";
import { type Server, startServer } from "../server.ts";

/** P2: one token request, from the call to the token in hand. */
export async function p2(): Promise<Part> {
  // google-auth-library throws a rotated refresh token away, so the server does not rotate.
  const server = await startServer({ rotating: false });
  const { origin } = server;
  const others = [
    floor(origin),
    oauth4webapi(origin),
    openidClient(origin),
    simpleOauth2(origin),
    google(origin),
    badgateway(origin),
    await msal(origin),
    await betterAuth(origin),
  ];
  const [unsealed, sealed] = [await linkwright(server, dangerouslyUnsealed), await linkwright(server, keys)];
  const lines: Line[] = [];
  for (const grant of ["refresh", "clientCredentials"] as const) {
    const connections = new Map<string, number>();
    const contestants = [
      unsealed[grant]("linkwright, sealing off"),
      sealed[grant]("linkwright, sealing on"),
      ...others.flatMap((other) => contestantOf(other, grant, server)),
    ].map((contestant) => counted(contestant, server, connections));
    const samples = await race(contestants, { rounds: 15, times: 40, warmUp: 60 });
    const work = grant === "refresh" ? "refresh token" : "client credentials";
    lines.push(...contestants.map(({ name }) => line(work, name, samples, connections.get(name) ?? 0)));
  }
  await server.end();
  return {
    id: "p2",
    title: "One token request",
    method:
      "Sequential requests over loopback. Linkwright reads the row, claims it, sends the request and commits, on the memory store. Beside each time: TCP connections opened while it was measured.",
    lines,
  };
}

function line(work: string, name: string, samples: Samples, connections: number): Line {
  const time = duration(medianOf(samples, name));
  const ratio = ratioOf(samples, name, "oauth4webapi");
  const rest = { work, contestant: name, measured: `${time}, ${connections} connections` };
  if (!name.startsWith("linkwright"))
    return { ...rest, ratio: name === "oauth4webapi" ? "" : judged(ratio, { beside: "oauth4webapi" }).ratio };
  const judgement = judged(ratio, {
    beside: "oauth4webapi",
    ...(name.endsWith("off") && { most: 1.25 }),
  });
  if (judgement.target === undefined) return { ...rest, ...judgement };
  return {
    ...rest,
    ...judgement,
    target: `${judgement.target}, 0 connections`,
    passed: judgement.passed === true && connections === 0,
  };
}

/** Counts the connections opened from the end of the warm-up on. */
function counted(contestant: Contestant, server: Server, connections: Map<string, number>): Contestant {
  let turns = 0;
  return {
    ...contestant,
    async run(times) {
      // A question takes far less than one of the requests, and as long for everybody.
      const before = await server.count();
      await contestant.run(times);
      // The warm-up takes two turns.
      if (++turns <= 2) return;
      const { connections: opened } = await server.count(before);
      connections.set(contestant.name, (connections.get(contestant.name) ?? 0) + opened);
    },
  };
}

function contestantOf(alternative: Alternative, grant: "refresh" | "clientCredentials", server: Server): Contestant[] {
  const request = alternative[grant];
  if (!request) return [];
  return [
    {
      name: alternative.name,
      async prepare() {
        await alternative.expire((await server.issue())[0] as string);
      },
      async run(times) {
        for (let turn = 0; turn < times; turn++) await request();
      },
    },
  ];
}

async function linkwright(server: Server, sealing: Keyring) {
  const clock = skippingClock();
  const store = memoryStore();
  const { record } = await template(sealing);
  const [refreshToken = ""] = await server.issue();
  const id = "connection-1";
  await store.write(`connection:${id}`, await record(id, { accessToken: accessToken(1), refreshToken }), {
    ifVersion: "absent",
  });
  const connector = application({ origin: server.origin, store, keys: sealing, clock });
  const connection = await connector.connection(id, { owner });
  const app = connector.providers.bank.app();
  const contestant =
    (of: { accessToken(): Promise<string> }) =>
    (name: string): Contestant => ({
      name,
      async run(times) {
        for (let turn = 0; turn < times; turn++) {
          clock.skip(7_200_000);
          await of.accessToken();
        }
      },
    });
  return { refresh: contestant(connection), clientCredentials: contestant(app) };
}
