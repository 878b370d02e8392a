import { within } from "./clock.ts";
import { ConnectorError, describe, isConnectorError, located } from "./faults.ts";
import { type ApiClient, type Bearer, createApiClient, viewOf } from "./fetch.ts";
import { detachable } from "./flight.ts";
import type { ConnectionContext, DisconnectContext, ProviderContext } from "./provider-context.ts";
import { audienceOf, type Row } from "./record.ts";
import type { Registration } from "./registration.ts";
import type { ObtainOptions, Renewal } from "./renewal.ts";
import { revokeStored } from "./revocation.ts";
import { connectionKey, type Runtime } from "./runtime.ts";
import { revealSecret, Secret, type SecretSource } from "./secret.ts";
import { applicationSubject, connectionSubject } from "./subjects.ts";

/** Bearers and contexts: who speaks to a provider's API, and as whom. */

/** Speaks as the application. */
export function applicationBearer(
  runtime: Runtime,
  renewal: Renewal,
  registration: Registration,
  scope?: readonly string[],
): Bearer {
  const { clientCredentials, staticToken } = registration.provider.grants;
  if (staticToken)
    return {
      renewable: false,
      of: "application",
      obtain: async ({ signal }) => ({
        accessToken: await detachable(credential(runtime, registration, staticToken.token), signal),
        generation: 0,
      }),
    };
  const standard = { scope: scope ?? clientCredentials?.scope ?? [] };
  const subjects = new Map<string | undefined, ReturnType<typeof applicationSubject>>();
  return {
    renewable: true,
    of: "application",
    async obtain({ resource, scope = standard.scope, ...options }) {
      const name = audienceOf({ resource, scope });
      const subject = subjects.get(name) ?? applicationSubject(runtime, registration, { resource, scope });
      subjects.set(name, subject);
      const { key } = await subject;
      const { accessToken, row } = await renewal.obtain(await subject, options);
      return { accessToken, generation: row.generation, key };
    },
  };
}

/** A credential that configuration gives, where it comes in the time that any secret has. */
async function credential(
  { clock, timing }: Runtime,
  registration: Registration,
  source: SecretSource,
): Promise<Secret> {
  try {
    return new Secret(await within(clock, timing.requestDeadline, revealSecret(source)));
  } catch (error) {
    const place = { registration: registration.name, provider: registration.provider.id };
    if (isConnectorError(error)) throw located(error, place);
    const fault = { kind: "retry", retryAt: clock.now() + 1000 } as const;
    throw new ConnectorError(fault, `The credential could not be had: ${describe(error)}. Try again.`, place);
  }
}

/** Speaks as one connection, with the tokens that its user granted. */
export function connectionBearer(
  runtime: Runtime,
  renewal: Renewal,
  registration: Registration,
  id: string,
  purpose: ObtainOptions["purpose"],
): Bearer {
  const whole = connectionSubject(runtime, registration, id);
  return {
    renewable: true,
    of: "connection",
    async obtain({ resource, scope, ...options }) {
      const subject =
        resource !== undefined || scope !== undefined
          ? connectionSubject(runtime, registration, id, { resource, scope })
          : whole;
      const { accessToken, row } = await renewal.obtain(subject, { ...options, ...(purpose && { purpose }) });
      return { accessToken, generation: row.generation };
    },
  };
}

/** What hooks and extras of a provider work with. */
export function providerContext(runtime: Runtime, renewal: Renewal, registration: Registration): ProviderContext {
  const clients = new Map<string, ApiClient>();
  return {
    registration: registration.name,
    clientId: registration.provider.client.id,
    clock: runtime.clock,
    call(path, request = {}) {
      const name = JSON.stringify(request.scope ?? null);
      let client = clients.get(name);
      if (!client) {
        client = createApiClient(
          runtime,
          registration,
          applicationBearer(runtime, renewal, registration, request.scope),
        );
        clients.set(name, client);
      }
      return client.call(path, request);
    },
  };
}

/** The same for one connection. Its own tokens speak, where it has any. */
export function connectionContext(
  runtime: Runtime,
  renewal: Renewal,
  registration: Registration,
  row: Row,
  purpose: ObtainOptions["purpose"],
): ConnectionContext {
  const view = viewOf(row);
  const base = providerContext(runtime, renewal, registration);
  if (registration.provider.grants.hostedConsent) return { ...base, connection: view };
  const client = createApiClient(
    runtime,
    registration,
    connectionBearer(runtime, renewal, registration, row.id, purpose),
    view,
  );
  return { ...base, connection: view, call: client.call };
}

/**
 * The same for letting go of it.
 *
 * @param revoked - Told the generation whose tokens were revoked.
 */
export function disconnectContext(
  runtime: Runtime,
  renewal: Renewal,
  registration: Registration,
  row: Row,
  revoked?: (generation: number) => void,
): DisconnectContext {
  return {
    ...connectionContext(runtime, renewal, registration, row, "revoke"),
    async revoke() {
      // Calls made before may have renewed.
      const newest = await runtime.rows.read(connectionKey(row.id));
      if (!newest) return [];
      revoked?.(newest.row.generation);
      return revokeStored(runtime, registration, newest);
    },
  };
}
