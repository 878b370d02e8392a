import { type Connection, createConnection } from "./connection.ts";
import { misconfigured } from "./faults.ts";
import { ownRow } from "./flow.ts";
import { extensionGrant } from "./grants/extension.ts";
import { TokenFailure, type TokenSet } from "./grants/token-endpoint.ts";
import { keepTokens } from "./new-grant.ts";
import type { ExtensionGrantRequest } from "./provider-context.ts";
import type { Registration } from "./registration.ts";
import type { Renewal } from "./renewal.ts";
import type { Runtime } from "./runtime.ts";
import { newGrantError } from "./token-errors.ts";

/** A connection of the tokens that an extension grant brings (RFC 6749, section 4.5). */
export async function connectBy(
  runtime: Runtime,
  renewal: Renewal,
  registration: Registration,
  { grantType, parameters, owner, scope = [], connection, refreshToken }: ExtensionGrantRequest,
): Promise<Connection> {
  const { name, provider } = registration;
  const place = { registration: name, provider: provider.id };
  if (typeof owner !== "string" || owner === "")
    throw misconfigured("owner is missing; say whose connection it will be", place);
  const target = connection === undefined ? undefined : await ownRow(runtime, name, connection, owner, place);
  let tokens: TokenSet;
  try {
    const answered = await extensionGrant(runtime, registration, { grantType, parameters, target });
    tokens = { ...(refreshToken !== undefined && { refreshToken }), ...answered };
  } catch (error) {
    throw error instanceof TokenFailure ? newGrantError(error, place, runtime.clock.now()) : error;
  }
  const flow = { registration: name, owner, scope, ...(connection !== undefined && { connection }) };
  const row = await keepTokens(runtime, registration, flow, tokens, { parameters: {} });
  return createConnection(runtime, renewal, registration, row);
}
