import { randomBytes } from "node:crypto";
import type { Context } from "hono";
import type { AccessToken } from "../oauth/grants.ts";
import { bearerToken } from "../oauth/token-response.ts";
import type { Refusal } from "../simulator.ts";
import type { FiskilState } from "./options.ts";

/** How a part of Fiskil words its errors: the front door, the data endpoints, the Platform API. */
export type ErrorStyle = "goa" | "short" | "oauth";

/** A support handle. */
export const errorId = () => `err_${randomBytes(8).toString("hex")}`;

/** An error of the front door as a body. What can pass by itself is `temporary`. */
export function goaBody(status: number, name: string, message: string): Refusal {
  const temporary = status === 429 || status === 503;
  return {
    body: { name, id: errorId(), message, temporary, timeout: status === 504, fault: status >= 500 && !temporary },
    contentType: "application/vnd.goa.error",
  };
}

/** The words of an error by where it happens. */
export function refusalAt(status: number, path: string): Refusal {
  const name = status === 429 ? "rate_limited" : status === 503 ? "service_unavailable" : "internal_error";
  const message = `The simulator was asked for ${status}.`;
  if (path.startsWith("/v1/data-provider/")) {
    return { body: { error: name, error_description: message }, contentType: "application/json" };
  }
  if (/^\/v1\/(banking|energy|common)\//.test(path)) {
    return { body: { id: errorId(), name, message }, contentType: "application/json" };
  }
  return goaBody(status, name, message);
}

export function refuse(style: ErrorStyle, status: number, name: string, message: string): Response {
  if (style === "goa") {
    const { body, contentType } = goaBody(status, name, message);
    return Response.json(body, { status, headers: { "content-type": contentType } });
  }
  const body = style === "short" ? { id: errorId(), name, message } : { error: name, error_description: message };
  return Response.json(body, { status });
}

/** The token behind a request, or what it is refused with. */
export function authorize(
  { grants }: FiskilState,
  context: Context,
  scope: string | undefined,
  style: ErrorStyle,
): AccessToken | Response {
  const token = grants.valid(bearerToken(context.req.raw) ?? "");
  if (!token) {
    return refuse(style, 401, style === "oauth" ? "invalid_client" : "unauthorized", "missing or invalid token");
  }
  if (scope === undefined || token.scope.includes(scope)) return token;
  // The Data API writes it in the plural.
  return refuse(style, 403, style === "oauth" ? "insufficient_scope" : "insufficient_scopes", `needs ${scope}`);
}

export type Version = "v1" | "v2" | "v3";

export function isVersion(text: string): text is Version {
  return text === "v1" || text === "v2" || text === "v3";
}

const largestPage = 1000;

/**
 * A page by `page[size]`, `page[after]` and `page[before]`, with full URLs to its neighbours; `undefined` for a cursor
 * that is none.
 */
export function paged<T>(
  { origin }: FiskilState,
  context: Context,
  items: readonly T[],
): { readonly items: readonly T[]; readonly links: { prev?: string; next?: string } } | undefined {
  const url = new URL(context.req.url);
  const after = url.searchParams.get("page[after]");
  const before = url.searchParams.get("page[before]");
  const size = Math.min(Math.max(1, Number(url.searchParams.get("page[size]") ?? 100) || 100), largestPage);
  const end = before === null ? undefined : position(before);
  const start = after !== null ? position(after) : end === undefined ? 0 : Math.max(0, end - size);
  if (Number.isNaN(start) || Number.isNaN(end)) return undefined;

  const stop = start + size;
  const link = (name: string, at: number) => {
    const neighbour = new URL(url.pathname + url.search, origin);
    neighbour.searchParams.delete("page[after]");
    neighbour.searchParams.delete("page[before]");
    neighbour.searchParams.set(name, Buffer.from(`at:${at}`).toString("base64url"));
    return neighbour.href;
  };
  return {
    items: items.slice(start, stop),
    links: {
      ...(start > 0 && { prev: link("page[before]", start) }),
      ...(stop < items.length && { next: link("page[after]", stop) }),
    },
  };
}

function position(cursor: string): number {
  const [, digits] = /^at:(\d+)$/.exec(Buffer.from(cursor, "base64url").toString()) ?? [];
  return Number(digits);
}

/** What a garbage cursor is answered with. */
export const cursorRefusal = (style: ErrorStyle) =>
  refuse(style, 503, "service_unavailable", "temporarily unavailable");
