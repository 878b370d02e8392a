import { generateKeyPairSync, sign } from "node:crypto";

/** Signs with a key that lives as long as the simulator; the algorithm and key of the real one are not published. */
export function jwtSigner(): (claims: Record<string, unknown>) => string {
  // ECDSA signatures differ each time, so two tokens of one user and second stay two tokens.
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return (claims) => {
    const signed = `${encode({ alg: "ES256", typ: "JWT" })}.${encode(claims)}`;
    const signature = sign("sha256", Buffer.from(signed), { key: privateKey, dsaEncoding: "ieee-p1363" });
    return `${signed}.${signature.toString("base64url")}`;
  };
}
