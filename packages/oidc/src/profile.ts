import type { ClientAuthentication } from "@linkwright/core";
import { decodeProtectedHeader } from "jose";
import type { KeyAuthentication } from "./authentication.ts";
import { bad } from "./checks.ts";
import { type ClientKey, signingKey } from "./client-key.ts";
import type { DpopAlgorithm } from "./dpop.ts";
import type { OidcOptions } from "./options.ts";
import type { Settings } from "./settings.ts";

/** FAPI 2.0 Security Profile, section 5.4; `Ed25519` is RFC 9864's name of what is called `EdDSA` there. */
export const fapiAlgorithms: readonly string[] = ["PS256", "ES256", "EdDSA", "Ed25519"];

/** What is said of an option whose key has another. */
export const otherAlgorithm = "holds a key of an algorithm that FAPI 2.0 does not allow; use PS256, ES256 or EdDSA";

/** What the options come to, as far as a profile has a say in it. */
export interface Security extends Pick<Settings, "par" | "jar" | "jarm" | "algorithms" | "authentication"> {
  readonly dpop: DpopAlgorithm | undefined;
  readonly mtls: boolean;
  /** Whether a callback without `iss` is refused, whatever the metadata says (RFC 9207). */
  readonly issRequired: boolean;
}

/**
 * Settles the security options, and completes those of a profile.
 *
 * @throws {ConnectorError} `configuration` where an option contradicts the profile.
 */
export function securityOf(options: OidcOptions): Security {
  const { profile, authentication, dpop } = options;
  const fapi = profile !== undefined;
  const signing = profile === "fapi2-message-signing";
  const certificate = authentication.method === "tls_client_auth";
  const mtls = options.mtls ?? certificate;
  const bound = dpop ?? (fapi && !mtls);
  const key = jarKey(options, signing);
  if (fapi) {
    const contradicts = (option: string, complaint: string) =>
      bad(option, `${complaint}, as the profile ${profile} asks`);
    if (!certificate && authentication.method !== "private_key_jwt")
      contradicts("authentication", "must be privateKeyJwt({ key }) or tlsClientAuth()");
    if (options.par === false) contradicts("par", "must not be false");
    if (!bound && !mtls) contradicts("dpop", "must be on, or mtls with certificate-bound tokens");
    const named = {
      authentication: (authentication as Partial<KeyAuthentication>).key?.algorithm,
      jar: key?.algorithm,
      ...responseAlgorithms(options),
    };
    for (const [option, algorithm] of Object.entries(named))
      if (algorithm !== undefined && !fapiAlgorithms.includes(algorithm as string))
        contradicts(option, "must keep to PS256, ES256 or EdDSA");
    if (signing && options.jarm === false) contradicts("jarm", "must not be false");
  }
  return {
    authentication: fapi ? held(authentication) : authentication,
    par: fapi || options.par,
    jar: key && signingKey(key),
    jarm: options.jarm ?? signing,
    algorithms: fapi ? fapiAlgorithms : undefined,
    dpop: bound === true ? "ES256" : bound || undefined,
    mtls,
    issRequired: fapi,
  };
}

/** What the client is registered to have signed by the server, by the option that says so. */
function responseAlgorithms({ clientMetadata = {} }: OidcOptions): Readonly<Record<string, unknown>> {
  const members = Object.entries(clientMetadata).filter(([member]) => member.endsWith("_signed_response_alg"));
  return Object.fromEntries(members.map(([member, algorithm]) => [`clientMetadata.${member}`, algorithm]));
}

/** The algorithm follows from the key, which may come from a vault and be another one tomorrow: looked at when it signs. */
function held(authentication: ClientAuthentication): ClientAuthentication {
  return {
    ...authentication,
    async apply(as, client, body, headers) {
      await authentication.apply(as, client, body, headers);
      const assertion = body.get("client_assertion");
      if (assertion !== null && !fapiAlgorithms.includes(decodeProtectedHeader(assertion).alg ?? ""))
        bad("authentication", otherAlgorithm);
    },
  };
}

function jarKey({ jar, authentication, profile }: OidcOptions, signing: boolean): ClientKey | undefined {
  if (typeof jar === "object") return jar;
  if (jar === false && signing) return bad("jar", `must not be false, as the profile ${profile} asks`);
  if (!(jar ?? signing)) return undefined;
  const { key } = authentication as Partial<KeyAuthentication>;
  return (
    key ?? bad("jar", "needs a key of its own here, since the client authenticates without one; give jar: { key }")
  );
}
