import type { ProofDefinition, ProofRequest } from "@linkwright/core";
import { calculateThumbprint, generateKeyPair, generateProof, type KeyPair } from "dpop";
import { importJWK, type JWK } from "jose";

/** Algorithms of DPoP keys. */
export type DpopAlgorithm = "ES256" | "Ed25519" | "PS256";

/** Keys kept ready, and nonces remembered, at most. */
const limit = 1_000;

/**
 * DPoP (RFC 9449): a key per connection, and with each request a proof that it is at hand. Nonces are kept by origin, and the
 * authorization server's apart from the API's (section 9), also where both answer at one origin.
 */
export function dpop(algorithm: DpopAlgorithm): ProofDefinition {
  const nonces = new Map<string, string>();
  const place = ({ url, accessToken }: ProofRequest) =>
    `${accessToken === undefined ? "server" : "api"} ${new URL(url).origin}`;
  return {
    tokenType: "DPoP",
    async create() {
      const { privateKey } = await generateKeyPair(algorithm, { extractable: true });
      return JSON.stringify({ ...(await crypto.subtle.exportKey("jwk", privateKey)), alg: algorithm });
    },
    async headers(key, request) {
      const { origin, pathname } = new URL(request.url);
      const { method } = request;
      const token = request.accessToken?.reveal();
      const nonce = nonces.get(place(request));
      const proof = await generateProof(await keyPair(key), `${origin}${pathname}`, method, nonce, token);
      return { dpop: proof, ...(token !== undefined && { authorization: `DPoP ${token}` }) };
    },
    again(request, { status, headers, json }) {
      const nonce = headers.get("dpop-nonce");
      if (nonce) remember(nonces, place(request), nonce);
      if (nonce === null || (status !== 400 && status !== 401)) return false;
      const error = (json as { error?: unknown } | null | undefined)?.error;
      return error === "use_dpop_nonce" || demanded.test(headers.get("www-authenticate") ?? "");
    },
  };
}

/** RFC 9449, section 9. */
const demanded = /\bdpop\s.*\berror="?use_dpop_nonce\b/i;

/** `jkt`: the key's thumbprint, which binds the authorization code to it (RFC 9449, section 10). */
export async function thumbprint(key: string): Promise<string> {
  return calculateThumbprint((await keyPair(key)).publicKey);
}

const pairs = new Map<string, Promise<KeyPair>>();

function keyPair(key: string): Promise<KeyPair> {
  let pair = pairs.get(key);
  if (!pair) {
    pair = read(key);
    remember(pairs, key, pair);
  }
  return pair;
}

async function read(key: string): Promise<KeyPair> {
  const { alg, kty, crv, x, y, e, n, ...secret }: JWK = JSON.parse(key);
  const half = Object.fromEntries(Object.entries({ kty, crv, x, y, e, n }).filter(([, value]) => value !== undefined));
  const { key_ops: _operations, ext: _extractable, ...members } = secret;
  return {
    privateKey: (await importJWK({ ...half, ...members, kty: kty ?? "" } as JWK, alg ?? "")) as CryptoKey,
    publicKey: (await importJWK({ ...half, kty: kty ?? "" } as JWK, alg ?? "", { extractable: true })) as CryptoKey,
  };
}

/** Puts it last, and forgets the first where there are too many. */
function remember<Value>(map: Map<string, Value>, name: string, value: Value): void {
  map.delete(name);
  map.set(name, value);
  const [first] = map.keys();
  if (map.size > limit && first !== undefined) map.delete(first);
}
