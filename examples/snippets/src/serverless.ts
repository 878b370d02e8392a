import { createConnector, type Keyring, type Store } from "@linkwright/core";
import { flinks } from "@linkwright/flinks";

export interface Instance {
  readonly settings: Parameters<typeof flinks>[0];
  readonly store: Store & { readonly reach: "cluster" };
  readonly keys: Keyring;
  /** The platform's own, such as that of the request's context. */
  readonly waitUntil: (work: Promise<unknown>) => void;
}

export function handedOver({ settings, store, keys, waitUntil }: Instance) {
  // #region wait-until
  const connector = createConnector({
    providers: { flinks: flinks(settings) },
    store,
    keys,
    waitUntil: (work) => waitUntil(work), // the platform waits for it before it freezes
  });
  // #endregion
  return connector;
}

export function nothingAhead({ settings, store, keys }: Instance) {
  // #region background
  const connector = createConnector({
    providers: { flinks: flinks(settings) },
    store,
    keys,
    background: "none",
  });
  // #endregion
  return connector;
}
