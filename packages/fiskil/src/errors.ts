import type { Answer, FaultReading } from "@linkwright/core";
import * as z from "zod";

/** What an error body says, whichever of Fiskil's four shapes it has. */
export interface ErrorBody {
  /** `name` of a goa or short error, `error` of an RFC-like one, `code` of a CDR one. */
  readonly code?: string | undefined;
  readonly description?: string | undefined;
  /** What Fiskil's support asks for. */
  readonly id?: string | undefined;
  /** Fiskil itself says that trying again may help. */
  readonly passing: boolean;
}

const text = z.string().optional().catch(undefined);
const flag = z.boolean().catch(false);

const errorBody = z
  .object({
    name: text,
    id: text,
    message: text,
    temporary: flag,
    timeout: flag,
    error: text,
    error_description: text,
    errors: z.array(z.object({ code: text, title: text, detail: text })).catch([]),
  })
  .catch({ errors: [], temporary: false, timeout: false });

/** Reads an error body; what is not there is left out, and nothing throws. */
export function readError(json: unknown): ErrorBody {
  const body = errorBody.parse(json);
  const [first] = body.errors;
  return {
    code: body.name ?? body.error ?? first?.code,
    description: body.message ?? body.error_description ?? first?.detail ?? first?.title,
    id: body.id,
    passing: body.temporary || body.timeout,
  };
}

/** The parts of a reading that only quote. */
export function said({ code, description, id }: Omit<ErrorBody, "passing">): Omit<FaultReading, "kind"> {
  return {
    ...(code !== undefined && { code }),
    ...(description !== undefined && { description }),
    ...(id !== undefined && { support: { error_id: id } }),
  };
}

/**
 * Reads an error of the API.
 *
 * A 403 is a `permission`, not a `configuration`: the key and every connection are alive, and the scope it lacks is needed by
 * this call alone, so a caller may do without it.
 */
export function apiFault({ status, json }: Answer): FaultReading | undefined {
  if (status < 400) return undefined;
  const error = readError(json);
  return { kind: apiFaultKind(status, error.passing), ...said(error) };
}

function apiFaultKind(status: number, passing: boolean): FaultReading["kind"] {
  if (status === 401) return "stale_token";
  if (status === 408 || status === 429 || status >= 500 || passing) return "retry";
  if (status === 403) return "permission";
  return status === 404 ? "gone" : "configuration";
}
