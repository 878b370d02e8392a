import { type Connection, type ExtrasContext, misconfigured, revealSecret, type SecretSource } from "@linkwright/core";
import { tokenExchangeGrant } from "./dialect.ts";

/** One token in exchange for another (RFC 8693, section 2.1). Types are URIs; the common ones are in {@link tokenTypes}. */
export interface TokenExchange {
  /** Whose connection it will be, in the application's own terms. */
  readonly owner: string;
  /** The token that says on whose behalf. */
  readonly subjectToken: SecretSource;
  /** Default: an access token. */
  readonly subjectTokenType?: string;
  /** The token that says who acts. */
  readonly actorToken?: SecretSource;
  /** Default: an access token. */
  readonly actorTokenType?: string;
  /** Left to the server where left out. It must be one of those that serve as access tokens. */
  readonly requestedTokenType?: string;
  /** Where the token will be used: by address (RFC 8707), or by the name that the server knows it under. */
  readonly resource?: string;
  readonly audience?: string;
  readonly scope?: readonly string[];
  /** The connection of this owner that takes the grant, in place of a new one. */
  readonly connection?: string;
}

/** RFC 8693, section 3. */
export const tokenTypes = {
  accessToken: "urn:ietf:params:oauth:token-type:access_token",
  refreshToken: "urn:ietf:params:oauth:token-type:refresh_token",
  idToken: "urn:ietf:params:oauth:token-type:id_token",
  jwt: "urn:ietf:params:oauth:token-type:jwt",
} as const;

export async function exchangeToken(
  context: ExtrasContext,
  { owner, connection, scope = [], ...request }: TokenExchange,
): Promise<Connection> {
  const subject = await text("subjectToken", request.subjectToken);
  const actor = request.actorToken === undefined ? undefined : await text("actorToken", request.actorToken);
  const parameters = {
    subject_token: subject,
    subject_token_type: request.subjectTokenType ?? tokenTypes.accessToken,
    actor_token: actor,
    actor_token_type: actor === undefined ? undefined : (request.actorTokenType ?? tokenTypes.accessToken),
    requested_token_type: request.requestedTokenType,
    resource: request.resource,
    audience: request.audience,
    scope: scope.length === 0 ? undefined : scope.join(" "),
  };
  return context.connectBy({
    grantType: tokenExchangeGrant,
    parameters: Object.fromEntries(
      Object.entries(parameters).filter((entry): entry is [string, string] => entry[1] !== undefined),
    ),
    owner,
    scope,
    ...(connection !== undefined && { connection }),
  });
}

async function text(name: string, source: SecretSource): Promise<string> {
  const value = source === undefined ? "" : await revealSecret(source);
  if (typeof value === "string" && value !== "") return value;
  throw misconfigured(`exchangeToken: ${name} is missing; give the token's text, a Secret, or a function`);
}
