/** Headers of every answer. Callback URLs carry codes: nothing of them may be kept, framed or told to another page. */
const protective = {
  "cache-control": "no-store",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "content-security-policy": policy(),
  "cross-origin-resource-policy": "same-origin",
} as const;

/** A policy under which nothing loads, and nothing is sent, but what is named. */
export function policy(allowed: { readonly script?: string; readonly formAction?: "'self'" } = {}): string {
  const { script, formAction = "'none'" } = allowed;
  return [
    "default-src 'none'",
    ...(script ? [`script-src ${script}`] : []),
    `form-action ${formAction}`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

/** Lays the protective headers under what a response has of its own. */
export function protectedResponse(response: Response): Response {
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(protective)) if (!headers.has(name)) headers.set(name, value);
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}

/** Whether a browser goes somewhere with this request: then it asks for HTML. Whatever else asks gets JSON. */
export const wantsPage = (request: Request): boolean => /\btext\/html\b/i.test(request.headers.get("accept") ?? "");

export const json = (body: object, status = 200, headers: HeadersInit = {}): Response =>
  protectedResponse(Response.json(body, { status, headers }));

/** To a place of this origin, by GET (RFC 9110, section 15.4.4). Absolute, so that no path can be read as a host. */
export const seeOther = (origin: string, path: string): Response =>
  protectedResponse(new Response(null, { status: 303, headers: { location: origin + path } }));

export function page(html: string, status = 200, headers: Readonly<Record<string, string>> = {}): Response {
  return protectedResponse(
    new Response(html, { status, headers: { "content-type": "text/html; charset=utf-8", ...headers } }),
  );
}

/** The same response with more cookies. */
export function withCookies(response: Response, lines: readonly string[]): Response {
  for (const line of lines) response.headers.append("set-cookie", line);
  return response;
}
