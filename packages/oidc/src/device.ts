import {
  type Connection,
  ConnectorError,
  type ExtrasContext,
  isConnectorError,
  misconfigured,
  sleep,
} from "@linkwright/core";
import { type DeviceAuthorizationResponse, initiateDeviceAuthorization } from "openid-client";
import { deviceCodeGrant } from "./dialect.ts";
import { codeSpent, unverified } from "./id-token.ts";
import { configurationOf, failure } from "./server.ts";
import type { Settings } from "./settings.ts";

/** What an authorization on another device is begun with (RFC 8628, section 3.1). */
export interface DeviceRequest {
  /** Whose connection it will be, in the application's own terms. */
  readonly owner: string;
  /** Scope to ask for; the registration's where left out. */
  readonly scope?: readonly string[];
  /** The connection of this owner that is connected again. */
  readonly connection?: string;
}

/** An authorization on another device, begun (RFC 8628, section 3.2). */
export interface DeviceAuthorization {
  /** What the user types in there. */
  readonly userCode: string;
  /** Where. Show it as it is. */
  readonly verificationUri: string;
  /** The same with the code in it, for a QR code. */
  readonly verificationUriComplete?: string;
  /** When the code ends: epoch milliseconds. */
  readonly expiresAt: number;
  /**
   * Asks the server, as often as it allows, until the user has decided. `signal` ends the asking; it can be taken up again.
   *
   * @throws {ConnectorError} `cancelled` where the user said no, `reauthorize` (`expired`) where the code ended first, `aborted`;
   * `retry` where the tokens came and the server's keys did not, so that the authorization is to be begun again.
   */
  connection(options?: { readonly signal?: AbortSignal }): Promise<Connection>;
}

/** Seconds between two questions where the server names none, and what `slow_down` adds (RFC 8628, sections 3.2 and 3.5). */
const pause = 5;

/** The longest pause after questions that were not answered at all: seconds. */
const longestPause = 60;

export async function authorizeDevice(
  settings: Settings,
  context: ExtrasContext,
  scope: readonly string[],
  { owner, connection }: DeviceRequest,
): Promise<DeviceAuthorization> {
  // Said now, and not once the user has typed the code.
  if (typeof owner !== "string" || owner === "")
    throw misconfigured("authorizeDevice: owner is missing; say whose connection it will be");
  const parameters = new URLSearchParams();
  if (scope.length > 0) parameters.set("scope", scope.join(" "));
  for (const resource of settings.resource) parameters.append("resource", resource);
  const server = await context.server();
  let begun: DeviceAuthorizationResponse;
  try {
    begun = await initiateDeviceAuthorization(configurationOf(settings, server), parameters);
  } catch (error) {
    throw failure(error, "The device authorization request", settings.id);
  }
  const { clock } = context;
  const { device_code, user_code, verification_uri, verification_uri_complete, expires_in, interval } = begun;
  const expiresAt = clock.now() + expires_in * 1000;
  for (const uri of [verification_uri, verification_uri_complete])
    if (uri !== undefined && !/^https:$|^http:$/.test(URL.parse(uri)?.protocol ?? ""))
      throw new ConnectorError({ kind: "protocol" }, "The server's verification_uri is no address of a page.", {
        provider: settings.id,
      });

  const ask = () =>
    context.connectBy({
      grantType: deviceCodeGrant,
      parameters: { device_code },
      owner,
      scope,
      ...(connection !== undefined && { connection }),
    });
  let seconds = interval ?? pause;
  return {
    userCode: user_code,
    verificationUri: verification_uri,
    ...(verification_uri_complete !== undefined && { verificationUriComplete: verification_uri_complete }),
    expiresAt,
    async connection({ signal } = {}) {
      for (let held = 0; ; ) {
        const now = clock.now();
        const delay = Math.min(Math.max(seconds * 1000, held - now), expiresAt - now);
        await sleep(clock, delay, signal).catch(() => {
          throw new ConnectorError({ kind: "aborted" }, "The caller's signal aborted; the code is good until it ends.");
        });
        if (clock.now() >= expiresAt)
          throw new ConnectorError(
            { kind: "reauthorize", reason: "expired" },
            "The user took too long and the code ended. Begin the authorization again.",
            { provider: settings.id, code: "expired_token" },
          );
        try {
          return await ask();
        } catch (error) {
          if (!isConnectorError(error) || error.fault.kind !== "retry") throw error;
          const { code } = error.details;
          if (code === unverified) throw codeSpent(error);
          if (code === "slow_down") seconds += pause;
          // No word from the server: asked less often (RFC 8628, section 3.5).
          else if (code !== "authorization_pending") seconds = Math.min(seconds * 2, longestPause);
          held = error.fault.retryAt;
        }
      }
    },
  };
}
