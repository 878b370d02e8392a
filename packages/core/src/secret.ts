const brand = Symbol.for("@linkwright/Secret");

/**
 * A value that must not be seen by accident: it prints as `[secret]` in logs, JSON, templates and `inspect`, at any depth.
 *
 * @example
 * ```ts
 * const secret = new Secret("s3cr3t");
 * `${secret}`; // "[secret]"
 * secret.reveal(); // "s3cr3t"
 * ```
 */
export class Secret {
  readonly #value: string;
  readonly [brand] = true;

  constructor(value: string) {
    this.#value = value;
  }

  /** The value itself. The one way to it, so that every use can be found by searching for this name. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return "[secret]";
  }

  toJSON(): string {
    return "[secret]";
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return "[secret]";
  }
}

/**
 * A secret as configuration gives it: the text, or a function that is asked at each need, so that a secret can come from a
 * vault and be changed while the application runs (RFC 6819, section 5.3.1).
 */
export type SecretSource = string | Secret | (() => string | Secret | Promise<string | Secret>);

/** Hides a secret that configuration gave as text, so that the configuration object can be printed. */
export function hideSecret(source: SecretSource): Exclude<SecretSource, string> {
  return typeof source === "string" ? new Secret(source) : source;
}

/** Whether `value` is a {@link Secret}, also one from another copy of this package. */
export function isSecret(value: unknown): value is Secret {
  return typeof value === "object" && value !== null && (value as { [brand]?: unknown })[brand] === true;
}

/** The secret's text now. */
export async function revealSecret(source: SecretSource): Promise<string> {
  const value = typeof source === "function" ? await source() : source;
  return isSecret(value) ? value.reveal() : value;
}
