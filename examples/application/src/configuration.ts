import { type KeyringEntry, misconfigured } from "@linkwright/core";
import type { FiskilOptions } from "@linkwright/fiskil";
import type { FisklConfidentialOptions, FisklPublicOptions } from "@linkwright/fiskl";
import type { FlinksOptions } from "@linkwright/flinks";

/** Variables as in `.env.example`. Those of the simulators have the same names: the same code runs against both. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface Configuration {
  /** Where browsers reach the application; redirect URIs begin with it. */
  readonly origin: string;
  /** The SQLite file. */
  readonly database: string;
  readonly keys: readonly KeyringEntry[];
  readonly registrations: Registrations;
  /** The banks that users are led to. */
  readonly banks: { readonly fiskil?: string; readonly flinks: number };
}

/** What is registered with the providers. One without a client id in the environment is left out. */
export interface Registrations {
  /** Fiskil's Data API: users' bank data. */
  readonly fiskil?: FiskilOptions;
  /** Fiskil's Platform API: another client of the same provider, for a data holder's own products. */
  readonly platform?: FiskilOptions;
  /** Fiskl, as an app with a secret. */
  readonly books?: FisklConfidentialOptions;
  /** Fiskl, as an app without one. */
  readonly desk?: FisklPublicOptions;
  readonly flinks?: FlinksOptions;
}

export type RegistrationName = keyof Registrations;

/** Where a provider sends the browser back to: a path of its own for each registration. */
export const callbackPath = (registration: RegistrationName): string => `/callback/${registration}`;

/**
 * Reads the environment. A variable that is empty counts as absent.
 *
 * @throws {ConnectorError} `configuration`, naming the variable and the remedy; never its value.
 */
export function readConfiguration(environment: Environment): Configuration {
  const read = (name: string) => environment[name]?.trim() || undefined;
  const need = (name: string, remedy: string) => {
    const value = read(name);
    if (value === undefined) throw misconfigured(`${name} is missing; ${remedy}`);
    return value;
  };
  const origin = checkedOrigin(need("APP_ORIGIN", "give the origin that browsers use, such as http://localhost:3000"));
  const redirectUri = (registration: RegistrationName) => origin + callbackPath(registration);
  const secretOf = (clientId: string) => need(clientId.replace(/_ID$/, "_SECRET"), `it belongs to ${clientId}`);

  const fiskilClient = (variable: string, registration: "fiskil" | "platform"): FiskilOptions | undefined => {
    const clientId = read(variable);
    if (clientId === undefined) return undefined;
    return {
      clientId,
      clientSecret: secretOf(variable),
      redirectUri: redirectUri(registration),
      webhookSecret: read("FISKIL_WEBHOOK_SECRET"),
      teamId: read("FISKIL_TEAM_ID"),
      baseUrl: read("FISKIL_BASE_URL"),
      authOrigin: read("FISKIL_AUTH_ORIGIN"),
    };
  };
  const fiskil = fiskilClient("FISKIL_CLIENT_ID", "fiskil");
  const platform = fiskilClient("FISKIL_PLATFORM_CLIENT_ID", "platform");

  const fisklServer = fisklServerOf(read);
  const booksId = read("FISKL_CONFIDENTIAL_CLIENT_ID");
  const deskId = read("FISKL_PUBLIC_CLIENT_ID");
  const flinksId = read("FLINKS_CLIENT_ID");
  const fiskilBank = read("FISKIL_INSTITUTION_ID");

  return {
    origin,
    database: need("LINKWRIGHT_DATABASE", "name the SQLite file to keep connections in"),
    keys: readKeys(need("LINKWRIGHT_KEYS", "give a key as id:base64; .env.example says how to make one")),
    registrations: {
      ...(fiskil && { fiskil }),
      ...(platform && { platform }),
      ...(booksId && {
        books: {
          ...fisklServer,
          client: "confidential",
          clientId: booksId,
          clientSecret: secretOf("FISKL_CONFIDENTIAL_CLIENT_ID"),
          redirectUri: redirectUri("books"),
          scope: ["invoicing:read", "contacts:read"],
        } as const,
      }),
      ...(deskId && {
        desk: {
          ...fisklServer,
          client: "public",
          clientId: deskId,
          redirectUri: redirectUri("desk"),
          scope: ["contacts:read"],
        } as const,
      }),
      ...(flinksId && {
        flinks: {
          clientId: flinksId,
          clientSecret: secretOf("FLINKS_CLIENT_ID"),
          redirectUri: redirectUri("flinks"),
          scope: ["TRANSACTIONS"],
          ...defined({ baseUrl: read("FLINKS_BASE_URL"), tokenUrl: read("FLINKS_TOKEN_URL") }),
        },
      }),
    },
    banks: {
      ...(fiskilBank && { fiskil: fiskilBank }),
      flinks: wholeNumber("FLINKS_PROVIDER_ID", read("FLINKS_PROVIDER_ID") ?? "1000"),
    },
  };
}

/** Fiskl publishes no endpoints: those that were told, else what the issuer's metadata document names. */
function fisklServerOf(read: (name: string) => string | undefined) {
  const authorization = read("FISKL_AUTHORIZATION_ENDPOINT");
  const token = read("FISKL_TOKEN_ENDPOINT");
  const revocation = read("FISKL_REVOCATION_ENDPOINT");
  return {
    ...defined({ baseUrl: read("FISKL_BASE_URL"), issuer: read("FISKL_ISSUER") }),
    ...(authorization && token
      ? { endpoints: { authorization, token, ...defined({ revocation }) } }
      : { discovery: true }),
  };
}

function checkedOrigin(value: string): string {
  const url = URL.parse(value);
  if (url && ["http:", "https:"].includes(url.protocol) && url.href === `${url.origin}/`) return url.origin;
  throw misconfigured("APP_ORIGIN is no origin; write scheme, host and port alone, such as http://localhost:3000");
}

/** `id:base64`, newest first, separated by commas. */
function readKeys(text: string): readonly KeyringEntry[] {
  return text.split(",").map((entry) => {
    const [, id, base64] = /^\s*([^:\s]+):([A-Za-z0-9+/_=-]+)\s*$/.exec(entry) ?? [];
    const key = new Uint8Array(Buffer.from(base64 ?? "", "base64"));
    if (id === undefined || key.byteLength !== 32)
      throw misconfigured(
        "LINKWRIGHT_KEYS holds an entry that is not id:base64 of 32 bytes; .env.example says how to make one",
      );
    return { id, key };
  });
}

function wholeNumber(name: string, value: string): number {
  if (/^\d+$/.test(value)) return Number(value);
  throw misconfigured(`${name} is no whole number; give the id from Flinks's list of providers`);
}

/** The same members without those that are `undefined`. */
function defined<T extends object>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
