import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { FisklPublicOptions } from "@linkwright/fiskl";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Where the simulator says that it answers, for the other commands. */
export const simulatorFile = (directory: string): string => join(directory, "simulator.json");

/** Registered with Fiskl, port included: Fiskl compares it byte for byte. */
export const redirectUriOf = ({ BOOKS_REDIRECT_URI }: Environment): string =>
  BOOKS_REDIRECT_URI || "http://localhost:8976/callback";

/** Fiskl as the environment describes it, or, where it names no client, the simulator. */
export async function fisklOf(
  environment: Environment,
  directory: string,
): Promise<{ readonly options: FisklPublicOptions; readonly simulated: boolean }> {
  const { FISKL_CLIENT_ID: clientId, FISKL_AUTHORIZATION_ENDPOINT, FISKL_TOKEN_ENDPOINT } = environment;
  const common = {
    client: "public",
    redirectUri: redirectUriOf(environment),
    scope: ["invoicing:read", "contacts:read"],
  } as const;
  if (!clientId) {
    const { api, issuer } = await simulatorAt(directory);
    return {
      options: { ...common, clientId: simulatedClient, discovery: true, issuer, baseUrl: api },
      simulated: true,
    };
  }
  if (!FISKL_AUTHORIZATION_ENDPOINT || !FISKL_TOKEN_ENDPOINT)
    throw new Error("FISKL_CLIENT_ID is set: FISKL_AUTHORIZATION_ENDPOINT and FISKL_TOKEN_ENDPOINT are needed too.");
  const { FISKL_REVOCATION_ENDPOINT: revocation } = environment;
  const endpoints = {
    authorization: FISKL_AUTHORIZATION_ENDPOINT,
    token: FISKL_TOKEN_ENDPOINT,
    ...(revocation && { revocation }),
  };
  return { options: { ...common, clientId, endpoints }, simulated: false };
}

/** The client that the simulator knows. */
export const simulatedClient = "books-command-line";

async function simulatorAt(directory: string): Promise<{ api: string; issuer: string }> {
  const text = await readFile(simulatorFile(directory), "utf8").catch(() => {
    throw new Error("No Fiskl to talk to: run `books simulate` in another terminal, or set FISKL_CLIENT_ID.");
  });
  return JSON.parse(text) as { api: string; issuer: string };
}

/** Makes the directory, for its user alone. */
export async function makeDirectory(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
}
