import type { ClientAuth } from "oauth4webapi";
import { type Protocol, protocol } from "./protocol.ts";
import { hideSecret, revealSecret, type SecretSource } from "./secret.ts";

/**
 * How a client proves itself at the token endpoint: one method, never a second try with another (RFC 6749, section 2.3).
 * `apply` has the shape of `oauth4webapi`'s `ClientAuth`, so any of that library's methods fits.
 */
export interface ClientAuthentication {
  /** The registered name of the method (RFC 7591, `token_endpoint_auth_method`); a name of its own where it has none. */
  readonly method: string;
  /**
   * Called for each request, when it is made but for this, before the dialect. It may take its time, up to
   * `Timing.requestDeadline`, and change any parameter.
   */
  readonly apply: ClientAuth;
  /** The secret itself, so that it can be blotted out of what a server says. */
  readonly secret?: Exclude<SecretSource, string>;
}

/** `client_secret_basic`: id and secret form-encoded in the Authorization header (RFC 6749, section 2.3.1). */
export function clientSecretBasic(secret: SecretSource): ClientAuthentication {
  return withSecret("client_secret_basic", secret, (oauth) => oauth.ClientSecretBasic);
}

/** `client_secret_post`: id and secret among the parameters of the body. A dialect may turn them into JSON members. */
export function clientSecretPost(secret: SecretSource): ClientAuthentication {
  return withSecret("client_secret_post", secret, (oauth) => oauth.ClientSecretPost);
}

/** `none`: a public client, which proves possession of the flow by PKCE alone (RFC 7636). */
export function publicClient(): ClientAuthentication {
  return { method: "none", apply: async (...request) => (await protocol()).None()(...request) };
}

function withSecret(
  method: string,
  source: SecretSource,
  make: (oauth: Protocol) => (secret: string) => ClientAuth,
): ClientAuthentication {
  const secret = hideSecret(source);
  return {
    method,
    secret,
    apply: async (...request) => make(await protocol())(await revealSecret(secret))(...request),
  };
}
