import type { AuthorizationBegun, AuthorizationRequest, ServerContext } from "@linkwright/core";
import {
  buildAuthorizationUrl,
  buildAuthorizationUrlWithJAR,
  buildAuthorizationUrlWithPAR,
  modifyAssertion,
  randomNonce,
  useJwtResponseMode,
} from "openid-client";
import { renameEd25519 } from "./authentication.ts";
import { bad } from "./checks.ts";
import { thumbprint } from "./dpop.ts";
import { prepared } from "./preparation.ts";
import { otherAlgorithm } from "./profile.ts";
import { configurationOf, failure } from "./server.ts";
import type { Settings } from "./settings.ts";

/**
 * The authorization request as the server wants it: plain, signed (JAR, RFC 9101), pushed (PAR, RFC 9126), or both. Pushed,
 * only `client_id` and `request_uri` pass through the browser.
 */
export async function beginAuthorization(
  settings: Settings,
  { parameters, proofKey }: AuthorizationRequest,
  server: ServerContext,
): Promise<AuthorizationBegun> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(settings.parameters))
    if (!parameters.has(name)) parameters.set(name, value);
  const scope = (parameters.get("scope") ?? "").split(" ");
  if (scope.includes("openid")) {
    kept.nonce = randomNonce();
    parameters.set("nonce", kept.nonce);
    const maxAge = parameters.get("max_age");
    if (maxAge !== null) Object.assign(kept, { maxAge, begun: server.clock.now().toString() });
  }
  // Without it a server must ignore offline_access (OpenID Connect Core 1.0, section 11).
  if (scope.includes("offline_access") && !parameters.has("prompt")) parameters.set("prompt", "consent");
  for (const resource of settings.resource) parameters.append("resource", resource);
  if (proofKey !== undefined) parameters.set("dpop_jkt", await thumbprint(proofKey));
  return { url: (await urlOf(settings, parameters, server)).href, kept };
}

async function urlOf(settings: Settings, parameters: URLSearchParams, server: ServerContext): Promise<URL> {
  const { jar, jarm, algorithms, par = server.metadata.require_pushed_authorization_requests === true } = settings;
  const what = par ? "The pushed authorization request" : "The authorization request";
  try {
    const configuration = configurationOf(settings, server);
    if (jarm) useJwtResponseMode(configuration);
    const known = server.metadata.request_object_signing_alg_values_supported;
    const look = (header: { alg?: unknown }) => {
      if (algorithms && !algorithms.includes(header.alg as string)) bad("jar", otherAlgorithm);
      renameEd25519(header, known as readonly string[] | undefined);
    };
    const url = jar
      ? await buildAuthorizationUrlWithJAR(configuration, parameters, await prepared(settings, server, "jar", jar), {
          [modifyAssertion]: look,
        })
      : buildAuthorizationUrl(configuration, parameters);
    return par ? await buildAuthorizationUrlWithPAR(configuration, own(url, server)) : url;
  } catch (error) {
    throw failure(error, what, settings.id);
  }
}

/** The request's parameters without those that the authorization endpoint's own address has. */
function own({ searchParams }: URL, { metadata }: ServerContext): URLSearchParams {
  const parameters = new URLSearchParams(searchParams);
  for (const [name, value] of new URL(metadata.authorization_endpoint ?? "").searchParams)
    parameters.delete(name, value);
  return parameters;
}
