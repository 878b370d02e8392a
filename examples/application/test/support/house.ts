import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { listen, runApplication } from "@linkwright/example-application";
import { startSimulators } from "@linkwright/example-application/simulators";
import { createVisitor } from "@linkwright/example-application/visitor";
import { virtualClock } from "@linkwright/testing";
import { tlsProxy } from "./tls-proxy.ts";

export interface HouseOptions {
  /** What the clock shows at first. Default: the present. */
  readonly start?: string;
  /** Whether browsers reach it through a proxy that ends TLS. Fiskil's messages do not, as nobody signed its certificate. */
  readonly tls?: boolean;
}

/** The application on a port of its own, against the simulators. */
export async function house({ start, tls = false }: HouseOptions = {}) {
  await using stack = new AsyncDisposableStack();
  const clock = virtualClock({ running: true, ...(start !== undefined && { start }) });
  const directory = await mkdtemp(join(tmpdir(), "linkwright-application-"));
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const listener = await listen({ port: 0 });
  const proxy = tls ? await tlsProxy(listener.port) : undefined;
  stack.defer(() => proxy?.close());
  const origin = proxy?.origin ?? `http://localhost:${listener.port}`;
  const simulators = await startSimulators({ clock, origin });
  stack.defer(() => simulators.close());
  const environment = {
    ...simulators.environment,
    APP_ORIGIN: origin,
    LINKWRIGHT_DATABASE: join(directory, "test.db"),
    LINKWRIGHT_KEYS: `test:${randomBytes(32).toString("base64")}`,
  };
  const application = await runApplication(environment, listener, { clock, loopback: true });
  stack.defer(() => application.close());
  // A message that is on its way is taken in before the application ends.
  stack.defer(() => simulators.fiskil.webhooks.settled());
  const started = stack.move();

  return {
    origin,
    clock,
    simulators,
    connector: application.connector,
    async signedIn(user: string) {
      const visitor = createVisitor(origin);
      await visitor.signIn(user);
      return visitor;
    },
    /** Lets time fly, fiftyfold, while `work` waits for it: deadlines of requests under way run by the same clock. */
    async whileTimeFlies<T>(work: Promise<T>): Promise<T> {
      let settled = false;
      const watched = work.finally(() => {
        settled = true;
      });
      watched.catch(() => {});
      while (!settled) {
        await clock.advance(250);
        await pause(5);
      }
      return watched;
    },
    async connectionsOf(owner: string) {
      const found = [];
      for await (const connection of application.connector.connections({ owner })) found.push(connection);
      return found;
    },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

/** A page as a person reads it: without tags and runs of spaces. */
export function readText(page: string): string {
  return page
    .replace(/<head>[\s\S]*?<\/head>/, " ")
    .replace(/<[^>]*>/g, " ")
    .replace(/\s+/g, " ")
    .trim();
}
