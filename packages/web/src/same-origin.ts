import { Refusal } from "./failure.ts";

/**
 * Refuses what another site's page sends. `Sec-Fetch-Site` decides where a browser sends it, which every current one does over
 * https and to loopback: under `Referrer-Policy: no-referrer` a page's own form comes with `Origin: null`. Else `Origin` has to
 * be there and be this origin; what is no browser says whom it speaks for in the same way.
 */
export function checkSameOrigin(request: Request, origin: string): void {
  const site = request.headers.get("sec-fetch-site");
  const own = site === null ? request.headers.get("origin") === origin : site === "same-origin";
  if (!own) throw new Refusal("cross_site");
}
