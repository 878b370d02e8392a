import { type Connector, isConnectorError } from "@linkwright/core";
import { createApplication } from "./application.ts";
import { type Environment, readConfiguration } from "./configuration.ts";
import { buildConnector, type SampleConnector, type Surroundings } from "./connector.ts";
import type { Listener } from "./server.ts";

export interface RunningApplication {
  readonly origin: string;
  readonly connector: SampleConnector;
  /** Ends maintenance, then the listener, then the connector. */
  close(): Promise<void>;
}

export interface RunOptions extends Surroundings {
  /** Real milliseconds between two sweeps; none where it is left out. */
  readonly maintainEvery?: number;
}

/** Puts the application behind a listener. */
export async function runApplication(
  environment: Environment,
  listener: Listener,
  { maintainEvery, ...surroundings }: RunOptions = {},
): Promise<RunningApplication> {
  const configuration = readConfiguration(environment);
  const connector = buildConnector(configuration, surroundings);
  await connector.ready();
  listener.answerWith(createApplication(connector, configuration, surroundings.clock).fetch);
  const stop = maintainEvery === undefined ? async () => {} : keepMaintained(connector, maintainEvery);
  return {
    origin: configuration.origin,
    connector,
    async close() {
      await stop();
      await listener.close();
      await connector.close();
    },
  };
}

/** Sweeps over what is due, again and again, never twice at once. Any number of processes may do so. */
function keepMaintained(
  connector: Pick<Connector<Record<never, never>>, "maintain">,
  pause: number,
): () => Promise<void> {
  const stop = new AbortController();
  let sweep: Promise<unknown> = Promise.resolve();
  const timer = setInterval(() => {
    sweep = sweep.then(() => connector.maintain({ signal: stop.signal })).catch(report);
  }, pause);
  return async () => {
    clearInterval(timer);
    stop.abort();
    await sweep;
  };
}

function report(error: unknown): void {
  console.error(`Maintenance: ${isConnectorError(error) ? error.message : String(error)}`);
}
