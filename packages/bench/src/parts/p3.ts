import { memoryStore } from "@linkwright/core";
import { type Alternative, badgateway, betterAuth, floor, google, msal, simpleOauth2 } from "../alternatives.ts";
import { accessToken, application, keys, owner, skippingClock, template } from "../application.ts";
import { median } from "../measure.ts";
import { duration, judged, type Line, type Part } from "../report.ts";
import { type Server, startServer } from "../server.ts";

const callers = 1000;
const delay = 25;

interface Storm {
  readonly milliseconds: number;
  readonly requests: number;
  readonly failed: number;
}

/** P3: a thousand callers of one process meet a token that has expired. */
export async function p3(): Promise<Part> {
  const server = await startServer({ delay });
  const lines: Line[] = [];
  for (const rotating of [true, false]) {
    await server.set({ rotating });
    const by = floor(server.origin);
    const own = await linkwright(server);
    const others = [
      google(server.origin),
      badgateway(server.origin),
      simpleOauth2(server.origin),
      await msal(server.origin),
      await betterAuth(server.origin),
    ];
    for (let turn = 0; turn < 3; turn++) for (const each of [by, own]) await storm(each, server);
    const storms = new Map<string, Storm[]>([by, own, ...others].map(({ name }) => [name, []]));
    for (let round = 0; round < 25; round++) {
      const pair = round % 2 === 0 ? [by, own] : [own, by];
      for (const each of pair) storms.get(each.name)?.push(await storm(each, server));
    }
    // These cost up to a second each, and none is near.
    for (let round = 0; round < 3; round++)
      for (const each of others) storms.get(each.name)?.push(await storm(each, server));
    const work = rotating ? "refresh token rotates" : "refresh token is fixed";
    lines.push(...[by, own, ...others].map(({ name }) => line(work, name, storms, by.name)));
  }
  await server.end();
  return {
    id: "p3",
    title: `Storm: ${callers.toLocaleString("en")} callers, one process`,
    method: `The token has expired, and ${callers.toLocaleString("en")} callers ask at once; the server takes ${delay} ms. Requests and failed callers are the most of any storm. @azure/msal-node asks by client credentials.`,
    lines,
  };
}

function line(work: string, name: string, storms: ReadonlyMap<string, readonly Storm[]>, by: string): Line {
  const own = storms.get(name) ?? [];
  const requests = Math.max(...own.map((each) => each.requests));
  const failed = Math.max(...own.map((each) => each.failed));
  const rest = {
    work,
    contestant: name,
    measured: `${duration(median(own.map((each) => each.milliseconds)))}, ${requests} requests, ${failed} failed`,
  };
  if (name !== "linkwright") return rest;
  const below = storms.get(by) ?? [];
  const ratio = median(own.map((each, round) => each.milliseconds / (below[round]?.milliseconds ?? Number.NaN)));
  const judgement = judged(ratio, { beside: "floor", most: 1.15 });
  return {
    ...rest,
    ...judgement,
    target: `${judgement.target}, 1 request, 0 failed`,
    passed: judgement.passed === true && requests === 1 && failed === 0,
  };
}

async function storm(contestant: Alternative, server: Server): Promise<Storm> {
  const [refreshToken = ""] = await server.issue();
  await contestant.expire(refreshToken);
  const before = await server.count();
  const began = performance.now();
  const settled = await Promise.allSettled(Array.from({ length: callers }, async () => contestant.obtain?.()));
  const milliseconds = performance.now() - began;
  const { requests } = await server.count(before);
  return { milliseconds, requests, failed: settled.filter(({ status }) => status === "rejected").length };
}

async function linkwright(server: Server): Promise<Alternative> {
  const clock = skippingClock();
  const store = memoryStore();
  const { record } = await template(keys);
  const [refreshToken = ""] = await server.issue();
  const id = "connection-1";
  await store.write(`connection:${id}`, await record(id, { accessToken: accessToken(1), refreshToken }), {
    ifVersion: "absent",
  });
  const connector = application({ origin: server.origin, store, keys, clock });
  const connection = await connector.connection(id, { owner });
  await connection.accessToken();
  return {
    name: "linkwright",
    obtain: () => connection.accessToken(),
    // Its own refresh token lives on from storm to storm: a lost rotation would show in the next one.
    expire: () => clock.skip(7_200_000),
  };
}
