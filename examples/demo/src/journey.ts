import type { Connection } from "@linkwright/core";
import type { RegistrationName, SampleConnector } from "@linkwright/example-application";
import { present } from "./checks.ts";
import type { World } from "./world.ts";

/** One walk through a world: who walks, and what the closing table will tell. */
export interface Journey {
  readonly world: World;
  readonly owner: string;
  /** The connector's handles; in a simulated world every registration has one. */
  readonly handles: Required<SampleConnector["providers"]>;
  readonly ledger: Map<RegistrationName, Entry>;
}

/** What the table will tell of a connection that is gone by then. */
export interface Entry {
  readonly account: string | undefined;
  /** How it stood, one state after another. */
  readonly states: readonly string[];
}

export const owner = "ada";

/** Writes down how the connection stands now. */
export async function note({ ledger }: Journey, connection: Connection): Promise<void> {
  const { account, health, reason } = await connection.status();
  const registration = connection.registration as RegistrationName;
  const before = ledger.get(registration)?.states ?? [];
  const state = reason === undefined ? health : `${health} (${reason})`;
  ledger.set(registration, { account, states: before.at(-1) === state ? before : [...before, state] });
}

export function startJourney(world: World): Journey {
  const { fiskil, platform, books, desk, flinks } = world.application.connector.providers;
  const handles = {
    fiskil: present("registration fiskil", fiskil),
    platform: present("registration platform", platform),
    books: present("registration books", books),
    desk: present("registration desk", desk),
    flinks: present("registration flinks", flinks),
  };
  return { world, owner, handles, ledger: new Map() };
}

/** The walker's only connection of that registration. */
export async function connectionOf(journey: Journey, registration: RegistrationName): Promise<Connection> {
  const found = (await connectionsOf(journey)).filter((one) => one.registration === registration);
  return present(`one connection of ${registration}`, found.length === 1 ? found[0] : undefined);
}

export async function connectionsOf({ world, owner }: Pick<Journey, "world" | "owner">): Promise<Connection[]> {
  const found: Connection[] = [];
  for await (const connection of world.application.connector.connections({ owner })) found.push(connection);
  return found;
}
