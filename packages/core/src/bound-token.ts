import type { AnyProvider } from "./provider.ts";
import type { Row } from "./record.ts";
import { connectionKey, type Runtime } from "./runtime.ts";
import { Secret } from "./secret.ts";

/** An access token that serves only with proof of possession of a key (RFC 9449), and the key with it. */
class BoundToken extends Secret {
  readonly proofKey: Secret;

  constructor(value: string, proofKey: Secret) {
    super(value);
    this.proofKey = proofKey;
  }
}

/** An access token, bound to a key where there is one. */
export function accessTokenOf(value: string, proofKey: Secret | undefined): Secret {
  return proofKey ? new BoundToken(value, proofKey) : new Secret(value);
}

/** The key that a token is bound to. */
export function proofKeyOf(token: Secret | undefined): Secret | undefined {
  return token instanceof BoundToken ? token.proofKey : undefined;
}

/** The key for a new grant: the connection's own, where it is connected again and has one, since an old refresh token may be bound to it. */
export async function proofKeyFor(
  { rows }: Runtime,
  { proof }: AnyProvider,
  row: Row | undefined,
): Promise<string | undefined> {
  const grant = proof && row && (await rows.open({ key: connectionKey(row.id), row }).catch(() => undefined));
  return proofKeyOf(grant?.accessToken)?.reveal() ?? proof?.create();
}
