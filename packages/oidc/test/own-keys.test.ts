import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { quiet } from "../../testing/test/support/ciphers.ts";
import { clientSecretBasic, type OidcOptions, privateKeyJwt } from "../src/index.ts";
import { application, faultOf, owner, session } from "./support/application.ts";
import { clientKeys } from "./support/keys.ts";
import { type IndependentServer, independentServer, redirectUri } from "./support/server.ts";

/** Keys and secrets that a vault keeps back: none of the server's doing, and it passes. */

const keys = clientKeys("ES256");
const secret = "aSecretOfMoreThanThirtyTwoBytesWithoutSigns";

let server: IndependentServer;
beforeAll(async () => {
  const device = "urn:ietf:params:oauth:grant-type:device_code";
  const client = { redirect_uris: [redirectUri], grant_types: ["authorization_code", device], scope: "openid read" };
  server = await independentServer({
    clients: [
      { ...client, client_id: "signing", token_endpoint_auth_method: "private_key_jwt", jwks: keys.public },
      { ...client, client_id: "secret", client_secret: secret },
    ],
    configuration: {
      features: {
        pushedAuthorizationRequests: { enabled: true },
        requestObjects: { enabled: true },
        deviceFlow: { enabled: true },
      },
    },
  });
});
afterAll(() => server[Symbol.asyncDispose]());

type Vault = () => Promise<string>;
type Built = ReturnType<typeof application<OidcOptions & { redirectUri: string }>>;

const begin = ({ bank }: Built) => bank.connect({ owner, session });
const signing = { clientId: "signing", authentication: privateKeyJwt({ key: keys.jwk }) };

const places: readonly [
  where: string,
  option: string,
  content: string,
  options: (vault: Vault) => Pick<OidcOptions, "clientId" | "authentication" | "jar" | "par">,
  work: (built: Built) => Promise<unknown>,
][] = [
  [
    "the key of a pushed request",
    "authentication",
    keys.jwk,
    (key) => ({ ...signing, authentication: privateKeyJwt({ key }), par: true }),
    begin,
  ],
  [
    "the secret of a pushed request",
    "authentication",
    secret,
    (vault) => ({ clientId: "secret", authentication: clientSecretBasic(vault), par: true }),
    begin,
  ],
  ["the key of a signed request", "jar", keys.jwk, (key) => ({ ...signing, jar: { key } }), begin],
  [
    "the key of a device's request",
    "authentication",
    keys.jwk,
    (key) => ({ ...signing, authentication: privateKeyJwt({ key }) }),
    ({ bank }) => bank.authorizeDevice({ owner }),
  ],
];

describe.each(places)("%s", (_, option, content, options, work) => {
  const built = (vault: Vault) =>
    application({ issuer: server.origin, redirectUri, scope: ["openid", "read"], ...options(vault) });
  const asked = ({ sent }: Built) => sent.map(({ url }) => url.pathname);

  test("that fails is `retry`, says which option it is, and serves when it is there again", async () => {
    let sealed = true;
    const it = built(async () => {
      if (sealed) throw new Error("the vault is sealed");
      return content;
    });
    expect(await faultOf(work(it))).toMatchObject({
      kind: "retry",
      retryAt: it.clock.now() + 1_000,
      message: `The key or secret of option ${option} could not be had (the vault is sealed). Try again.`,
      details: { provider: "oidc" },
    });
    expect(asked(it)).toEqual(["/.well-known/openid-configuration"]);
    sealed = false;
    await work(it);
    await it.connector.close();
  });

  test("that does not come is `retry` after 15 s", async () => {
    const { promise: waiting, resolve } = Promise.withResolvers<void>();
    const it = built(() => {
      resolve();
      return new Promise(() => {});
    });
    let fault: object | undefined;
    const over = faultOf(work(it)).then((found) => {
      fault = found;
    });
    await waiting;
    await it.clock.advance(14_999);
    await quiet(5);
    expect(fault).toBeUndefined();
    await it.clock.advance(1);
    await over;
    expect(fault).toMatchObject({
      kind: "retry",
      message: `The key or secret of option ${option} could not be had (no answer within 15 s). Try again.`,
    });
    expect(asked(it)).toEqual(["/.well-known/openid-configuration"]);
    await it.connector.close();
  });
});
