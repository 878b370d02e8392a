/** A user's browser without a screen: it keeps cookies, sends the application's forms, and follows what they lead to. */
export interface Visitor {
  signIn(user: string): Promise<void>;
  get(path: string): Promise<Response>;
  /** Sends a form of the application's. Redirects are not followed. */
  post(path: string, form?: Readonly<Record<string, string>>): Promise<Response>;
  /** Presses a button that leads to a provider; returns the provider's URL. */
  setOut(path: string, form?: Readonly<Record<string, string>>): Promise<string>;
  /** Presses "link", lets `consent` act on the provider's pages, and comes back; returns the application's last answer. */
  link(registration: string, consent: Consent): Promise<Response>;
  /** The same from "reconnect" on. */
  reconnect(connection: string, consent: Consent): Promise<Response>;
  /** Comes back from a provider. */
  arrive(callback: string): Promise<Response>;
}

/** What the user does on the provider's pages: from their URL to the one that the browser is sent back to. */
export type Consent = (url: string) => Promise<string>;

/** @param origin - Of the application. */
export function createVisitor(origin: string): Visitor {
  const cookies = new Map<string, string>();

  async function request(url: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set("accept", "text/html");
    if (cookies.size > 0) headers.set("cookie", [...cookies].map(([name, value]) => `${name}=${value}`).join("; "));
    const response = await fetch(url, { ...init, headers, redirect: "manual" });
    for (const line of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (/; Max-Age=0\b/i.test(line)) cookies.delete(name);
      else cookies.set(name, value);
    }
    return response;
  }

  const visitor: Visitor = {
    async signIn(user) {
      const response = await visitor.post("/session", { user });
      if (response.status !== 303) throw new Error(`Signing in as ${user} was answered ${response.status}.`);
    },
    get: (path) => request(origin + path),
    post: (path, form = {}) =>
      request(origin + path, {
        method: "POST",
        body: new URLSearchParams(form),
        headers: { "sec-fetch-site": "same-origin" },
      }),
    async setOut(path, form) {
      const departure = await visitor.post(path, form);
      const [, onward] = /id="onward" href="([^"]*)"/.exec(await departure.text()) ?? [];
      if (onward === undefined) throw new Error(`No way to a provider is offered at ${path} (${departure.status}).`);
      return unescaped(onward);
    },
    link: async (registration, consent) =>
      visitor.arrive(await consent(await visitor.setOut(`/linkwright/start/${registration}`))),
    async reconnect(connection, consent) {
      const page = await (await visitor.get(`/connections/${connection}`)).text();
      const form = formsOf(page).find(({ action }) => action.startsWith("/linkwright/start/"));
      if (!form) throw new Error(`No way to connect ${connection} again is offered.`);
      return visitor.arrive(await consent(await visitor.setOut(form.action, form.fields)));
    },
    async arrive(callback) {
      const response = await request(callback);
      // A page that sends the callback once more by itself, as a browser's cookies may not have come along at first.
      const { pathname } = new URL(callback);
      const relay = formsOf(await response.clone().text()).find(({ action }) => action === pathname);
      return relay ? visitor.post(relay.action, relay.fields) : response;
    },
  };
  return visitor;
}

/** A page's forms, with their hidden fields. */
export function formsOf(page: string) {
  return [...page.matchAll(/<form [^>]*action="([^"]*)">([\s\S]*?)<\/form>/g)].map(([, action = "", body = ""]) => ({
    action: unescaped(action),
    fields: Object.fromEntries(
      [...body.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)].map(([, name = "", value = ""]) => [
        unescaped(name),
        unescaped(value),
      ]),
    ),
  }));
}

const entities: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"' };

/** What a browser reads where a name or a number stands for a character. */
const unescaped = (text: string): string =>
  text.replace(/&(?:#(\d+)|(\w+));/g, (whole, code: string | undefined, name: string | undefined) =>
    code === undefined ? (entities[name ?? ""] ?? whole) : String.fromCharCode(Number(code)),
  );
