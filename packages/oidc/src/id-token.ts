import { ConnectorError, type GrantReading, type ServerContext, sleep } from "@linkwright/core";
import {
  getValidatedIdTokenClaims,
  processAuthorizationCodeResponse,
  processGenericTokenEndpointResponse,
  validateApplicationLevelSignature,
} from "oauth4webapi";
import { failure } from "./server.ts";
import type { Settings } from "./settings.ts";
import { validation } from "./signed.ts";

/** How often the server's keys are asked for, and the longest pause between, in milliseconds: the user waits. */
const tries = 3;
const longestPause = 2_000;

/** `details.code` where tokens came, and were let go of since the server's keys could not be had. */
export const unverified = "id_token_unverified";

/**
 * Who the user is, from the ID token (OpenID Connect Core 1.0, section 3.1.3.7): issuer, audience, times, the flow's own `nonce`,
 * and, beyond what TLS would allow to leave out, the signature. The account is `sub`.
 *
 * @param kept - What the flow keeps; absent where no browser was sent, so that there is no nonce.
 */
export async function readIdToken(
  settings: Settings,
  answer: Readonly<Record<string, unknown>>,
  server: ServerContext,
  kept: Readonly<Record<string, string>> | undefined,
): Promise<GrantReading> {
  const { nonce, maxAge, begun } = kept ?? {};
  // Not asked for: of a flow without "openid", or where the server had none to give.
  if (nonce === undefined && (kept || answer.id_token === undefined)) return {};
  const { as, client, options } = validation(settings, server);
  const body = { access_token: "-", token_type: "bearer", id_token: answer.id_token };
  const response = Response.json(body);
  try {
    const tokens =
      nonce === undefined
        ? await processGenericTokenEndpointResponse(as, client, response)
        : await processAuthorizationCodeResponse(as, client, response, {
            expectedNonce: nonce,
            requireIdToken: true,
            // As old as it was allowed to be when the flow began: the time on the server's pages is the user's.
            ...(maxAge !== undefined && { maxAge: Number(maxAge) + secondsSince(Number(begun)) }),
          });
    await verify();
    const account = getValidatedIdTokenClaims(tokens)?.sub;
    return account === undefined ? {} : { account };
  } catch (error) {
    throw failure(error, "Reading the ID token", settings.id);
  }

  function secondsSince(instant: number): number {
    return Math.max(0, Math.ceil((server.clock.now() - instant) / 1000));
  }

  /** What brought the tokens is spent: keys that are away now are asked for again, before the grant is given up. */
  async function verify(): Promise<void> {
    for (let left = tries - 1; ; left--)
      try {
        return await validateApplicationLevelSignature(as, response, options);
      } catch (error) {
        const { fault, message, details } = failure(error, "Reading the ID token", settings.id);
        if (fault.kind !== "retry") throw error;
        if (left === 0) {
          const lost = new ConnectorError(fault, `The ID token could not be verified: ${message}`, {
            ...details,
            provider: settings.id,
            code: unverified,
          });
          throw kept ? codeSpent(lost) : lost;
        }
        const { clock } = server;
        await sleep(clock, Math.min(fault.retryAt - clock.now(), longestPause));
      }
  }
}

/** The same of tokens that came for a code. */
export function codeSpent({ fault, message, details }: ConnectorError): ConnectorError {
  return new ConnectorError(fault, `${message} The code may be spent: begin the authorization again.`, details);
}
