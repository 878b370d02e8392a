import type { RegistrationName } from "@linkwright/example-application";
import type { JournalEntry, Simulator } from "@linkwright/testing";
import type { World } from "./world.ts";

/** What the simulators' journals tell of one registration. */
export interface Traffic {
  tokenRequests(): number;
  apiCalls(): number;
}

/** Reads the journals. Token requests are told apart by client id, API calls by their paths. */
export function trafficOf({ simulators }: World): Readonly<Record<RegistrationName, Traffic>> {
  const { fiskil, fiskl, flinks, environment } = simulators;
  const traffic = (
    { journal }: Simulator,
    clientId: string | undefined,
    tokenPath: string,
    api: (path: string) => boolean,
  ): Traffic => ({
    tokenRequests: () => journal.count({ path: tokenPath, match: (entry) => clientOf(entry) === clientId }),
    apiCalls: () => journal.count({ match: ({ path, headers }) => "authorization" in headers && api(path) }),
  });
  const products = (path: string) => path.startsWith("/v1/data-provider/");
  return {
    fiskil: traffic(fiskil, environment.FISKIL_CLIENT_ID, "/v1/token", (path) => !products(path)),
    platform: traffic(fiskil, environment.FISKIL_PLATFORM_CLIENT_ID, "/v1/token", products),
    books: traffic(fiskl, environment.FISKL_CONFIDENTIAL_CLIENT_ID, "/oauth/token", (path) => path === "/v1/invoices"),
    desk: traffic(fiskl, environment.FISKL_PUBLIC_CLIENT_ID, "/oauth/token", (path) => path === "/v1/clients"),
    flinks: traffic(flinks, environment.FLINKS_CLIENT_ID, "/api/v1/token", (path) => path.startsWith("/api/fdx/")),
  };
}

/** The client behind a token request: in the JSON body, in the form, or in the Authorization header. */
function clientOf({ json, form, headers }: JournalEntry): string | undefined {
  const named = (json as { client_id?: unknown } | undefined)?.client_id ?? form?.client_id;
  if (typeof named === "string") return named;
  const [, basic] = /^Basic (.+)$/.exec(headers.authorization ?? "") ?? [];
  const [encoded = ""] = Buffer.from(basic ?? "", "base64")
    .toString()
    .split(":");
  return encoded === "" ? undefined : decodeURIComponent(encoded);
}
