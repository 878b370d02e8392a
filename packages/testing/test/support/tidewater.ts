import { createHmac, timingSafeEqual } from "node:crypto";
import { type AnyProvider, ConnectorError, clientSecretBasic, days, defineProvider } from "@linkwright/core";
import { type ProviderSimulatorOptions, simulate } from "@linkwright/testing";
import { type ProviderHarness, type ProviderServer, providerContract } from "@linkwright/testing/provider";

export const redirectUri = "https://app.example/callback";
export const clientSecret = "canary-client-secret";
export const webhookSecret = "canary-webhook-secret";
export const day = 86_400_000;

/** An adapter without a fault: what `over` says is another's. */
export function tidewater(over: Partial<AnyProvider> = {}): AnyProvider {
  const origin = "https://tidewater.example";
  return defineProvider({
    id: "tidewater",
    server: {
      issuer: origin,
      authorization_endpoint: `${origin}/authorize`,
      token_endpoint: `${origin}/token`,
      revocation_endpoint: `${origin}/revoke`,
    },
    client: { id: "tide", authentication: clientSecretBasic(clientSecret) },
    grants: {
      authorizationCode: { redirectUri, pkce: "S256", scope: ["accounts"] },
      refreshToken: { rotation: "rotating", idleTimeout: days(60) },
      clientCredentials: {},
    },
    accessToken: { lifetime: 1800 },
    api: { base: "https://api.tidewater.example" },
    webhook: {
      async read({ body, headers }) {
        const expected = createHmac("sha256", webhookSecret).update(body).digest();
        const given = Buffer.from(headers.get("x-signature") ?? "", "hex");
        if (given.length !== expected.length || !timingSafeEqual(given, expected))
          throw new ConnectorError({ kind: "protocol" }, "tidewater: this message is not signed.");
        return { id: "m-1", event: {}, effects: [] };
      },
    },
    ...over,
  });
}

export const grantsWith = (over: object) => ({ ...tidewater().grants, ...over });
export const refreshing = (over: object) =>
  grantsWith({ refreshToken: { ...tidewater().grants.refreshToken, ...over } });

/** The documentation, against which `tidewater` is right. */
export const documented: ProviderSimulatorOptions = { refresh: { kind: "rotating", idleTimeout: 60 * day } };

export function harness(
  provider: AnyProvider = tidewater(),
  options: ProviderSimulatorOptions = {},
  over: Partial<ProviderHarness> = {},
): ProviderHarness {
  return {
    provider,
    server: (clock) => simulate(provider, { clock, ...documented, ...options }),
    scope: ["accounts", "payments"],
    read: "/accounts",
    appRead: "/status",
    webhook() {
      const body = '{"id":"m-1"}';
      const signature = createHmac("sha256", webhookSecret).update(body).digest("hex");
      return new Request("https://app.example/hook", { method: "POST", body, headers: { "x-signature": signature } });
    },
    ...over,
  };
}

export const wrong = (over: Partial<AnyProvider>, options?: ProviderSimulatorOptions) =>
  failures(harness(tidewater(over), options));

/** The names of the cases that fail, in the suite's order. */
export async function failures<S extends ProviderServer>(given: ProviderHarness<S>): Promise<string[]> {
  const outcomes = await Promise.all(
    providerContract(given).map(({ name, run }) =>
      run().then(
        () => [],
        () => [name],
      ),
    ),
  );
  return outcomes.flat();
}

export const names = {
  silent: "G70 the definition shows no secret, however it is looked at",
  data: "G10 the definition is data: using it changes nothing in it",
  pure: "G10 G60 what hooks make of one user they make of the next",
  documented: "G10 C23 tokens may go to the documented origins alone",
  own: "C8 C23 C25 credentials go to the provider's own hosts alone: codes and refresh tokens to its authorization server",
  client: "C17 C18 G50 the client proves itself by the declared method alone, in a POST, once per token request",
  pkce: "C1 C2 C3 PKCE: the challenge goes ahead, the verifier with the code, and both are new each time",
  redirect: "G65 C10 the redirect URI is the one that is declared, byte for byte, in both legs",
  least: "C22 G47 no more is asked of the user than the application asked for",
  narrower: "C22 a grant that is narrower than what was asked for is known to be so",
  connects: "G60 a user who agrees is connected",
  state: "G60 G61 state comes back: each callback ends its own flow, whichever is first",
  hostile: "G63 C33 what a callback says is hostile: it ends in an error that can be shown",
  no: "G63 a user's no is `cancelled`, and uses its flow up",
  issuer: "G64 C5 C6 a callback of another server's, or without the iss that is promised, is refused unread",
  lifetime: "G41 G52 an access token is asked for once in its lifetime, and lasts as long as is said",
  opens: "G46 C29 the token opens the API, in the Authorization header alone",
  stale: "G54 C30 a token that the API refuses is renewed once, and the request sent once more",
  unmoved: "G32 G54 an API that fails, throttles, forbids or does not find says nothing of the grant",
  rotation: "C24 C26 the refresh token changes with use as declared",
  lost: "G19 an answer that is lost costs no more than is declared",
  keptAlive: "G57 maintenance keeps a grant alive that nobody uses",
  lasting: "G59 a grant lasts as long as is declared, and its end is told ahead",
  dead: "G33 a grant that the user ended is `reauthorize`, and is asked about once",
  passing: "G32 G34 a token endpoint that fails says nothing of the grant or the client, however often",
  throttled: "G30 C44 after 429 with Retry-After nothing is asked until then",
  refused: "G35 a client that is refused is `configuration`, and no connection is marked",
  errors: "G70 G40 no secret is in an error or event, whatever the token endpoint repeats",
  addresses: "C17 C29 C34 no secret is in an address: neither the browser's nor a request's",
  atRest: "G72 no secret lies open in the store",
  gone: "G73 a connection that was disconnected is gone, and what was let go of is told",
  revoked: "G73 C31 what is reported as revoked is dead at the provider",
  down: "G73 while the provider is down nothing is reported as revoked, and disconnecting again does it",
  patient: "G08 G51 nothing waits for ever for a provider that does not answer",
  known: "G75 a genuine message is read, and known when it comes again",
  altered: "G75 a message that is altered, or not signed, is refused",
} as const;
