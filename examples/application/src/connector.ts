import { allowInsecureLoopback, type Clock, createConnector, keyring, systemClock } from "@linkwright/core";
import { fiskil } from "@linkwright/fiskil";
import { fiskl } from "@linkwright/fiskl";
import { flinks } from "@linkwright/flinks";
import { sqliteStore } from "@linkwright/store-sqlite";
import type { Configuration } from "./configuration.ts";

/** What only simulators need. Not part of the configuration, so that no environment can ask for it. */
export interface Surroundings {
  readonly clock?: Clock;
  /** Allows plain http to this machine's loopback. */
  readonly loopback?: boolean;
}

/** The connector with every registration that is configured. */
export type SampleConnector = ReturnType<typeof buildConnector>;

/** Does no I/O: `ready()` does. */
export function buildConnector(
  { registrations, database, keys }: Configuration,
  { clock = systemClock, loopback = false }: Surroundings = {},
) {
  return createConnector({
    providers: {
      ...(registrations.fiskil && { fiskil: fiskil(registrations.fiskil) }),
      ...(registrations.platform && { platform: fiskil(registrations.platform) }),
      ...(registrations.books && { books: fiskl(registrations.books) }),
      ...(registrations.desk && { desk: fiskl(registrations.desk) }),
      ...(registrations.flinks && { flinks: flinks(registrations.flinks) }),
    },
    store: sqliteStore({ path: database, clock }),
    keys: keyring(keys),
    clock,
    [allowInsecureLoopback]: loopback,
  });
}
