/** A browser without a screen: keeps cookies as their attributes say, and words its requests as browsers do. */
export interface Browser {
  readonly cookies: Map<string, Cookie>;
  /** Opens an address, as if typed, or by a link or redirect of another site's. */
  open(
    url: string,
    options?: { readonly from?: Site; readonly headers?: Readonly<Record<string, string>> },
  ): Promise<Response>;
  /** Sends a form. */
  submit(
    url: string,
    fields?: Readonly<Record<string, string>> | URLSearchParams,
    options?: { readonly from?: Site; readonly headers?: Readonly<Record<string, string>> },
  ): Promise<Response>;
  /** Presses the button of a page's only form, or lets its script do so. */
  submitPage(page: string): Promise<Response>;
}

export type Site = "same-origin" | "cross-site" | "none";

export interface Cookie {
  readonly value: string;
  readonly sameSite: "Strict" | "Lax" | "None";
}

type Answering = (request: Request) => Promise<Response>;

/** @param origin - That `handler` answers for. */
export function createBrowser(origin: string, handler: Answering): Browser {
  const cookies = new Map<string, Cookie>();

  async function send(request: Request, from: Site): Promise<Response> {
    const sent = [...cookies].filter(
      ([, { sameSite }]) =>
        from !== "cross-site" || sameSite === "None" || (sameSite === "Lax" && request.method === "GET"),
    );
    if (sent.length > 0) request.headers.set("cookie", sent.map(([name, { value }]) => `${name}=${value}`).join("; "));
    if (!request.headers.has("accept"))
      request.headers.set("accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8");
    if (!request.headers.has("sec-fetch-site")) request.headers.set("sec-fetch-site", from);
    if (request.headers.get("sec-fetch-site") === "") request.headers.delete("sec-fetch-site");
    const response = await handler(request);
    for (const line of response.headers.getSetCookie()) keep(line);
    return response;
  }

  function keep(line: string): void {
    const [pair = "", ...attributes] = line.split("; ");
    const [name = "", value = ""] = [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)];
    const of = new Map(attributes.map((attribute) => [attribute.toLowerCase().split("=")[0], attribute.split("=")[1]]));
    const secure = origin.startsWith("https:");
    if (of.has("secure") && !secure) return;
    if (name.startsWith("__Host-") && !(secure && of.has("secure") && of.get("path") === "/" && !of.has("domain")))
      return;
    if (of.get("max-age") === "0") cookies.delete(name);
    else
      cookies.set(name, { value, sameSite: /samesite=(strict|none)/i.exec(line)?.[1] === "Strict" ? "Strict" : "Lax" });
  }

  const browser: Browser = {
    cookies,
    open: (url, { from = "cross-site", headers = {} } = {}) =>
      send(new Request(new URL(url, origin), { headers }), from),
    submit(url, fields = {}, { from = "same-origin", headers = {} } = {}) {
      const body = new URLSearchParams(fields);
      // Under no-referrer, pages of an application's own send this too.
      return send(
        new Request(new URL(url, origin), { method: "POST", body, headers: { origin: "null", ...headers } }),
        from,
      );
    },
    submitPage(page) {
      const [, action] = /<form method="post" action="([^"]*)"/.exec(page) ?? [];
      if (action === undefined) throw new Error(`The page has no form: ${page}`);
      const fields = [...page.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)];
      const form = new URLSearchParams(fields.map(([, name = "", value = ""]) => [read(name), read(value)]));
      return browser.submit(read(action), form);
    },
  };
  return browser;
}

/** What a browser reads where numbers stand for characters. */
export const read = (html: string): string =>
  html.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)));
