import { createDeadline } from "./deadline.ts";
import { type Bearer, createApiClient, viewOf } from "./fetch.ts";
import { retryAfter } from "./gates.ts";
import type { TokenSet } from "./grants/token-endpoint.ts";
import { protocol } from "./protocol.ts";
import type { Answer, Revocation } from "./provider.ts";
import { type Grant, isObject, type Row } from "./record.ts";
import type { Registration } from "./registration.ts";
import type { StoredRow } from "./rows.ts";
import type { Runtime } from "./runtime.ts";
import type { Secret } from "./secret.ts";
import { answerSize, exchange } from "./wire.ts";

/**
 * Revokes tokens where the server has an endpoint for it: the refresh token first, which takes the access tokens with it
 * where the server is thorough, then the access tokens (RFC 7009). A 200 means gone, whether it was known or not;
 * `unsupported_token_type`, that the server revokes none of this kind; anything else, that it may live on.
 *
 * @param patient - Nothing is sent before the time that the server named, since it is tried again.
 */
export async function revokeTokens(
  runtime: Runtime,
  registration: Registration,
  tokens: Partial<Grant>,
  patient = false,
): Promise<Revocation[]> {
  const revocations: Revocation[] = [];
  // What was imported without an access token holds an empty one.
  for (const [what, token] of [
    ["refresh_token", tokens.spare],
    ["refresh_token", tokens.refreshToken],
    ["access_token", tokens.accessToken],
    ...Object.values(tokens.others ?? {}).map((token) => ["access_token", token] as const),
  ] as const)
    if (token?.reveal())
      revocations.push({ what, result: await revokeToken(runtime, registration, what, token, patient) });
  return revocations;
}

/** The same for all that a row holds. */
export async function revokeStored(
  runtime: Runtime,
  registration: Registration,
  stored: StoredRow,
): Promise<Revocation[]> {
  return revokeTokens(runtime, registration, (await runtime.rows.open(stored)) ?? {}, true);
}

/** Lets go of tokens that came for a grant that was over: in the provider's own way, where it has one. */
export async function letGo(
  runtime: Runtime,
  registration: Registration,
  row: Row,
  tokens: Pick<TokenSet, "accessToken" | "refreshToken">,
): Promise<void> {
  const { provider, name } = registration;
  if (!provider.disconnect) {
    await revokeTokens(runtime, registration, tokens);
    return;
  }
  const connection = viewOf(row);
  const token = { accessToken: tokens.accessToken, generation: row.generation };
  const bearer: Bearer = { of: "connection", renewable: false, obtain: async () => token };
  const { call } = createApiClient(runtime, registration, bearer, connection);
  // Nobody waits for this: what fails here is as if the answer had never come.
  await provider
    .disconnect({
      registration: name,
      clientId: provider.client.id,
      clock: runtime.clock,
      connection,
      call,
      revoke: () => revokeTokens(runtime, registration, tokens),
    })
    .catch(() => {});
}

async function revokeToken(
  runtime: Runtime,
  registration: Registration,
  hint: "refresh_token" | "access_token",
  token: Secret,
  patient: boolean,
): Promise<Revocation["result"]> {
  const { client } = registration.provider;
  const { clock, gates, insecureLoopback } = runtime;
  const deadline = runtime.timing.requestDeadline;
  try {
    const as = await registration.server();
    const endpoint = as.revocation_endpoint;
    if (endpoint === undefined) return "unsupported";
    if (patient && gates.closed(endpoint, client.id)) return "failed";
    const preparation = createDeadline(clock, deadline, "the client's secret or key was not there");
    let answer: Answer | undefined;
    const oauth = await protocol();
    const request = oauth.revocationRequest(as, registration.client, client.authentication.apply, token.reveal(), {
      additionalParameters: { token_type_hint: hint },
      [oauth.allowInsecureRequests]: insecureLoopback,
      [oauth.customFetch]: async (url, init) => {
        preparation.met();
        const standard = {
          url,
          method: "POST",
          headers: new Headers(init.headers),
          body: init.body as URLSearchParams,
        };
        answer = await exchange(registration.fetch, clock, standard, { deadline, size: answerSize });
        return new Response(null, { status: 200 });
      },
    });
    await preparation.of(request);
    const later =
      answer?.status === 429 || answer?.status === 503 ? retryAfter(answer.headers, clock.now()) : undefined;
    if (later !== undefined) gates.close(endpoint, client.id, { until: later, kind: "retry" });
    return resultOf(answer);
  } catch {
    return "failed"; // No answer: it may live on. The report says so, and disconnecting again tries again.
  }
}

/** RFC 7009, section 2.2. */
function resultOf(answer: Answer | undefined): Revocation["result"] {
  if (answer?.status === 200 || answer?.status === 204) return "revoked";
  const said = isObject(answer?.json) ? answer.json.error : undefined;
  return answer?.status === 400 && said === "unsupported_token_type" ? "unsupported" : "failed";
}
