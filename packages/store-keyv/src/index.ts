export type { KeyvInstance } from "./backend.ts";
export { type KeyvStoreOptions, keyvStore } from "./keyv-store.ts";
