import { digest } from "./encoding.ts";
import { misconfigured } from "./faults.ts";
import { clientCredentialsGrant } from "./grants/client-credentials.ts";
import { refreshTokenGrant } from "./grants/refresh-token.ts";
import { TokenFailure, type TokenSet } from "./grants/token-endpoint.ts";
import { type Audience, audienceOf, type Row, rowFormat } from "./record.ts";
import { applicationPolicy, type Registration } from "./registration.ts";
import type { Subject } from "./renewal.ts";
import { letGo } from "./revocation.ts";
import { connectionKey, type Runtime } from "./runtime.ts";

/** A connection that carries its own tokens: the one for all that was granted, or one for less of it. */
export function connectionSubject(
  runtime: Runtime,
  registration: Registration,
  id: string,
  { resource, scope }: Audience = {},
): Subject {
  checkResource(registration, resource);
  const audience = audienceOf({ resource, scope });
  return {
    key: connectionKey(id),
    registration,
    policy: registration.connectionPolicy,
    ...(audience !== undefined && { audience }),
    redeem(refreshToken, beforeSend, proofKey): Promise<TokenSet> {
      if (refreshToken === undefined) throw new TokenFailure("unsent", { kind: "reauthorize", reason: "expired" });
      return refreshTokenGrant(runtime, registration, { refreshToken, resource, scope, proofKey, beforeSend });
    },
    abandon: (tokens, row) => letGo(runtime, registration, row, tokens),
  };
}

/** One token of the application's own: by registration, client, resource and scope, shared through the store. */
export async function applicationSubject(
  runtime: Runtime,
  registration: Registration,
  { resource, scope = [] }: Audience,
): Promise<Subject> {
  checkResource(registration, resource);
  const { name, provider } = registration;
  const sorted = [...new Set(scope)].sort();
  // A scope has no white space (RFC 6749, section 3.3), so none can be taken for a resource.
  const parts = resource === undefined ? sorted : [`resource ${resource}`, ...sorted];
  const id = await digest(name, provider.id, provider.client.id, ...parts);
  return {
    key: `application:${id}`,
    registration,
    policy: applicationPolicy,
    redeem: (_refreshToken, beforeSend, proofKey) =>
      clientCredentialsGrant(runtime, registration, { resource, scope: sorted, proofKey, beforeSend }),
    initial: () => newRow(runtime, registration, { kind: "application", id, owner: "", scope: sorted }),
  };
}

/** A server that knows no resources would answer with a token that is good for everything. */
function checkResource({ name, provider }: Registration, resource: string | undefined): void {
  if (resource === undefined) return;
  const place = { registration: name, provider: provider.id };
  if (!provider.accessToken?.resourceIndicators)
    throw misconfigured(
      "accessToken: resource is given, and the provider is not declared to know any (RFC 8707)",
      place,
    );
  if (!URL.canParse(resource) || resource.includes("#"))
    throw misconfigured(
      "accessToken: resource must be an absolute URI without a fragment (RFC 8707, section 2)",
      place,
    );
}

/** A row before its first tokens. */
export function newRow(
  runtime: Pick<Runtime, "clock">,
  { name, provider }: Registration,
  of: { readonly kind: Row["kind"]; readonly id: string; readonly owner: string; readonly scope: readonly string[] },
): Row {
  const now = runtime.clock.now();
  return {
    format: rowFormat,
    kind: of.kind,
    id: of.id,
    registration: name,
    provider: provider.id,
    client: provider.client.id,
    owner: of.owner,
    createdAt: now,
    generation: 0,
    granted: { generation: 0, at: now },
    claims: 0,
    state: "active",
    since: now,
    scope: { requested: of.scope },
    data: {},
    refs: [],
  };
}
