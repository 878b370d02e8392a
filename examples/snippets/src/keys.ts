import { createConnector, dangerouslyUnsealed, type Keyring, keyring, memoryStore, type Store } from "@linkwright/core";
import { flinks } from "@linkwright/flinks";
import type { AppConnector } from "./connector.ts";

export function newKey(): Uint8Array {
  // #region make
  const key = crypto.getRandomValues(new Uint8Array(32)); // 256 bits; keep them in a vault
  // #endregion
  return key;
}

export function ring(vault: (name: string) => Promise<Uint8Array>): Keyring {
  // #region rotate
  const keys = keyring([
    { id: "2027-02", key: () => vault("linkwright/2027-02") }, // seals from now on
    { id: "2026-11", key: () => vault("linkwright/2026-11") }, // opens what it sealed
  ]);
  // #endregion
  return keys;
}

// #region reseal
/** Seals with the newest key what older ones sealed; beside the application at work, and as often as needed. */
export async function reseal(connector: AppConnector): Promise<boolean> {
  const { resealed, failed } = await connector.reseal({
    onProgress: ({ resealed, current }) => console.log(`${resealed} sealed anew, ${current} were already`),
  });
  for (const { record, message } of failed) console.error(record, message); // left as they are
  return resealed === 0 && failed.length === 0; // nothing is sealed with an older key any more
}
// #endregion

// #region lost
/** Ends the connections that a lost key sealed. Afterwards their users connect again, with the connections' ids. */
export async function giveUp(lostKey: string, connector: AppConnector, store: Store): Promise<void> {
  let cursor: string | undefined;
  do {
    const page = await store.list({ prefix: "connection:", limit: 100, ...(cursor !== undefined && { cursor }) });
    for (const { value } of page.items) {
      const { id, owner, grant = "" } = JSON.parse(value);
      const [header] = grant.split("."); // a compact JWE begins with its header, which names the key
      const key = header && JSON.parse(Buffer.from(header, "base64url").toString()).kid;
      if (key === lostKey) await connector.markEnded(id, { owner, reason: "revoked" });
    }
    cursor = page.cursor;
  } while (cursor !== undefined);
}
// #endregion

export function unsealed(settings: Parameters<typeof flinks>[0]) {
  // #region unsealed
  const connector = createConnector({
    providers: { flinks: flinks(settings) },
    store: memoryStore(),
    concurrency: "one-process",
    keys: dangerouslyUnsealed, // tokens are readable to whoever reads the store
  });
  // #endregion
  return connector;
}
