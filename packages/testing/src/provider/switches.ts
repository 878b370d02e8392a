import type { AnyProvider, RefreshTokenDefinition } from "@linkwright/core";
import type { GrantSettings } from "../oauth/grants.ts";
import { type RefreshPolicy, refreshPolicy } from "../oauth/refresh-policy.ts";
import type { StandardTokenSwitches } from "../oauth/token-endpoint.ts";
import type { ProviderSimulatorOptions } from "./options.ts";
import type { Shape } from "./shape.ts";

/** What may be changed while the server runs; the next request reads it. */
export interface ProviderSwitches extends GrantSettings, StandardTokenSwitches {
  /** Whether RFC 8414 metadata is published; `"oidc"`: at the address of OpenID Connect Discovery, too. */
  metadata: boolean | "oidc";
  /** Whether RFC 7009 is served. */
  revocation: boolean;
  /** Whether authorization responses carry `iss` (RFC 9207). */
  iss: boolean;
}

/** How the server behaves at first: as the options say, else as the definition declares it. */
export function switchesOf(provider: AnyProvider, shape: Shape, options: ProviderSimulatorOptions): ProviderSwitches {
  const { server, grants, accessToken } = provider;
  return {
    accessTokenLifetime: options.accessTokenLifetime ?? accessToken?.lifetime ?? 3600,
    codeLifetime: options.codeLifetime ?? 60,
    refresh: options.refresh === undefined ? declared(grants.refreshToken) : refreshPolicy(options.refresh),
    accessTokensValid: options.accessTokensValid ?? "all",
    accessTokensOutliveGrant: options.accessTokensOutliveGrant ?? false,
    scopeInAnswer: options.scopeInAnswer ?? "always",
    bodies: shape.bodies,
    metadata: server.discovery === "oidc" ? "oidc" : Boolean(server.discovery),
    revocation: shape.endpoints.revocation_endpoint !== undefined,
    iss: server.authorization_response_iss_parameter_supported ?? false,
  };
}

/** A declaration in the server's terms: milliseconds in place of seconds. */
function declared(refresh: RefreshTokenDefinition | undefined): RefreshPolicy {
  if (!refresh) return { kind: "none" };
  const { rotation, idleTimeout, lifetime, reuseGrace } = refresh;
  const limits = {
    ...(idleTimeout !== undefined && { idleTimeout: idleTimeout * 1000 }),
    ...(lifetime !== undefined && { absoluteLifetime: lifetime * 1000 }),
  };
  if (rotation === "fixed") return { kind: "fixed", ...limits };
  return { kind: "rotating", ...limits, ...(reuseGrace !== undefined && { reuseGrace: reuseGrace * 1000 }) };
}
