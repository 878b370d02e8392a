/** A request of the desk's that cannot be followed. */
export class ControlError extends Error {
  readonly status: 400 | 403 | 404 | 415;

  constructor(status: 400 | 403 | 404 | 415, message: string) {
    super(message);
    this.status = status;
  }
}

/** The body: a JSON object. */
export async function json(request: Request): Promise<Readonly<Record<string, unknown>>> {
  const value: unknown = await request.json().catch(() => undefined);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new ControlError(400, "The body is not a JSON object.");
}

/** @throws {ControlError} for a member that is not known. */
export function members(
  value: Readonly<Record<string, unknown>>,
  known: readonly string[],
): Readonly<Record<string, unknown>> {
  const more = Object.keys(value).find((name) => !known.includes(name));
  if (more !== undefined) throw new ControlError(400, `"${more}" is not known; there are ${known.join(", ")}.`);
  return value;
}
