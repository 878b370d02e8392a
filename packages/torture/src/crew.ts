import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { FromWorker, ToWorker } from "./messages.ts";

/** Something that happened to a process. Instants are epoch milliseconds. */
export interface Incident {
  readonly worker: string;
  /** `stood`: it had no turn for a while without our doing. */
  readonly kind: "killed" | "frozen" | "stood";
  readonly from: number;
  readonly to: number;
}

/** A place in the crew: when its process is killed, another one takes it. */
interface Place {
  readonly number: number;
  incarnation: number;
  process: ChildProcess | undefined;
  name: string;
  frozen: boolean;
}

/** The workers: real processes, which can be killed, suspended and restarted, each by its own id. */
export interface Crew {
  readonly incidents: readonly Incident[];
  /** Processes that ended without being told to, or did not when they were. */
  readonly unruly: readonly string[];
  /** Names of those that run now. */
  readonly running: readonly string[];
  tell(message: ToWorker): void;
  /** Kills it at once; another one takes its place `after` milliseconds later. */
  kill(worker: string, after: number): void;
  freeze(worker: string, forMs: number): void;
  /** Lets everybody end what they are doing; kills who does not within the time. */
  dismiss(withinMs: number): Promise<void>;
}

export interface CrewOptions {
  readonly size: number;
  begin(name: string, place: number): ToWorker;
  heard(worker: string, message: FromWorker): void;
}

const program = fileURLToPath(new URL("./worker.ts", import.meta.url));

const started = new Set<ChildProcess>();

/** Starts a program of this package in a process of its own, which does not outlive this one, not even suspended. */
export function start(path: string): ChildProcess {
  if (started.size === 0) process.once("exit", endAll);
  const child = fork(path, [], {
    execArgv: ["--conditions=@linkwright/source", "--disable-warning=ExperimentalWarning"],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
    env: { ...process.env, NODE_OPTIONS: "" },
  });
  started.add(child);
  return child;
}

function endAll(): void {
  for (const child of started) if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
}

export async function assemble({ size, begin, heard }: CrewOptions): Promise<Crew> {
  const incidents: { -readonly [Member in keyof Incident]: Incident[Member] }[] = [];
  const unruly: string[] = [];
  const timers = new Set<NodeJS.Timeout>();
  let dismissed = false;

  const later = (ms: number, work: () => void) => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      work();
    }, ms);
    timers.add(timer);
  };

  function launch(place: Place): Promise<void> {
    place.name = `${place.number}.${++place.incarnation}`;
    const child = start(program);
    const { name } = place;
    place.process = child;
    place.frozen = false;
    const ready = Promise.withResolvers<void>();
    child.on("message", (message: FromWorker) => {
      if (message.say === "ready") ready.resolve();
      if (message.say === "stood") incidents.push({ worker: name, kind: "stood", from: message.from, to: message.to });
      heard(name, message);
    });
    child.once("exit", (code, signal) => {
      if (place.process === child) {
        place.process = undefined;
        if (!dismissed) unruly.push(`process ${name} ended by itself (${signal ?? code})`);
      }
      ready.resolve();
    });
    child.send(begin(name, place.number));
    return ready.promise;
  }

  const places: Place[] = Array.from({ length: size }, (_, number) => ({
    number,
    incarnation: 0,
    process: undefined,
    name: "",
    frozen: false,
  }));
  await Promise.all(places.map(launch));
  const placeOf = (worker: string) => places.find(({ name, process }) => name === worker && process !== undefined);

  return {
    incidents,
    unruly,
    get running() {
      return places.filter(({ process }) => process !== undefined).map(({ name }) => name);
    },
    tell(message) {
      for (const { process } of places) if (process?.connected) process.send(message);
    },
    kill(worker, after) {
      const place = placeOf(worker);
      if (!place?.process || dismissed) return;
      place.process.kill("SIGKILL");
      place.process = undefined;
      const now = Date.now();
      incidents.push({ worker, kind: "killed", from: now, to: Number.POSITIVE_INFINITY });
      later(after, () => {
        if (!dismissed) void launch(place);
      });
    },
    freeze(worker, forMs) {
      const place = placeOf(worker);
      const child = place?.process;
      if (!place || !child || place.frozen || dismissed) return;
      place.frozen = true;
      child.kill("SIGSTOP");
      const from = Date.now();
      const incident = { worker, kind: "frozen" as const, from, to: from + forMs };
      incidents.push(incident);
      later(forMs, () => {
        child.kill("SIGCONT");
        incident.to = Date.now();
        place.frozen = false;
      });
    },
    async dismiss(withinMs) {
      dismissed = true;
      for (const timer of timers) clearTimeout(timer);
      const children = places.flatMap(({ process }) => process ?? []);
      const gone = children.map((child) =>
        child.exitCode === null && child.signalCode === null ? once(child, "exit") : undefined,
      );
      for (const child of children) {
        child.kill("SIGCONT");
        if (child.connected) child.send({ say: "stop" } satisfies ToWorker);
      }
      const late = setTimeout(() => {
        for (const { name, process } of places)
          if (process?.kill("SIGKILL")) unruly.push(`process ${name} did not end within ${withinMs} ms`);
      }, withinMs);
      await Promise.all(gone);
      clearTimeout(late);
    },
  };
}
