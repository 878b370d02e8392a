import { generateKeyPairSync, type KeyObject } from "node:crypto";

/** A client's key pair: the private half in the forms that it can be given in, the public half as the server registers it. */
export interface ClientKeys {
  readonly pem: string;
  readonly jwk: string;
  readonly private: KeyObject;
  readonly public: { readonly keys: readonly object[] };
}

const make = {
  PS256: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
  ES256: () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
  EdDSA: () => generateKeyPairSync("ed25519"),
} as const;

export function clientKeys(algorithm: keyof typeof make): ClientKeys {
  const { privateKey, publicKey } = make[algorithm]();
  const kid = `client-${algorithm}`;
  return {
    pem: privateKey.export({ format: "pem", type: "pkcs8" }).toString(),
    jwk: JSON.stringify({ ...privateKey.export({ format: "jwk" }), kid }),
    private: privateKey,
    public: { keys: [{ ...publicKey.export({ format: "jwk" }), kid, use: "sig" }] },
  };
}
