import { type ClientAuthentication, hideSecret } from "@linkwright/core";
import { type JWSAlgorithm, modifyAssertion, PrivateKeyJwt, TlsClientAuth } from "oauth4webapi";
import { type ClientKey, isCryptoKey, signingKey } from "./client-key.ts";

/** A client that signs: its key can also sign authorization requests. */
export interface KeyAuthentication extends ClientAuthentication {
  readonly method: "private_key_jwt";
  readonly key: ClientKey;
}

/**
 * `private_key_jwt`: an assertion signed with the client's private key, in place of a secret that both sides know (OpenID
 * Connect Core 1.0, section 9; RFC 7523). It is for this server alone (`aud` is its issuer), lives for a minute and serves once.
 *
 * @example
 * ```ts
 * privateKeyJwt({ key: () => vault.read("bank-client-key"), keyId: "2026-11" });
 * ```
 */
export function privateKeyJwt(key: ClientKey): KeyAuthentication {
  const hidden = { ...key, key: isCryptoKey(key.key) ? key.key : hideSecret(key.key) };
  const read = signingKey(hidden);
  return {
    method: "private_key_jwt",
    key: hidden,
    apply: async (as, client, body, headers) => {
      const known = as.token_endpoint_auth_signing_alg_values_supported;
      const rename = (header: { alg?: unknown }) => renameEd25519(header, known);
      await PrivateKeyJwt(await read(), { [modifyAssertion]: rename })(as, client, body, headers);
    },
  };
}

/**
 * `tls_client_auth` and `self_signed_tls_client_auth`: the client's certificate, on the connection itself (RFC 8705, section 2).
 * The certificate is part of the transport: give `fetch` to {@link oidc}, one that presents it.
 */
export function tlsClientAuth(): ClientAuthentication {
  return { method: "tls_client_auth", apply: TlsClientAuth() };
}

/** RFC 9864 renamed `EdDSA`; servers that were not told yet know the old name alone, which is also FAPI 2.0's. */
export function renameEd25519(header: { alg?: unknown }, known: readonly string[] | undefined): void {
  const renamed: JWSAlgorithm = "Ed25519";
  if (header.alg === renamed && !known?.includes(renamed)) header.alg = "EdDSA";
}
