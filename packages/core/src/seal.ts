import type { JWK } from "jose";
import { systemClock, within } from "./clock.ts";
import { ConnectorError, describe, misconfigured } from "./faults.ts";

/**
 * Sealing of a row's secrets: compact JWE (RFC 7516) with `dir` and `A256GCM`, readable by any JOSE library. What the text
 * belongs to stands in the protected header and is compared on opening, so that a ciphertext moved to another row, or an older
 * one put back, is refused.
 */
export interface Seal {
  seal(text: string, binding: Binding): Promise<string>;
  open(sealed: string, binding: Binding): Promise<string>;
  /** Whether a text was sealed with the newest key. */
  isNewest(sealed: string): Promise<boolean>;
  /** Seals and opens a probe: rejects where the keys do not work. */
  check(): Promise<void>;
}

/** What a sealed text belongs to. */
export interface Binding {
  /** The record's key in the store. */
  readonly key: string;
  readonly field: "grant" | "flow";
  readonly format: number;
  readonly generation: number;
}

/** A 256-bit key: raw bytes, a symmetric JWK, or a function that fetches either when first needed, within 15 s. */
export type KeyMaterial = Uint8Array | JWK | (() => Promise<Uint8Array | JWK>);

/** One key of the ring. */
export interface KeyringEntry {
  /** Stands in every text sealed with it; never reuse one for another key. */
  readonly id: string;
  readonly key: KeyMaterial;
}

declare const made: unique symbol;

/** Keys for sealing, made by {@link keyring} or, loudly, {@link dangerouslyUnsealed}. */
export interface Keyring {
  readonly [made]?: never;
  readonly seal: Seal;
}

/**
 * A ring of keys: the first seals, all of them open. Put a new key in front to rotate; take an old one away when nothing is
 * sealed with it any more.
 *
 * @param entries - Newest first.
 * @throws {ConnectorError} `configuration`: no key, a key that is not 256 bits long, an id used twice.
 *
 * @example
 * ```ts
 * const keys = keyring([{ id: "2026-11", key: crypto.getRandomValues(new Uint8Array(32)) }]);
 * ```
 */
export function keyring(entries: readonly KeyringEntry[]): Keyring {
  const [newest] = entries;
  if (!newest) throw misconfigured("keyring: no key was given; give at least one 256-bit key, newest first");
  const byId = new Map<string, () => Promise<CryptoKey>>();
  for (const { id, key } of entries) {
    if (typeof id !== "string" || id === "")
      throw misconfigured("keyring: a key has no id; give each a name that stays its own");
    if (byId.has(id)) throw misconfigured(`keyring: two keys have the id "${id}"; give each its own`);
    if (typeof key !== "function") checkLength(id, key);
    byId.set(
      id,
      once(() => load(id, key)),
    );
  }
  return { seal: joseSeal(newest.id, byId) };
}

/**
 * Stores tokens readable by anyone who can read the store. For tests and throw-away data only: there is no other way to run
 * without keys.
 */
export const dangerouslyUnsealed: Keyring = {
  seal: {
    seal: async (text, { generation }) => `unsealed:${generation}:${text}`,
    open: async (sealed, { generation }) => {
      const prefix = `unsealed:${generation}:`;
      if (!sealed.startsWith(prefix))
        throw new TypeError("it is sealed, or of another generation, and no keys are configured");
      return sealed.slice(prefix.length);
    },
    isNewest: async (sealed) => sealed.startsWith("unsealed:"),
    check: async () => {},
  },
};

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const readable: import("jose").DecryptOptions = {
  keyManagementAlgorithms: ["dir"],
  contentEncryptionAlgorithms: ["A256GCM"],
};

/** Loaded when first used: it takes several times as long as all of core. */
let library: typeof import("jose") | undefined;

async function loadLibrary(): Promise<typeof import("jose")> {
  library = await import("jose");
  return library;
}

function joseSeal(newest: string, keys: ReadonlyMap<string, () => Promise<CryptoKey>>): Seal {
  const keyFor = (id: unknown): Promise<CryptoKey> => {
    const key = typeof id === "string" ? keys.get(id) : undefined;
    if (!key)
      throw new TypeError(`it was sealed with key "${describe(id)}", which is not in the keyring; put that key back`);
    return key();
  };
  const self: Seal = {
    async seal(text, binding) {
      const { CompactEncrypt } = library ?? (await loadLibrary());
      try {
        return await new CompactEncrypt(encoder.encode(text))
          .setProtectedHeader({ alg: "dir", enc: "A256GCM", kid: newest, bound: bound(binding) })
          .encrypt(await keyFor(newest));
      } catch (error) {
        throw new ConnectorError(
          { kind: "store" },
          `The secrets of record ${binding.key} cannot be sealed with key "${describe(newest)}": ${describe(error)}. Nothing was written.`,
        );
      }
    },
    async open(sealed, binding) {
      const { compactDecrypt } = library ?? (await loadLibrary());
      const { plaintext, protectedHeader } = await compactDecrypt(sealed, (header) => keyFor(header.kid), readable);
      if (protectedHeader.bound !== bound(binding))
        throw new TypeError("it belongs to another record or an older state of this one");
      return decoder.decode(plaintext);
    },
    async isNewest(sealed) {
      const { decodeProtectedHeader } = library ?? (await loadLibrary());
      try {
        return decodeProtectedHeader(sealed).kid === newest;
      } catch {
        return false; // Opening it says what is wrong with it.
      }
    },
    async check() {
      const binding: Binding = { key: "probe", field: "grant", format: 1, generation: 0 };
      try {
        if ((await self.open(await self.seal("probe", binding), binding)) !== "probe")
          throw new TypeError("the probe came back changed");
      } catch (error) {
        throw misconfigured(`keyring: key "${newest}" does not seal and open: ${describe(error)}`);
      }
    },
  };
  return self;
}

const bound = ({ key, field, format, generation }: Binding): string => JSON.stringify([key, field, format, generation]);

function checkLength(id: string, key: Uint8Array | JWK): void {
  if (key instanceof Uint8Array ? key.byteLength === 32 : key.kty === "oct" && key.k?.length === 43) return;
  throw misconfigured(
    `keyring: key "${id}" is not 256 bits long; give 32 random bytes, or a JWK of kty "oct" with them`,
  );
}

/** How long a function may take to fetch a key: milliseconds. */
const keyDeadline = 15_000;

/** Imported once, so that no seal or opening pays for it again. */
async function load(id: string, material: KeyMaterial): Promise<CryptoKey> {
  const key = typeof material === "function" ? await within(systemClock, keyDeadline, material()) : material;
  checkLength(id, key);
  const raw =
    key instanceof Uint8Array
      ? key
      : ((await (library ?? (await loadLibrary())).importJWK({ ...key, alg: "A256GCM" })) as Uint8Array);
  return crypto.subtle.importKey("raw", raw as Uint8Array<ArrayBuffer>, "AES-GCM", false, ["encrypt", "decrypt"]);
}

/** Calls `make` when first needed and keeps what it gave; a failure is not kept. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
}

/** A sealed text that cannot be opened is a `store` fault: the row stays as it is, and nothing is concluded about the grant. */
export function unopenable(error: unknown, key: string): ConnectorError {
  // A parser's own complaint quotes what it could not read.
  const why = error instanceof SyntaxError ? "they are not JSON" : describe(error);
  return new ConnectorError(
    { kind: "store" },
    `The secrets of record ${key} cannot be opened: ${why}. The record was left as it is.`,
  );
}
