import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  buildConnector,
  type Environment,
  listen,
  type RunningApplication,
  readConfiguration,
  runApplication,
  type SampleConnector,
} from "@linkwright/example-application";
import { type Simulators, startSimulators } from "@linkwright/example-application/simulators";
import { createVisitor, type Visitor } from "@linkwright/example-application/visitor";
import { type VirtualClock, virtualClock } from "@linkwright/testing";
import { environmentOf } from "./environment.ts";

/** The simulators and the sample application, on one clock. */
export interface World extends AsyncDisposable {
  readonly clock: VirtualClock;
  readonly simulators: Simulators;
  readonly application: RunningApplication;
  /** Somebody's browser, in which nobody is signed in yet. */
  readonly visitor: Visitor;
  /** A connector as another process of the application would have it: the same file, nothing else in common. */
  anotherInstance(): SampleConnector;
}

export interface WorldOptions {
  /** Variables that stand above those of the simulators; see `.env.example`. */
  readonly environment?: Environment;
  /** Of the application. Default: a free one. */
  readonly port?: number;
  /** Real milliseconds between two sweeps of maintenance; none where it is left out. */
  readonly maintainEvery?: number;
}

/** Starts everything on a fresh SQLite file; disposing of it ends everything and removes the file. */
export async function openWorld({ environment: own = {}, port = 0, maintainEvery }: WorldOptions = {}): Promise<World> {
  await using stack = new AsyncDisposableStack();
  const clock = virtualClock({ running: true });

  const directory = await mkdtemp(join(tmpdir(), "linkwright-demo-"));
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const listener = await listen({ port });
  stack.defer(() => listener.close());
  // By name and not by number, since Fiskl takes plain http for `localhost` alone.
  const origin = own.APP_ORIGIN?.trim() || `http://localhost:${listener.port}`;
  const simulators = await startSimulators({ clock, origin });
  stack.defer(() => simulators.close());

  const environment = environmentOf({
    own,
    simulated: simulators.environment,
    application: {
      APP_ORIGIN: origin,
      LINKWRIGHT_DATABASE: join(directory, "demo.db"),
      LINKWRIGHT_KEYS: `demo:${randomBytes(32).toString("base64")}`,
    },
  });
  const surroundings = { clock, loopback: true };
  const application = await runApplication(environment, listener, {
    ...surroundings,
    ...(maintainEvery !== undefined && { maintainEvery }),
  });
  stack.defer(() => application.close());

  const started = stack.move();
  return {
    clock,
    simulators,
    application,
    visitor: createVisitor(origin),
    anotherInstance() {
      const connector = buildConnector(readConfiguration(environment), surroundings);
      started.defer(() => connector.close());
      return connector;
    },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}
