import { ConnectorError, isConnectorError, type ServerContext } from "@linkwright/core";
import { decodeJwt } from "jose";
import { AuthorizationResponseError, skipStateCheck, validateJwtAuthResponse } from "oauth4webapi";
import { codeOf } from "./server.ts";
import type { Settings } from "./settings.ts";
import { validation } from "./signed.ts";

/** `state` as a signed response has it, read without a look at the signature: it names the flow, no more. */
export function stateWithin(callback: URLSearchParams): string | undefined {
  try {
    const { state } = decodeJwt(callback.get("response") ?? "");
    return typeof state === "string" ? state : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The parameters of a signed authorization response (JARM): by this server's key, from its issuer, for this client, in time. A
 * plain one is refused. `state` is compared where the flow is known.
 */
export async function signedResponse(
  settings: Settings,
  callback: URLSearchParams,
  server: ServerContext,
): Promise<URLSearchParams> {
  const { as, client, options } = validation(settings, server);
  try {
    return await validateJwtAuthResponse(as, client, callback, skipStateCheck, options);
  } catch (error) {
    // A refusal, as well signed as a code.
    if (error instanceof AuthorizationResponseError) return error.cause;
    if (isConnectorError(error)) throw error;
    throw new ConnectorError(
      { kind: "flow", reason: "issuer" },
      `The callback is not signed by the server as it must be (JARM: ${codeOf(error)}). Begin the authorization again.`,
      { provider: settings.id, code: codeOf(error) },
    );
  }
}
