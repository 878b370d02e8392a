import { createServer } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { allowInsecureLoopback, createConnector, keyring } from "@linkwright/core";
import { fiskl } from "@linkwright/fiskl";
import { sqliteStore } from "@linkwright/store-sqlite";
import { createHandlers } from "@linkwright/web";

const env = (name: string): string => process.env[name] ?? "";
const origin = env("APP_ORIGIN"); // where browsers reach the application

const connector = createConnector({
  providers: {
    books: fiskl({
      client: "confidential",
      clientId: env("FISKL_CLIENT_ID"),
      clientSecret: env("FISKL_CLIENT_SECRET"),
      redirectUri: `${origin}/linkwright/callback/books`,
      baseUrl: env("FISKL_BASE_URL"),
      issuer: env("FISKL_ISSUER"),
      discovery: true,
      scope: ["invoicing:read"],
      webhook: { secrets: env("FISKL_WEBHOOK_SECRET") },
    }),
  },
  store: sqliteStore(env("LINKWRIGHT_DATABASE")),
  keys: keyring([{ id: "1", key: Buffer.from(env("LINKWRIGHT_KEY"), "base64") }]),
  [allowInsecureLoopback]: true, // for development
});

/** Stands for your own sign-in. This one believes a cookie. */
const signedIn = (request: Request): string | undefined =>
  /\buser=(\w+)/.exec(request.headers.get("cookie") ?? "")?.[1];

// #region links
const links = createHandlers({
  connector,
  origin,
  owner: signedIn,
  webhook: { books: ({ event }) => console.log(`books: ${event.type}`) },
  [allowInsecureLoopback]: true,
});

async function answer(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (pathname.startsWith("/linkwright/")) return links.handler(request);
  if (pathname === "/invoices") {
    const owner = signedIn(request);
    return owner === undefined ? new Response(null, { status: 401 }) : Response.json(await invoicesOf(owner));
  }
  return new Response(page, { headers: { "content-type": "text/html; charset=utf-8" } });
}

const server = createServer(getRequestListener(answer));
// #endregion

/** A page needs a form and no script. */
const page = `<!doctype html>
<title>Books</title>
<form method="post" action="/linkwright/start/books">
<input type="hidden" name="returnTo" value="/">
<button>Connect your books</button>
</form>`;

/** What accounts are linked for. */
async function invoicesOf(owner: string): Promise<unknown[]> {
  const invoices: unknown[] = [];
  for await (const connection of connector.connections({ owner }))
    invoices.push(...(await (await connection.fetch("/v1/invoices")).json()));
  return invoices;
}

server.listen(Number(env("PORT")), "127.0.0.1");
