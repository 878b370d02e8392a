import { DatabaseSync } from "node:sqlite";
import type { Store } from "@linkwright/core";
import { sqliteStore } from "@linkwright/store-sqlite";
import { accessToken, application, keys, template } from "../application.ts";
import type { Options } from "../main.ts";
import { median } from "../measure.ts";
import { duration, judged, type Line, type Part } from "../report.ts";
import { type Server, startServer } from "../server.ts";
import { place } from "../stores.ts";

const due = 1000;
const day = 86_400_000;

interface Sweep {
  readonly milliseconds: number;
  /** Of them, for finding what is due. */
  readonly finding: number;
}

interface Fleet {
  readonly rows: number;
  sweep(): Promise<Sweep>;
  end(): Promise<void>;
}

/** P6: a sweep over what is due, among few and among many. */
export async function p6({ large }: Options): Promise<Part> {
  const server = await startServer({ rotating: false });
  const sizes = large ? [10_000, 100_000, 1_000_000] : [10_000, 100_000];
  const fleets: Fleet[] = [];
  for (const rows of sizes) fleets.push(await fleet(rows, server));
  const claims = await claimsAndCommits(server);
  for (const each of fleets) await each.sweep();
  const sweeps = new Map<Fleet, Sweep[]>(fleets.map((each) => [each, []]));
  const floors: number[] = [];
  for (let round = 0; round < 3; round++) {
    for (const each of round % 2 === 0 ? fleets : fleets.toReversed()) sweeps.get(each)?.push(await each.sweep());
    floors.push(await claims.run());
  }
  const lines: Line[] = [{ work, contestant: "floor: claim, request, commit", measured: duration(median(floors)) }];
  for (const [at, each] of fleets.entries()) {
    const own = sweeps.get(each) ?? [];
    const before = sweeps.get(fleets[at - 1] as Fleet);
    const contestant = `among ${each.rows.toLocaleString("en")} rows`;
    const times = own.map(({ milliseconds }) => milliseconds);
    const growth = before && median(times.map((time, round) => time / (before[round]?.milliseconds ?? Number.NaN)));
    const finding = median(own.map((sweep) => (100 * sweep.finding) / sweep.milliseconds));
    lines.push({
      work,
      contestant,
      measured: duration(median(times)),
      ...(growth !== undefined
        ? judged(growth, { beside: "a tenth of the rows", most: 1.3 })
        : judged(median(times.map((time, round) => time / (floors[round] ?? Number.NaN))), { beside: "floor" })),
    });
    lines.push({
      work: "finding them",
      contestant,
      measured: duration(median(own.map((sweep) => sweep.finding))),
      ...judged(finding, { beside: "of the sweep", most: 5, unit: "%", digits: 1 }),
    });
  }
  lines.sort((a, b) => Number(a.work !== work) - Number(b.work !== work));
  for (const each of fleets) await each.end();
  await claims.end();
  await server.end();
  return {
    id: "p6",
    title: "A sweep over what is due",
    method: `${due.toLocaleString("en")} connections are due to be kept alive; every one of them is renewed at the server. SQLite, sealed. The floor does as much with bare statements, eight at a time as the sweep does.${large ? "" : " A million rows: `pnpm bench --only p6 --large`."}`,
    lines,
  };
}

const work = `sweep, ${due.toLocaleString("en")} due`;

async function fleet(rows: number, server: Server): Promise<Fleet> {
  const where = await place("sqlite");
  if (!where) throw new Error("there is no place for a file");
  const { record } = await template(keys);
  const now = Date.now();
  const [refreshToken = ""] = await server.issue();
  const grant = { accessToken: accessToken(rows), refreshToken };
  // The store makes the tables; the rows are put in behind its back, a hundred times as fast.
  const maker = sqliteStore(where.at);
  const first = await record("connection-0", grant);
  await maker.write("connection:connection-0", first, { ifVersion: "absent", index: { dueAt: now } });
  await maker.close();
  const database = new DatabaseSync(where.at);
  const put = database.prepare(
    "INSERT OR REPLACE INTO records (key, value, version, owner, registration, due_at) VALUES (?, ?, ?, ?, ?, ?)",
  );
  const dueRows: [key: string, value: string][] = [];
  for (let at = 0; at < due; at++) {
    const id = `connection-${at * Math.floor(rows / due)}`;
    dueRows.push([`connection:${id}`, await record(id, grant, { issuedAt: now - 29 * day, usedAt: now - 29 * day })]);
  }
  // What is not due is never opened, so that one sealing serves for all of it.
  const [head = "", tail = ""] = first.split('"connection-0"');
  database.exec("BEGIN");
  for (let at = 0; at < rows; at++) {
    const id = `connection-${at}`;
    put.run(`connection:${id}`, `${head}"${id}"${tail}`, `first-${at}`, `user-${at}`, "bank", now + 20 * day + at);
  }
  database.exec("COMMIT");
  let round = 0;
  const reset = () => {
    round++;
    database.exec("BEGIN");
    for (const [at, [key, value]] of dueRows.entries())
      put.run(key, value, `round-${round}-${at}`, `user-${at}`, "bank", now - day + at);
    database.exec("COMMIT");
    database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  };
  return {
    rows,
    async sweep() {
      reset();
      const watched = timedDue(sqliteStore(where.at));
      const connector = application({ origin: server.origin, store: watched.store, keys, rotation: "fixed" });
      const began = performance.now();
      const report = await connector.maintain({ rate: 1_000_000 });
      const milliseconds = performance.now() - began;
      await connector.close();
      if (report.outcomes.renewed !== due) throw new Error(`the sweep did ${JSON.stringify(report.outcomes)}`);
      return { milliseconds, finding: watched.spent() };
    },
    async end() {
      database.close();
      await where.remove();
    },
  };
}

/** The store, and how long its queries for what is due took. */
function timedDue(store: Store): { store: Store; spent(): number } {
  let spent = 0;
  return {
    spent: () => spent,
    store: {
      reach: store.reach,
      read: (key) => store.read(key),
      write: (key, value, options) => store.write(key, value, options),
      remove: (key, options) => store.remove(key, options),
      list: (query) => store.list(query),
      async due(before, query) {
        const began = performance.now();
        const page = await store.due(before, query);
        spent += performance.now() - began;
        return page;
      },
      close: () => store.close(),
    },
  };
}

/** A read, a claim, a request and a commit for each, with statements of SQLite and fetch. */
async function claimsAndCommits(server: Server): Promise<{ run(): Promise<number>; end(): Promise<void> }> {
  const where = await place("sqlite");
  if (!where) throw new Error("there is no place for a file");
  const [refreshToken = ""] = await server.issue();
  const database = new DatabaseSync(where.at);
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
  database.exec("CREATE TABLE records (id INTEGER PRIMARY KEY, value TEXT, lockedUntil REAL)");
  const insert = database.prepare("INSERT OR REPLACE INTO records VALUES (?, ?, 0)");
  const value = JSON.stringify({ accessToken: accessToken(0), refreshToken, padding: "x".repeat(800) });
  database.exec("BEGIN");
  for (let id = 0; id < due; id++) insert.run(id, value);
  database.exec("COMMIT");
  const read = database.prepare("SELECT value FROM records WHERE id = ?");
  const claim = database.prepare("UPDATE records SET lockedUntil = ? WHERE id = ? AND lockedUntil < ?");
  const commit = database.prepare("UPDATE records SET value = ?, lockedUntil = 0 WHERE id = ?");
  async function renew(id: number): Promise<void> {
    const held = JSON.parse(String(read.get(id)?.value)) as { readonly refreshToken: string };
    claim.run(Date.now() + 6000, id, Date.now());
    const response = await fetch(`${server.origin}/token`, {
      method: "POST",
      headers: { authorization: `Basic ${btoa("client:secret")}` },
      body: new URLSearchParams({ grant_type: "refresh_token", refresh_token: held.refreshToken }),
    });
    const answer = (await response.json()) as { readonly access_token: string };
    commit.run(JSON.stringify({ ...held, accessToken: answer.access_token }), id);
  }
  return {
    async run() {
      const began = performance.now();
      let next = 0;
      const worker = async () => {
        for (let id = next++; id < due; id = next++) await renew(id);
      };
      await Promise.all(Array.from({ length: 8 }, worker));
      return performance.now() - began;
    },
    async end() {
      database.close();
      await where.remove();
    },
  };
}
