import type { Store, Version } from "@linkwright/core";
import { compactDecrypt } from "jose";
import { accessToken, application, keys, owner, template } from "../application.ts";
import { type Bare, bareClients, ownSize } from "../bare.ts";
import { atOnce, type Contestant, medianOf, race, ratioOf, type Samples } from "../measure.ts";
import { duration, judged, type Line, type Part, perSecond } from "../report.ts";
import { openStore, type Place, place } from "../stores.ts";

const count = 1000;
const due = 100;

/** P5: the stores, and a sealed row out of them. */
export async function p5(): Promise<Part> {
  const { record } = await template(keys);
  const ids = Array.from({ length: count }, (_, at) => `connection-${at}`);
  const records = await Promise.all(
    ids.map((id) => record(id, { accessToken: accessToken(id), refreshToken: `refresh-${id}`.padEnd(64, "x") })),
  );
  const lines: Line[] = [];
  const sizes: Line[] = [];
  for (const name of ["redis", "postgres", "sqlite", "keyv"] as const) {
    const where = await place(name);
    if (!where) continue;
    const store = await openStore(where);
    const bare = await bareClients[name](where.at);
    const held = { own: new Map<string, Version>(), bare: new Map<string, string>() };
    for (const [at, id] of ids.entries()) {
      const [key, value, dueAt] = [`connection:${id}`, records[at] ?? "", at < due ? 1 : Date.now() + 86_400_000];
      const index = { owner: `user-${at}`, registration: "bank", dueAt };
      held.own.set(key, await store.write(key, value, { ifVersion: "absent", index }));
      held.bare.set(key, "first");
      await bare.insert(key, value, "first", dueAt);
    }
    const value = records.reduce((sum, text) => sum + text.length, 0) / count;
    for (const [contestant, size] of [
      ["bare client", await bare.size()],
      ["linkwright", await ownSize(where)],
    ] as const)
      sizes.push({
        work: `${name}: bytes per record of ${value.toFixed(0)} B`,
        contestant,
        measured: `${(size / count).toFixed(0)} B`,
      });
    const isMeasured = name === "redis" || name === "postgres";
    lines.push(...(await opened(where, ids, store, bare, isMeasured)));
    for (const callers of [1, 64]) lines.push(...(await operations(where, ids, records, store, bare, held, callers)));
    await store.close();
    await bare.close();
    await where.remove();
  }
  return {
    id: "p5",
    title: "The stores",
    method: `${count.toLocaleString("en")} records of one connection each, ${due} of them due. *Sealed row*: the access token of a connection that is not in memory, beside the bare client and jose reading, parsing and opening the same. The bare clients use prepared statements and the least script; Postgres gets 10 connections from both sides. Linkwright's Postgres store notifies of every write. Keyv stands on Redis and knows neither compare-and-set nor an index; its bare client writes blindly.`,
    lines: [...lines, ...sizes],
  };
}

function beside(work: string, samples: Samples, [below, own]: readonly [string, string], least?: number): Line[] {
  const measured = (name: string) => {
    const each = medianOf(samples, name);
    return `${perSecond(each)} (${duration(each)})`;
  };
  // As a rate: the other way round than the times.
  const rate = ratioOf(samples, below, own);
  return [
    { work, contestant: below, measured: measured(below) },
    {
      work,
      contestant: own,
      measured: measured(own),
      ...judged(rate, { beside: below, ...(least !== undefined && { least }) }),
    },
  ];
}

/** The access token of a connection that is nowhere in memory, at 64 callers. */
async function opened(
  { name }: Place,
  ids: readonly string[],
  store: Store,
  bare: Bare,
  isMeasured: boolean,
): Promise<Line[]> {
  const connector = application({
    store: { ...bound(store), close: async () => {} },
    keys,
    cacheSize: 1,
    freshness: 0,
  });
  const handles = await Promise.all(ids.map((id) => connector.connection(id, { owner })));
  const key = await crypto.subtle.importKey("raw", new Uint8Array(32).fill(7), "AES-GCM", false, ["decrypt"]);
  const options = { keyManagementAlgorithms: ["dir"], contentEncryptionAlgorithms: ["A256GCM"] };
  const decoder = new TextDecoder();
  const names = ["bare client and jose", "linkwright"] as const;
  const contestants: Contestant[] = [
    {
      name: names[0],
      run: (times) =>
        atOnce(64, times, async (turn) => {
          const row = JSON.parse(await bare.read(`connection:${ids[turn % count]}`)) as { readonly grant: string };
          const { plaintext } = await compactDecrypt(row.grant, key, options);
          return (JSON.parse(decoder.decode(plaintext)) as { readonly accessToken: string }).accessToken;
        }),
    },
    { name: names[1], run: (times) => atOnce(64, times, async (turn) => handles[turn % count]?.accessToken()) },
  ];
  const samples = await race(contestants, { rounds: 15, turn: 80, warmUp: 1000 });
  await connector.close();
  return beside(`${name}: sealed row, 64 callers`, samples, names, isMeasured ? 0.85 : undefined);
}

async function operations(
  { name }: Place,
  ids: readonly string[],
  records: readonly string[],
  store: Store,
  bare: Bare,
  held: { readonly own: Map<string, Version>; readonly bare: Map<string, string> },
  callers: number,
): Promise<Line[]> {
  const lines: Line[] = [];
  const names = ["bare client", "linkwright"] as const;
  const keyOf = (turn: number) => `connection:${ids[turn % count]}`;
  const later = () => Date.now() + 86_400_000;
  // Writes go to records that are not due, each to another one.
  const written = (turn: number) => due + (turn % (count - due));
  type Work = (turn: number) => Promise<unknown>;
  const works: Record<string, readonly [Work | undefined, Work]> = {
    read: [(turn) => bare.read(keyOf(turn)), (turn) => store.read(keyOf(turn))],
    "compare and set": [
      async (turn) => {
        const [at, key] = [written(turn), keyOf(written(turn))];
        const version = await bare.write(key, records[at] ?? "", held.bare.get(key) ?? "", later());
        if (version === undefined) throw new Error("conflict");
        held.bare.set(key, version);
      },
      async (turn) => {
        const [at, key] = [written(turn), keyOf(written(turn))];
        const index = { owner: `user-${at}`, registration: "bank", dueAt: later() };
        const ifVersion = held.own.get(key) ?? "";
        const version = await store.write(key, records[at] ?? "", { ifVersion, index });
        if (version === "conflict") throw new Error("conflict");
        held.own.set(key, version);
      },
    ],
    "100 due": [bare.due && (() => bare.due?.(2, due) ?? Promise.resolve()), () => store.due(2, { limit: due })],
  };
  for (const [work, [below, own]] of Object.entries(works)) {
    if (!below) continue;
    const contestants = [below, own].map(
      (one, at): Contestant => ({ name: names[at] ?? "", run: (times) => atOnce(callers, times, one) }),
    );
    const samples = await race(contestants, { rounds: 7, turn: 40, warmUp: 150 });
    lines.push(...beside(`${name}: ${work}, ${callers} caller${callers === 1 ? "" : "s"}`, samples, names));
  }
  return lines;
}

/** The methods of a store by themselves, so that an object may be spread from it. */
function bound(store: Store): Store {
  return {
    reach: store.reach,
    read: (key) => store.read(key),
    write: (key, value, options) => store.write(key, value, options),
    remove: (key, options) => store.remove(key, options),
    list: (query) => store.list(query),
    due: (before, query) => store.due(before, query),
    close: () => store.close(),
  };
}
