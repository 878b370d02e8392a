import type { Environment } from "@linkwright/example-application";

export interface EnvironmentParts {
  /** What the operator has set. */
  readonly own: Environment;
  readonly simulated: Environment;
  /** The application's own variables: its origin, and a file and keys that may be thrown away. */
  readonly application: Environment;
}

/** Variables of each provider begin alike. */
const prefixes = ["FISKIL_", "FISKL_", "FLINKS_"];

/**
 * The environment of an application whose operator has credentials for some providers, all, or none: a provider with a client
 * id of the operator's is the real one, with nothing of the simulator's; the others are simulated.
 */
export function environmentOf({ own, simulated, application }: EnvironmentParts): Environment {
  const real = realPrefixes(own);
  const isReal = (name: string) => real.some((prefix) => name.startsWith(prefix));
  const isProviders = (name: string) => prefixes.some((prefix) => name.startsWith(prefix));
  return {
    ...chosen(simulated, (name) => !isReal(name)),
    ...chosen(own, (name) => isReal(name) || !isProviders(name)),
    // Real users' grants are kept where the operator says; those of simulated ones nowhere that anybody would look again.
    ...chosen(application, (name) => real.length === 0 || name === "APP_ORIGIN"),
  };
}

/** Providers for which the operator has a client id, by their prefix. */
export function realPrefixes(own: Environment): readonly string[] {
  return prefixes.filter((prefix) =>
    Object.entries(own).some(([name, value]) => name.startsWith(prefix) && name.endsWith("CLIENT_ID") && isSet(value)),
  );
}

function chosen(environment: Environment, which: (name: string) => boolean): Environment {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => which(name)));
}

const isSet = (value: string | undefined): boolean => value !== undefined && value.trim() !== "";
