import type { ServerContext } from "@linkwright/core";
import {
  type AuthorizationServer,
  allowInsecureRequests,
  type Client,
  customFetch,
  jwksCache,
  type ValidateSignatureOptions,
} from "oauth4webapi";
import type { Settings } from "./settings.ts";

/** What validating something that the server signed takes. */
export function validation(
  { clientId, clientMetadata, algorithms, jwks }: Settings,
  server: ServerContext,
): { readonly as: AuthorizationServer; readonly client: Client; readonly options: ValidateSignatureOptions } {
  return {
    as: algorithms === undefined ? server.metadata : narrowed(server.metadata, algorithms),
    client: { ...clientMetadata, client_id: clientId },
    options: {
      [customFetch]: (url, { method, headers }) => server.fetch(url, { method, headers }),
      [allowInsecureRequests]: server.insecureLoopback,
      [jwksCache]: jwks,
    },
  };
}

/** The server's metadata with those algorithms alone that the profile allows, whatever else the server offers. */
function narrowed(metadata: AuthorizationServer, algorithms: readonly string[]): AuthorizationServer {
  const allowed = (offered: readonly string[] | undefined) =>
    offered ? offered.filter((algorithm) => algorithms.includes(algorithm)) : [...algorithms];
  return {
    ...metadata,
    id_token_signing_alg_values_supported: allowed(metadata.id_token_signing_alg_values_supported),
    authorization_signing_alg_values_supported: allowed(metadata.authorization_signing_alg_values_supported),
  };
}
