import { misconfigured } from "./faults.ts";
import type { Registration } from "./registration.ts";
import type { Keyring } from "./seal.ts";
import type { Store } from "./store.ts";

/** What `createConnector` was given, as far as it can be known without I/O. */
export function checkOptions(options: object): void {
  const { store, keys, concurrency, providers } = options as {
    store: unknown;
    keys: unknown;
    concurrency: unknown;
    providers: unknown;
  };
  if (typeof providers !== "object" || providers === null || Object.keys(providers).length === 0)
    throw misconfigured("createConnector: providers is empty; register at least one provider under a name");
  for (const name of Object.keys(providers))
    if (!/^[A-Za-z][A-Za-z0-9_-]{0,63}$/.test(name))
      throw misconfigured(
        `createConnector: "${name}" is no registration name; use letters, digits, - and _, beginning with a letter`,
      );
  if (typeof store === "string" || store instanceof URL)
    throw misconfigured(
      "createConnector: store is an address; give a store object, such as sqliteStore(path). There is no fallback to memory",
    );
  const methods = ["read", "write", "remove", "list", "due", "close"];
  if (
    typeof store !== "object" ||
    store === null ||
    !methods.every((method) => typeof (store as Record<string, unknown>)[method] === "function")
  )
    throw misconfigured(`createConnector: store is not a store; it needs the methods ${methods.join(", ")}`);
  const { reach } = store as Store;
  if (reach !== "host" && reach !== "cluster" && concurrency !== "one-process")
    throw misconfigured(
      'createConnector: this store works within one process alone; give a shared store, or say concurrency: "one-process" where no other process uses these grants',
    );
  if (typeof keys !== "object" || keys === null || typeof (keys as Keyring).seal?.seal !== "function")
    throw misconfigured(
      "createConnector: keys is missing; give keyring([{ id, key }]) so that tokens are sealed in the store",
    );
}

/** Only where the provider tells whose account it is can the accounts be kept to one owner each. */
export function checkOneOwnerPerAccount(names: unknown, registrations: ReadonlyMap<string, Registration>): void {
  if (names !== undefined && !Array.isArray(names))
    throw misconfigured("createConnector: oneOwnerPerAccount is no list of registration names");
  for (const name of names ?? []) {
    const provider = registrations.get(name)?.provider;
    if (!provider) throw misconfigured(`createConnector: oneOwnerPerAccount names "${name}", which is no registration`);
    if (!provider.grants.authorizationCode || !provider.connect?.granted)
      throw misconfigured(
        `createConnector: oneOwnerPerAccount names "${name}", whose provider does not tell whose account was connected`,
      );
  }
}

/**
 * Two issuers, neither of which names itself in callbacks, are told apart by the path that a callback comes in on (RFC 9700,
 * section 4.4.2): the host may be a proxy's, and a query can be added to.
 */
export function checkRedirectUris(registrations: ReadonlyMap<string, Registration>): void {
  const taken: { readonly path: string; readonly registration: Registration }[] = [];
  for (const registration of registrations.values()) {
    const { grants, server } = registration.provider;
    for (const uri of [
      grants.authorizationCode?.redirectUri,
      grants.hostedConsent?.redirectUri,
      grants.hostedConsent?.cancelUri,
    ]) {
      if (uri === undefined) continue;
      const path = new URL(uri).pathname;
      const mixed = taken.find((one) => {
        const other = one.registration.provider.server;
        const named = [server, other].some((each) => each.authorization_response_iss_parameter_supported === true);
        return one.path === path && other.issuer !== server.issuer && !named;
      });
      if (mixed)
        throw misconfigured(
          `Registrations "${mixed.registration.name}" and "${registration.name}" share the redirect URI's path ${path}; give each a path of its own`,
        );
      taken.push({ path, registration });
    }
  }
}
