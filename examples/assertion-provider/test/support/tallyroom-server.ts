import { randomUUID } from "node:crypto";
import { simulate, type VirtualClock } from "@linkwright/testing";
import { createLocalJWKSet, decodeJwt, exportJWK, generateKeyPair, type JWK, jwtVerify } from "jose";
import { tallyroom } from "../../src/tallyroom.ts";

/** A key of the application's, both halves. */
export async function newKey(kid: string) {
  const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
  const half = async (key: CryptoKey): Promise<JWK> => ({ ...(await exportJWK(key)), kid, alg: "ES256" });
  return { privateKey: JSON.stringify(await half(privateKey)), publicKey: await half(publicKey) };
}

export const firstKey = await newKey("2026-11");
export const provider = tallyroom({ clientId: "app-7", key: () => firstKey.privateKey });

const endpoint = "https://auth.tallyroom.example/token";
const jwtBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/** What Tallyroom documents: assertions by RFC 7523, tokens for ten minutes, no refresh token. */
export async function tallyroomServer(clock: VirtualClock) {
  /** The public keys that are registered. */
  const keys: JWK[] = [firstKey.publicKey];
  /** Which company each authorization is of. */
  const authorizations = new Map<string, string>();
  const assertions = new Set<string>();

  async function signed(assertion = ""): Promise<boolean> {
    const expected = { audience: endpoint, issuer: "app-7", requiredClaims: ["sub", "exp", "iat", "jti"] };
    const verified = await jwtVerify(assertion, createLocalJWKSet({ keys }), expected).catch(() => undefined);
    const { exp = 0, iat = 0, jti = "" } = verified?.payload ?? {};
    if (!verified || exp - iat > 60 || assertions.has(jti)) return false;
    assertions.add(jti);
    return true;
  }

  const server = await simulate(provider, {
    clock,
    accessTokenLifetime: 600,
    refresh: "none",
    authenticate: ({ form }) => signed(form?.assertion),
    extensionGrants: {
      [jwtBearer]: ({ assertion = "" }) => {
        const subject = authorizations.get(decodeJwt(assertion).sub ?? "");
        return subject === undefined ? undefined : { subject };
      },
    },
    answer: (tokens, { subject }) => ({ ...tokens, company_id: subject }),
    api({ method, url }, { subject = "" }) {
      if (method !== "DELETE" || new URL(url).pathname !== "/v1/authorization") return undefined;
      end(subject);
      return new Response(null, { status: 204 });
    },
  });

  /** A company's administrator lets the application in. @returns The reference that they are shown. */
  function authorize(company: string): string {
    const reference = `authorization_${randomUUID()}`;
    authorizations.set(reference, company);
    return reference;
  }

  /** A company takes back what it allowed. */
  function end(company?: string): void {
    for (const [reference, whose] of authorizations)
      if (company === undefined || whose === company) authorizations.delete(reference);
    server.revokeGrants(company);
  }
  return Object.assign(server, { keys, authorize, end });
}
