import { parseArgs } from "node:util";

/** How the server takes a refresh token that comes a second time. */
export type ServerKind =
  /** Rotates, and answers a spent token with the same successors for a while. */
  | "grace"
  /** Rotates, and ends the family at a second presentation. */
  | "strict"
  /** Never rotates. */
  | "fixed";

export type StoreKind = "sqlite" | "postgres" | "redis";

/** What a torture is made of. Rates are chances: of faults per token request, of the rest per expiry. */
export interface TortureOptions {
  readonly seed: number;
  readonly server: ServerKind;
  readonly store: StoreKind;
  readonly processes: number;
  readonly connections: number;
  /** Callers in each process and for each connection. */
  readonly callers: number;
  /** How many sets of tokens the server issues before the run ends, all connections together. */
  readonly expiries: number;
  /** Of an access token: whole seconds, as the wire knows no others. */
  readonly lifetime: number;
  /** By how much the lengths of the protocol are shortened. */
  readonly scale: number;
  /** For how long the `grace` server answers a spent token: seconds of the real protocol, shortened like the rest. */
  readonly grace: number;
  /** A process is killed with SIGKILL. */
  readonly kills: number;
  /** A process is suspended with SIGSTOP for a while. */
  readonly freezes: number;
  /** The longest a process is suspended: seconds of the real protocol. */
  readonly freezeLength: number;
  /** The store cannot be reached, or cannot be written to, for a while. */
  readonly outages: number;
  /** The longest such while: seconds of the real protocol. */
  readonly outageLength: number;
  /** Every caller is silent until the token has expired, then all ask at once. */
  readonly storms: number;
  /** The server ends all access tokens before their time. */
  readonly revocations: number;
  /** A token request is answered late. */
  readonly slow: number;
  /** A token request is handled and its answer lost. */
  readonly lost: number;
  /** A token request is answered with 500 or 503. */
  readonly errors: number;
  /** A token request is never answered, nor handled. */
  readonly stalls: number;
  /** Workers' wall clocks are wrong by up to so much, either way: seconds of the real protocol. */
  readonly skew: number;
}

export const defaults: TortureOptions = {
  seed: 1,
  server: "grace",
  store: "sqlite",
  processes: 8,
  connections: 1,
  callers: 4,
  expiries: 1000,
  lifetime: 1,
  scale: 10,
  grace: 60,
  kills: 0.02,
  freezes: 0.02,
  freezeLength: 12,
  outages: 0.01,
  outageLength: 12,
  storms: 0.2,
  revocations: 0.05,
  slow: 0.05,
  lost: 0,
  errors: 0.02,
  stalls: 0.01,
  skew: 8,
};

const choices = { server: ["grace", "strict", "fixed"], store: ["sqlite", "postgres", "redis"] } as const;

/**
 * Reads a command line.
 *
 * @throws TypeError naming the option and what it takes.
 */
export function readOptions(args: readonly string[]): TortureOptions & { readonly json: boolean } {
  const names = Object.keys(defaults) as (keyof TortureOptions)[];
  const { values } = parseArgs({
    args: [...args],
    options: { json: { type: "boolean" }, ...Object.fromEntries(names.map((name) => [name, { type: "string" }])) },
  } as const);
  const given = values as Readonly<Record<string, string | boolean | undefined>>;
  // Printed with the report, so that a run can be asked for again.
  const seed = given.seed ?? `${Date.now() % 1_000_000}`;
  const read: Record<string, string | number> = {};
  for (const name of names) {
    const value = name === "seed" ? seed : (given[name] ?? defaults[name]);
    read[name] = name === "server" || name === "store" ? chosen(name, value) : number(name, value);
  }
  return { ...(read as unknown as TortureOptions), json: given.json === true };
}

/** @throws TypeError */
export function chosen<Name extends keyof typeof choices>(name: Name, value: unknown): TortureOptions[Name] {
  if ((choices[name] as readonly unknown[]).includes(value)) return value as TortureOptions[Name];
  throw new TypeError(`--${name} is one of ${choices[name].join(", ")}; it was ${String(value)}.`);
}

/** @throws TypeError */
export function number(name: string, value: unknown): number {
  const read = Number(value);
  if (Number.isFinite(read) && read >= 0) return read;
  throw new TypeError(`--${name} is a number from 0; it was ${String(value)}.`);
}
