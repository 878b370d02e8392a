import { ConnectorError, isConnectorError, quote, type ServerContext } from "@linkwright/core";
import {
  AuthorizationResponseError,
  allowInsecureRequests,
  type ClientMetadata,
  Configuration,
  customFetch,
  ResponseBodyError,
  WWWAuthenticateChallengeError,
} from "openid-client";
import { prepared } from "./preparation.ts";
import type { Settings } from "./settings.ts";

/** The server and the client as `openid-client` knows them, on the connector's transport. */
export function configurationOf(settings: Settings, server: ServerContext): Configuration {
  const { clientId, clientMetadata, authentication } = settings;
  const configuration = new Configuration(
    server.metadata as ConstructorParameters<typeof Configuration>[0],
    clientId,
    clientMetadata as Partial<ClientMetadata>,
    (...request) => prepared(settings, server, "authentication", () => authentication.apply(...request)),
  );
  configuration[customFetch] = (url, init) => server.fetch(url, init as RequestInit);
  if (server.insecureLoopback) allowInsecureRequests(configuration);
  return configuration;
}

/**
 * What went wrong, for the caller. A server's own words are quoted; those of the validation are left out, since they may hold
 * what was validated.
 *
 * @param what - What was tried, as the beginning of a sentence.
 */
export function failure(error: unknown, what: string, provider: string): ConnectorError {
  for (let at = error, depth = 0; depth < 5 && at instanceof Error; depth++, at = at.cause)
    if (isConnectorError(at)) return at;
  const refusal = refusalOf(error);
  if (refusal) {
    const said = [refusal.error, refusal.error_description ?? ""]
      .filter((part) => part !== "")
      .map((part) => quote(part));
    return new ConnectorError(
      { kind: "configuration" },
      `${what} was refused (${refusal.status}: ${said.join(": ")}). Check what the client is registered for.`,
      { provider, status: refusal.status, code: quote(refusal.error, 80) },
    );
  }
  const code = codeOf(error);
  const ours = code === "OAUTH_MISSING_SERVER_METADATA" || code === "OAUTH_INVALID_SERVER_METADATA";
  return new ConnectorError(
    { kind: ours ? "configuration" : "protocol" },
    ours
      ? `${what} is not possible: the server's metadata does not say where. Give it in metadata, or do without.`
      : `${what} failed: the server's answer does not hold up (${code}).`,
    { provider, code },
  );
}

/** What a server says no with: the body, or the challenge to a client that did not prove itself (RFC 6749, section 5.2). */
function refusalOf(error: unknown): Pick<ResponseBodyError, "status" | "error" | "error_description"> | undefined {
  if (error instanceof ResponseBodyError) return error;
  if (!(error instanceof WWWAuthenticateChallengeError) || error.status < 400) return undefined;
  const { status, cause } = error;
  const said = cause.find(({ parameters }) => parameters.error)?.parameters;
  const { error_description } = said ?? {};
  return {
    status,
    error: said?.error ?? "invalid_client",
    ...(error_description !== undefined && { error_description }),
  };
}

export function codeOf(error: unknown): string {
  for (let at = error, depth = 0; depth < 5 && at instanceof Error; depth++, at = at.cause)
    if ("code" in at && typeof at.code === "string") return quote(at.code, 80);
  return error instanceof Error ? error.name : "unknown";
}

export { AuthorizationResponseError };
