import type { MiddlewareHandler } from "hono";
import { HTTPException } from "hono/http-exception";

/** Headers of every page. */
export const protection = {
  "cache-control": "no-store",
  // Callback URLs carry codes: nothing of them may reach another page.
  "referrer-policy": "no-referrer",
  "content-security-policy":
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "x-content-type-options": "nosniff",
} as const;

/** Lays them under every answer, errors included. What has a policy of its own, as some of the handlers' pages, keeps it. */
export const protectiveHeaders: MiddlewareHandler = async (context, next) => {
  await next();
  const { headers } = context.res;
  for (const [name, value] of Object.entries(protection)) if (!headers.has(name)) headers.set(name, value);
};

/**
 * Refuses what another site's page sends. Under `no-referrer` a browser sends `Origin: null` with its own forms too, so that
 * `Sec-Fetch-Site` decides wherever it is sent: by every current browser, over https and to loopback.
 */
export function sameOrigin(origin: string): MiddlewareHandler {
  return async (context, next) => {
    if (context.req.method === "GET" || context.req.method === "HEAD") return next();
    const site = context.req.header("sec-fetch-site");
    const own = site === undefined ? context.req.header("origin") === origin : site === "same-origin";
    if (!own) throw new HTTPException(403, { message: "This form was not sent by a page of this application." });
    return next();
  };
}
