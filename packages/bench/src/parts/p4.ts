import { accessToken, keys, template } from "../application.ts";
import { lease, type StormStore } from "../lease.ts";
import { median } from "../measure.ts";
import { type Peer, start } from "../processes.ts";
import { duration, judged, type Line, type Part } from "../report.ts";
import { type Server, startServer } from "../server.ts";
import { openStore, type Place, place } from "../stores.ts";
import type { StormMessage, Weather } from "../storm-process.ts";

const processes = 4;
const callers = 250;
const delay = 25;
const rounds = 15;

interface Storm {
  readonly milliseconds: number;
  readonly requests: number;
  readonly failed: number;
  readonly reused: number;
  /** How many different tokens were handed out. */
  readonly tokens: number;
}

interface Contestant {
  readonly name: string;
  storm(): Promise<Storm>;
  end(): Promise<void>;
}

/** P4: four processes meet a token that has expired, on one store. */
export async function p4(): Promise<Part> {
  const server = await startServer({ delay, rotating: true });
  const lines: Line[] = [];
  for (const name of ["sqlite", "postgres", "redis"] as const) {
    const where = await place(name);
    if (!where) continue;
    const contestants = [await floor(where, server), await linkwright(where, server)] as const;
    for (const contestant of [...contestants, ...contestants]) await contestant.storm();
    const storms = new Map<Contestant, Storm[]>(contestants.map((contestant) => [contestant, []]));
    for (let round = 0; round < rounds; round++) {
      const order = round % 2 === 0 ? contestants : contestants.toReversed();
      for (const contestant of order) storms.get(contestant)?.push(await contestant.storm());
    }
    const [below, own] = contestants.map((contestant) => storms.get(contestant) ?? []);
    lines.push(line(name, `floor: ${floors[name]}`, below ?? []));
    lines.push(line(name, "linkwright", own ?? [], below));
    for (const contestant of contestants) await contestant.end();
    await where.remove();
  }
  await server.end();
  return {
    id: "p4",
    title: `Storm: ${processes} processes of ${callers} callers each`,
    method: `The token has expired, the refresh token rotates, and all callers of all processes ask at one instant; the server takes ${delay} ms. The time is that of the last caller. The floors have one promise for all callers of a process and a lock in the store, and nothing for a crash. Requests, failed callers and reuse are the most of any storm.`,
    lines,
  };
}

const floors: Record<StormStore, string> = {
  sqlite: "a column as lock, polled",
  postgres: "SELECT … FOR UPDATE",
  redis: "SET NX, polled",
};

function line(work: string, contestant: string, storms: readonly Storm[], below?: readonly Storm[]): Line {
  const most = (member: keyof Storm) => Math.max(...storms.map((storm) => storm[member]));
  const [requests, failed, reused, tokens] = [most("requests"), most("failed"), most("reused"), most("tokens")];
  const time = duration(median(storms.map((storm) => storm.milliseconds)));
  const measured = `${time}, ${requests} requests, ${failed} failed, ${reused} reused`;
  if (!below) return { work, contestant, measured };
  const ratios = storms.map((storm, round) => storm.milliseconds / (below[round]?.milliseconds ?? Number.NaN));
  const judgement = judged(median(ratios), { beside: "floor", most: 1.25 });
  const isRight = requests === 1 && failed === 0 && reused === 0 && tokens === 1;
  return {
    work,
    contestant,
    measured,
    ...judgement,
    target: `${judgement.target}, 1 request, 0 failed, 0 reused`,
    passed: judgement.passed === true && isRight,
  };
}

async function linkwright(where: Place, server: Server): Promise<Contestant> {
  const { record } = await template(keys);
  const id = "connection-1";
  const [refreshToken = ""] = await server.issue();
  const store = await openStore(where);
  await store.write(`connection:${id}`, await record(id, { accessToken: accessToken(1), refreshToken }), {
    ifVersion: "absent",
  });
  await store.close();
  return contestantOf("linkwright", where, server, async () => {});
}

async function floor(where: Place, server: Server): Promise<Contestant> {
  const own = await lease(where, server.origin);
  const expire = async () => own.expire((await server.issue())[0] as string);
  await expire();
  const contestant = await contestantOf("floor", where, server, expire);
  return {
    ...contestant,
    async end() {
      await contestant.end();
      await own.close();
    },
  };
}

async function contestantOf(
  name: "linkwright" | "floor",
  where: Place,
  server: Server,
  expire: () => Promise<void>,
): Promise<Contestant> {
  const peers = Array.from({ length: processes }, (): Peer => start("./storm-process.ts"));
  const all = <Answer>(message: StormMessage) => Promise.all(peers.map((peer) => peer.ask<Answer>(message)));
  await all({ do: "open", contestant: name, place: { name: where.name, at: where.at }, origin: server.origin });
  return {
    name,
    async storm() {
      await expire();
      await all({ do: "expire" });
      const before = await server.count();
      const at = performance.timeOrigin + performance.now() + 30;
      const weather = await all<Weather>({ do: "storm", callers, at });
      const { requests, reused } = await server.count(before);
      return {
        milliseconds: Math.max(...weather.map(({ endedAt }) => endedAt)) - at,
        requests,
        reused,
        failed: weather.reduce((sum, { failed }) => sum + failed, 0),
        tokens: new Set(weather.flatMap(({ tokens }) => tokens)).size,
      };
    },
    async end() {
      await all({ do: "close" });
      await Promise.all(peers.map((peer) => peer.end()));
    },
  };
}
