import { type Clock, type Connection, isConnectorError, systemClock } from "@linkwright/core";
import { counted } from "./attempts.ts";
import { application, owner, type TortureApplication } from "./bank.ts";
import type { CallerCounts, FromWorker, SharedConnection, ToWorker } from "./messages.ts";
import { openStore } from "./stores.ts";

/** One process of the application: callers that ask for tokens in a loop and show them to the API. It may be killed anywhere. */

type Beginning = Extract<ToWorker, { say: "begin" }>;

let hushedUntil = 0;
let stopping = false;
let counts = noCounts();

const tell = (message: FromWorker) => void process.send?.(message);
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

process.on("message", (message: ToWorker) => {
  if (message.say === "begin") run(message).catch(unhandled);
  else if (message.say === "hush") hushedUntil = message.until;
  else stopping = true;
});
process.on("disconnect", () => process.exit(0));
process.on("unhandledRejection", unhandled);
process.on("uncaughtException", unhandled);

function unhandled(error: unknown): void {
  tell({ say: "unhandled", error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
}

async function run(beginning: Beginning): Promise<void> {
  const { bank, timing, freshness, name } = beginning;
  const clock: Clock = { ...systemClock, now: () => Date.now() + beginning.skew };
  const connector = application({
    bank,
    store: openStore(beginning.store, clock),
    clock,
    timing,
    freshness,
    keepFresh: true,
    fetch: counted(name, tell),
  });
  watchOwnPace(timing.claimLength / 4);
  if (beginning.sweeps) connector.scheduleMaintenance({ every: timing.claimLength, rate: 1000 });
  const reporting = setInterval(report, 200);
  tell({ say: "ready" });
  await Promise.all(
    beginning.connections.flatMap((connection) =>
      Array.from({ length: beginning.callers }, () => call(connector, beginning, connection)),
    ),
  );
  clearInterval(reporting);
  await connector.close().catch(() => {});
  report();
  process.disconnect();
}

async function call(connector: TortureApplication, { bank }: Beginning, shared: SharedConnection): Promise<void> {
  let connection: Connection | undefined;
  while (!stopping) {
    const silence = hushedUntil - Date.now();
    await pause(silence > 0 ? silence : 20 + Math.random() * 160);
    if (stopping) return;
    try {
      connection ??= await connector.connection(shared.id, { owner });
      const roll = Math.random();
      // Most tokens are only taken; some are shown to the API, half of those by the framework, which renews what is refused.
      if (roll < 0.7) {
        await connection.accessToken();
        count("served");
      } else if (roll < 0.85) await verify(await fetchWith(bank.api ?? bank.origin, connection), shared);
      else await verify(await connection.fetch("/api/me"), shared);
    } catch (error) {
      note(error, shared);
    }
  }
}

async function fetchWith(api: string, connection: Connection): Promise<Response> {
  const token = await connection.accessToken();
  return fetch(`${api}/api/me`, { headers: { authorization: `Bearer ${token}` } });
}

async function verify(response: Response, shared: SharedConnection): Promise<void> {
  count("served");
  const body = (await response.json()) as { sub?: string };
  if (response.status === 401) return count("stale");
  if (body.sub === shared.subject) return count("verified");
  tell({ say: "wrong", connection: shared.number, subject: String(body.sub) });
}

function note(error: unknown, shared: SharedConnection): void {
  const kind = isConnectorError(error) ? error.fault.kind : "other";
  counts.failed[kind] = (counts.failed[kind] ?? 0) + 1;
  if (!isConnectorError(error)) unhandled(error);
  else if (error.fault.kind === "reauthorize")
    tell({ say: "reauthorize", connection: shared.number, reason: error.fault.reason });
}

/** Tells when this process stood still: suspended, or without a turn on a busy machine. */
function watchOwnPace(limit: number): void {
  const every = limit / 3;
  let last = Date.now();
  setInterval(() => {
    const now = Date.now();
    if (now - last > limit + every) tell({ say: "stood", from: last, to: now });
    last = now;
  }, every);
}

function report(): void {
  tell({ say: "counts", counts });
  counts = noCounts();
}

function count(what: "served" | "verified" | "stale"): void {
  counts[what]++;
}

function noCounts() {
  return { served: 0, verified: 0, stale: 0, failed: {} as Record<string, number> } satisfies CallerCounts;
}
