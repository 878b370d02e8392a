import { allowInsecureLoopback, createConnector, keyring, memoryStore } from "@linkwright/core";
import { fiskil } from "@linkwright/fiskil";
import { fiskl } from "@linkwright/fiskl";
import { flinks } from "@linkwright/flinks";
import { simulateFiskil, simulateFiskl, simulateFlinks, virtualClock } from "@linkwright/testing";
import { createHandlers, type HandlerOptions } from "../../src/index.ts";
import { createBrowser, read } from "./browser.ts";

export const origin = "https://app.example";
export const booksSecret = "canary-client-secret-of-books";
const path = (registration: string) => `/linkwright/callback/${registration}`;

/** An application that has these handlers and nothing else, in front of three simulated providers. */
export async function house(options: Partial<HandlerOptions<Providers, unknown>> & { origin?: string } = {}) {
  const base = options.origin ?? origin;
  await using stack = new AsyncDisposableStack();
  const clock = virtualClock({ running: true });
  const consents = stack.use(await simulateFiskil({ clock }));
  const books = stack.use(
    await simulateFiskl({
      clock,
      clients: [{ clientId: "app_01", clientSecret: booksSecret, redirectUris: [base + path("books")] }],
    }),
  );
  const bank = stack.use(
    await simulateFlinks({
      clock,
      recipients: [
        { clientId: "dc-demo0001", clientSecret: "s3cr3t-of-flinks", redirectUris: [base + path("flinks")] },
      ],
    }),
  );
  const store = memoryStore({ clock });
  const connector = createConnector({
    providers: providers(base, consents, books, bank),
    store,
    concurrency: "one-process",
    keys: keyring([{ id: "test", key: new Uint8Array(32).fill(7) }]),
    clock,
    [allowInsecureLoopback]: true,
  });
  stack.defer(() => connector.close());
  const errors: unknown[] = [];
  const handlers = createHandlers({
    connector,
    origin: base,
    owner: (request) => /(?:^|; )session=(\w+)/.exec(request.headers.get("cookie") ?? "")?.[1],
    start: {
      fiskil: { endUser: { email: "ada@example.com" }, institutionId: "88888" },
      flinks: ({ form }) => (form.has("bank") ? { providerId: Number(form.get("bank")) } : undefined),
    },
    onError: (error) => {
      errors.push(error);
      if (process.env.SEE) console.error(error);
    },
    [allowInsecureLoopback]: base.startsWith("http:"),
    ...options,
  });
  const started = stack.move();

  return {
    clock,
    store,
    connector,
    handlers,
    errors,
    fiskil: consents,
    books,
    flinks: bank,
    /** A browser in which somebody is signed in, by a cookie of the application's. */
    browser(user?: string, sameSite: "Strict" | "Lax" | "None" = "Lax") {
      const browser = createBrowser(base, handlers.handler);
      if (user !== undefined) browser.cookies.set("session", { value: user, sameSite });
      return browser;
    },
    async connectionsOf(owner: string) {
      const found = [];
      for await (const connection of connector.connections({ owner })) found.push(connection);
      return found;
    },
    tokenRequests: () => books.journal.count({ path: "/oauth/token" }),
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

export type House = Awaited<ReturnType<typeof house>>;
type Providers = ReturnType<typeof providers>;

function providers(
  base: string,
  consents: Awaited<ReturnType<typeof simulateFiskil>>,
  books: Awaited<ReturnType<typeof simulateFiskl>>,
  bank: Awaited<ReturnType<typeof simulateFlinks>>,
) {
  const { issuer, authorization_endpoint: authorization, token_endpoint: token, revocation_endpoint } = books.endpoints;
  return {
    fiskil: fiskil({
      clientId: "key_01example",
      clientSecret: "s3cr3t-example",
      webhookSecret: consents.webhookSecret,
      redirectUri: base + path("fiskil"),
      cancelUri: `${base + path("fiskil")}/cancelled`,
      baseUrl: consents.origin,
      authOrigin: consents.origin,
    }),
    books: fiskl({
      client: "confidential",
      clientId: "app_01",
      clientSecret: booksSecret,
      redirectUri: base + path("books"),
      baseUrl: books.origin,
      issuer,
      endpoints: { authorization, token, revocation: revocation_endpoint },
      scope: ["invoicing:read", "contacts:read"],
      webhook: { secrets: books.webhookSecrets },
    }),
    flinks: flinks({
      clientId: "dc-demo0001",
      clientSecret: "s3cr3t-of-flinks",
      redirectUri: base + path("flinks"),
      baseUrl: bank.origin,
    }),
  };
}

/** Where a departure page leads. */
export async function onwardOf(response: Response): Promise<string> {
  const page = await response.text();
  const [, href] = /id="onward" href="([^"]*)"/.exec(page) ?? [];
  if (href === undefined) throw new Error(`${response.status}: no way onward: ${page}`);
  return read(href);
}
