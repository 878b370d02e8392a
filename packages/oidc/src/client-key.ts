import { isSecret, misconfigured, revealSecret, type SecretSource } from "@linkwright/core";
import { importJWK, importPKCS8, type JWK } from "jose";

/** A private key that the client signs with. Its public half is what the server was given at registration. */
export interface ClientKey {
  /**
   * PKCS #8 in PEM, or a private JWK as JSON; as text or as a function that is asked at each need, so that the key can come from
   * a vault and be changed. Or a `CryptoKey` that signs and cannot be taken out.
   */
  readonly key: SecretSource | CryptoKey;
  /** `kid`, by which the server finds the public half; that of the JWK where left out. */
  readonly keyId?: string;
  /** The JWS algorithm; that of the JWK where left out, else `PS256`, `ES256` or `EdDSA` as the key is. */
  readonly algorithm?: SigningAlgorithm;
}

/** The first three are those of FAPI 2.0 (section 5.4); the others are for servers that ask for them. */
export type SigningAlgorithm = (typeof signingAlgorithms)[number];

export const signingAlgorithms = ["PS256", "ES256", "EdDSA", "RS256", "PS384", "PS512", "ES384", "ES512"] as const;

/** A key ready to sign, as `oauth4webapi` takes it. */
export interface SigningKey {
  readonly key: CryptoKey;
  readonly kid?: string;
}

/**
 * Reads a key at each need; what was read before is not read again.
 *
 * @throws {ConnectorError} `configuration`, from the function, where the text is no such key.
 */
export function signingKey({ key: source, keyId, algorithm }: ClientKey): () => Promise<SigningKey> {
  if (isCryptoKey(source)) {
    const ready = { key: source, ...(keyId !== undefined && { kid: keyId }) };
    return async () => ready;
  }
  let read: { text: string; key: Promise<SigningKey> } | undefined;
  return async () => {
    const text = await revealSecret(source);
    if (read?.text !== text) read = { text, key: parse(text, keyId, algorithm) };
    return read.key;
  };
}

/** Whether it is one, also where the platform's own class is not at hand. */
export function isCryptoKey(value: unknown): value is CryptoKey {
  return typeof value === "object" && value !== null && !isSecret(value) && "algorithm" in value && "usages" in value;
}

async function parse(text: string, keyId: string | undefined, asked: string | undefined): Promise<SigningKey> {
  try {
    if (!text.trimStart().startsWith("{"))
      return { key: await fromPem(text, asked), ...(keyId !== undefined && { kid: keyId }) };
    const jwk = JSON.parse(text) as JWK;
    const kid = keyId ?? jwk.kid;
    const key = await importJWK(jwk, asked ?? jwk.alg ?? usual(jwk));
    if (key instanceof Uint8Array || key.type !== "private") throw new TypeError("not a private key");
    return { key, ...(kid !== undefined && { kid }) };
  } catch {
    // What went wrong in it may quote the key.
    throw misconfigured(
      "oidc: the client's key cannot be read; give a private key as PKCS #8 in PEM (-----BEGIN PRIVATE KEY-----) or as a JWK, and an algorithm that fits it",
    );
  }
}

const usual = ({ kty, crv }: JWK): string => {
  if (kty === "RSA") return "PS256";
  return kty === "OKP" ? "EdDSA" : `ES${crv === "P-521" ? 512 : (crv?.slice(2) ?? 256)}`;
};

/** PEM does not say what it is for: the algorithms are tried in the order of FAPI 2.0. */
async function fromPem(pem: string, asked: string | undefined): Promise<CryptoKey> {
  const candidates = asked === undefined ? ["PS256", "ES256", "EdDSA"] : [asked];
  for (const algorithm of candidates) {
    const key = await importPKCS8(pem, algorithm).catch(() => undefined);
    if (key) return key;
  }
  throw new TypeError("no key");
}
