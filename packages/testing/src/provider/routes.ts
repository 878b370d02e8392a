/** `fetch`, as far as a connector uses it. */
export type RoutedFetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

const longestChain = 20;

/**
 * A `fetch` that finds a definition's own hosts on loopback, and no other host at all: a test that reaches for the internet
 * fails. Redirects are followed as `fetch` follows them, by the same map.
 *
 * @param places - Origins as the definition has them, and where they are.
 */
export function routedFetch(places: ReadonlyMap<string, string>): RoutedFetch {
  return async (input, init) => {
    const request = new Request(input, init);
    const { redirect } = request;
    const signal = init?.signal ?? request.signal;
    const headers = new Headers(request.headers);
    let { method } = request;
    let body = request.body === null ? null : await request.arrayBuffer();
    let url = new URL(request.url);
    for (let hops = 0; hops <= longestChain; hops++) {
      const response = await fetch(locate(places, url), { method, headers, body, signal, redirect: "manual" });
      const location = response.headers.get("location");
      if (redirect === "manual" || response.status < 300 || response.status > 399 || location === null) return response;
      await response.body?.cancel();
      if (redirect === "error") throw new TypeError("fetch failed: a redirect, which this request does not follow");
      const next = new URL(location, url);
      // A credential is for the origin that it was given for (fetch, section 4.4, step 13).
      if (next.origin !== url.origin) headers.delete("authorization");
      if (response.status === 303 || (response.status < 303 && method === "POST")) {
        if (method !== "HEAD") method = "GET";
        body = null;
        headers.delete("content-type");
      }
      url = next;
    }
    throw new TypeError("fetch failed: too many redirects");
  };
}

/** Where `url` is on loopback. @throws TypeError for a host that is none of the simulator's. */
export function locate(places: ReadonlyMap<string, string>, url: URL): string {
  const place = places.get(url.origin);
  if (place !== undefined) return place + url.href.slice(url.origin.length);
  if (/^(localhost|\[::1\]|127(\.\d{1,3}){3})$/.test(url.hostname)) return url.href;
  const known = [...places.keys()].join(", ");
  throw new TypeError("fetch failed", {
    // The code by which a connector knows that nothing was sent.
    cause: Object.assign(new Error(`${url.origin} is none of the simulated hosts (${known})`), { code: "ENOTFOUND" }),
  });
}
