import { OAuthError } from "./error.ts";

/** A token request, whatever it was written in. */
export interface TokenRequest {
  readonly parameters: Readonly<Record<string, string>>;
  readonly sentAs: "form" | "json";
  readonly authorization?: string;
}

/**
 * Reads the parameters of a request to the token or revocation endpoint.
 *
 * @param bodies - What this server reads.
 * @throws OAuthError `invalid_request` for another media type, a repeated parameter, or JSON that is none.
 */
export async function readTokenRequest(request: Request, bodies: readonly ("form" | "json")[]): Promise<TokenRequest> {
  const type = request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
  const sentAs =
    type === "application/x-www-form-urlencoded" ? "form" : type === "application/json" ? "json" : undefined;
  if (!sentAs || !bodies.includes(sentAs)) {
    throw new OAuthError("invalid_request", `This endpoint does not read ${type ?? "a body without a type"}.`);
  }
  const text = await request.text();
  const authorization = request.headers.get("authorization");
  return {
    parameters: sentAs === "form" ? readForm(text) : readJson(text),
    sentAs,
    ...(authorization !== null && { authorization }),
  };
}

function readForm(text: string): Record<string, string> {
  const form = new URLSearchParams(text);
  for (const name of new Set(form.keys())) {
    if (form.getAll(name).length > 1) throw new OAuthError("invalid_request", `${name} is repeated.`);
  }
  // A parameter without a value counts as left out (RFC 6749 §3.2).
  return Object.fromEntries([...form].filter(([, value]) => value !== ""));
}

function readJson(text: string): Record<string, string> {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new OAuthError("invalid_request", "The body is not JSON.");
  }
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new OAuthError("invalid_request", "The body is not a JSON object.");
  }
  const members = Object.entries(body).filter(([, value]) => value !== null && value !== "");
  for (const [name, value] of members) {
    if (typeof value !== "string") throw new OAuthError("invalid_request", `${name} is not a string.`);
  }
  return Object.fromEntries(members);
}

/** @throws OAuthError `invalid_request` where it is missing. */
export function required(parameters: Readonly<Record<string, string>>, name: string): string {
  const value = parameters[name];
  if (value === undefined) throw new OAuthError("invalid_request", `${name} is missing.`);
  return value;
}

/** A space-separated list as its members, each once. */
export function scopeList(scope: string | undefined): string[] {
  return [...new Set((scope ?? "").split(" ").filter((one) => one !== ""))];
}
