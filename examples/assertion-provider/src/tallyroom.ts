import {
  type ClientAuthentication,
  type Connection,
  defineProvider,
  hideSecret,
  isConnectorError,
  misconfigured,
  type Revocation,
  revealSecret,
  Secret,
  type SecretSource,
} from "@linkwright/core";
import { importJWK, type JWK, SignJWT } from "jose";

export interface TallyroomOptions {
  readonly clientId: string;
  /**
   * The application's private key: a JWK with `kid` and `alg`, as JSON text. Its public half is registered. A function is asked
   * for each token, so that the key can be changed while the application runs.
   */
  readonly key: SecretSource;
}

export interface ConnectCompany {
  readonly owner: string;
  /** The reference that Tallyroom showed to the company's administrator. */
  readonly authorization: string;
  /** The connection of this owner that takes the grant, in place of a new one. */
  readonly connection?: string;
}

const tokenEndpoint = "https://auth.tallyroom.example/token";

// #region assertion
/** RFC 7523, section 2.1. */
const jwtBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/** Makes of what a connection keeps an assertion for one token: signed now, good for a minute, and never sent again. */
function byAssertion(source: SecretSource): ClientAuthentication {
  const key = hideSecret(source);
  return {
    method: "assertion",
    async apply(_server, { client_id }, body) {
      const authorization = body.get("refresh_token") ?? body.get("assertion") ?? "";
      const { kid, alg, ...jwk } = readKey(await revealSecret(key));
      const claims = { iss: client_id, sub: authorization, aud: tokenEndpoint, jti: crypto.randomUUID() };
      const assertion = new SignJWT(claims)
        .setProtectedHeader({ alg, kid })
        .setIssuedAt()
        .setExpirationTime("1 minute");
      body.set("grant_type", jwtBearer);
      body.set("assertion", await assertion.sign(await importJWK(jwk, alg)));
      body.delete("refresh_token");
    },
  };
}
// #endregion

/** The parser's own message is not passed on: it would quote the key. */
function readKey(text: string): JWK & { readonly kid: string; readonly alg: string } {
  try {
    const { kid, alg, ...jwk }: JWK = JSON.parse(text);
    if (kid && alg && jwk.d) return { ...jwk, kid, alg };
  } catch {}
  throw misconfigured("tallyroom: key is no private JWK with kid and alg, as JSON text");
}

/** Tallyroom, a payroll system: an authorization that a company gave, and a signature for each token of ten minutes. */
export function tallyroom({ clientId, key }: TallyroomOptions) {
  return defineProvider({
    id: "tallyroom",
    server: { issuer: "https://auth.tallyroom.example", token_endpoint: tokenEndpoint },
    // #region provider
    client: { id: clientId, authentication: byAssertion(key) },
    // What is kept to ask with is always the same, and asking twice costs nothing.
    grants: { refreshToken: { rotation: "fixed" } },
    accessToken: { lifetime: 600 },
    api: { base: "https://api.tallyroom.example/v1/" },
    connect: { granted: ({ company_id }) => ({ account: String(company_id) }) },
    extras: (context) => ({
      connectCompany: ({ authorization, ...whose }: ConnectCompany): Promise<Connection> =>
        context.connectBy({
          grantType: jwtBearer,
          parameters: { assertion: authorization }, // what `apply` signs for
          refreshToken: new Secret(authorization), // and from then on
          ...whose,
        }),
    }),
    // #endregion
    async disconnect({ call }): Promise<readonly Revocation[]> {
      const result = await call("authorization", { method: "DELETE" }).then(
        (): Revocation["result"] => "revoked",
        (error) => (isConnectorError(error) && error.fault.kind === "reauthorize" ? "already_gone" : "failed"),
      );
      return [{ what: "authorization", result }];
    },
  });
}
